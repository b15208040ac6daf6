"""What the synchronizer costs: CPU, memory and bytes, with the codec at both ends as in its process."""

import time
import tracemalloc
from collections.abc import Sequence
from typing import Any

from bench.sync.policies import events
from bench.sync.scenario import Sent
from processors.synchronize.episode import EpisodeSteps
from saltwell.contracts.codec import Codec
from saltwell.contracts.timeline import EpisodeStarted, FramesIndexed


def cost(frames: Sequence[Sent], *, seconds: float, stations: int) -> dict[str, float]:
    """Of so many stations side by side: CPU a frame and an event, stations a core, memory a station, bytes."""
    codec = Codec()
    first, *rest = [codec.encode(event) for event in events(frames)]
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    running = [_begun(codec, first) for _ in range(stations)]
    fed = rest[: len(rest) // 2]
    for data in fed:
        for steps in running:
            _feed(codec, steps, data)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    spent_s, written = 0.0, 0
    began_s = time.process_time()
    for data in rest[len(fed) :]:
        for steps in running:
            written += _feed(codec, steps, data)
    spent_s = time.process_time() - began_s
    timed = len(rest) - len(fed)
    share = timed / len(rest)
    return {
        "us_a_frame": spent_s / (len(frames) * share * stations) * 1e6,
        "us_an_event": spent_s / (timed * stations) * 1e6,
        "stations_a_core": seconds * share * stations / spent_s,
        "kb_a_station": grown / stations / 1e3,
        "bytes_out_per_in": written / stations / sum(map(len, rest[len(fed) :])),
        "frames_a_second": len(frames) / seconds,
        "stations": stations,
    }


def _begun(codec: Codec, data: bytes) -> EpisodeSteps:
    started = codec.decode(data)
    if not isinstance(started, EpisodeStarted):
        raise TypeError("a timeline begins with EpisodeStarted")
    return EpisodeSteps(started)


def _feed(codec: Codec, steps: EpisodeSteps, data: bytes) -> int:
    event: Any = codec.decode(data)
    if not isinstance(event, FramesIndexed):
        raise TypeError("only the index of frames is fed")
    return sum(len(codec.encode(block)) for block in steps.index(event))
