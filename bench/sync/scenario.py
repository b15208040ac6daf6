"""The matching scenario of the design: two cameras out of phase, a lidar, joints and a headset; 0.5 % are lost.

Delays as measured on real sensors: cameras 30 ms and up to 5, lidar 65 ms, joints 3 ms, a headset on Wi-Fi 15 ms and a
queue that stalls for up to 100 ms in 2 % of its frames.
"""

from dataclasses import dataclass

import numpy as np

from bench.clock.simulated import wifi_queue
from saltwell.contracts.identity import StreamKind

START_NS = 1_767_225_600 * 10**9
LOST = 0.005


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream of the scenario; the first of STREAMS is what the others are matched to."""

    name: str
    kind: StreamKind
    rate_hz: float
    match: str
    phase_ms: float
    latency_ms: float
    queue_ms: float


STREAMS = (
    Stream("/head/color", "color", 30.0, "nearest", 0.0, 30.0, 1.0),
    Stream("/chest/color", "color", 30.0, "nearest", 11.7, 30.0, 1.0),
    Stream("/points", "cloud", 10.0, "nearest", 3.0, 65.0, 0.1),
    Stream("/joints", "joints", 500.0, "linear", 0.4, 3.0, 0.3),
    Stream("/vr", "pose", 72.0, "slerp", 5.0, 15.0, -1.0),
)
ANCHOR = 0


@dataclass(frozen=True, slots=True, order=True)
class Sent:
    """One frame: when it arrived and was captured (ns), the index of its stream, its number."""

    arrived_ns: int
    stream: int
    seq: int
    captured_ns: int


def scenario(*, seconds: float, seed: int = 1) -> list[Sent]:
    """All frames in order of arrival."""
    rng = np.random.default_rng(seed)
    return sorted(frame for i, stream in enumerate(STREAMS) for frame in _frames(i, stream, seconds, rng))


def _frames(index: int, stream: Stream, seconds: float, rng: np.random.Generator) -> list[Sent]:
    count = int(seconds * stream.rate_hz)
    captured_s = (
        stream.phase_ms / 1e3 + np.arange(count) / stream.rate_hz + rng.normal(0, 0.005 / stream.rate_hz, count)
    )
    queue_s = wifi_queue(rng, count) if stream.queue_ms < 0 else rng.exponential(stream.queue_ms / 1e3, count)
    arrived_s = np.maximum.accumulate(captured_s + stream.latency_ms / 1e3 + queue_s)
    kept = np.flatnonzero(rng.random(count) >= LOST).tolist()
    captured, arrived = (START_NS + np.round(s * 1e9).astype(np.int64) for s in (captured_s, arrived_s))
    return [Sent(int(arrived[seq]), index, seq, int(captured[seq])) for seq in kept]
