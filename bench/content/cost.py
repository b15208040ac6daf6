"""What the content check costs a station, part by part."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.content.scores import score_blocks
from processors.judge.content.check import ContentCheck
from processors.score.decode import reduced
from processors.score.flow import FlowMeter
from processors.score.tracer import Tracer
from producers.replay.recording import open_recording
from producers.replay.samples import kind_of, to_sample
from producers.sample import ImageSample

_MILLI = 1e3
_BLOCKS_A_SECOND = 50


@dataclass(frozen=True, slots=True)
class Cost:
    """Core-ms a station-second, and bytes of traces a station-second."""

    station: str
    flow: float
    traces: float
    correlation: float
    bytes: float


def cost_of(path: Path) -> Cost:
    """Measure on one recording: CPU time of this process, so others on the machine count little."""
    blocks = score_blocks(path)
    traces = [(block, trace) for block in blocks for trace in block.motion]
    times_ns = np.concatenate([np.frombuffer(trace.captured_ns, "<i8") for _, trace in traces])
    seconds = float(np.ptp(times_ns)) / 1e9
    cameras = _pictures(path)
    check = ContentCheck()
    for block in blocks:
        check.add(block)
    return Cost(
        station=f"{path.stem}: {len(cameras)} cameras, {len({block.stream for block, _ in traces})} streams",
        flow=sum(_cpu_ms(_see_all, pictures) for pictures in cameras.values()) / seconds,
        traces=_cpu_ms(_trace, seconds) / seconds,
        correlation=_cpu_ms(check.offsets, {}) / seconds,
        bytes=sum(len(trace.values) + len(trace.captured_ns) for _, trace in traces) / seconds,
    )


def _pictures(path: Path) -> dict[str, list[Any]]:
    recording = open_recording(path)
    read = {s.name: to_sample(s) for s in recording.streams if kind_of(s) == "color"}
    pictures: dict[str, list[Any]] = {name: [] for name in read}
    for message in recording.messages():
        if message.stream in read and isinstance(s := read[message.stream](message), ImageSample):
            image = reduced(s.payload, encoding=s.encoding, width=s.width, height=s.height, step=s.step)
            pictures[message.stream].append(image.grey)
    recording.close()
    return pictures


def _see_all(pictures: list[Any]) -> None:
    meter = FlowMeter()
    for picture in pictures:
        meter.see(picture)


def _trace(seconds: float) -> None:
    """18 joints at 1 kHz in blocks of 20 ms, the dearest of the streams."""
    tracer, values, labels = Tracer(), np.zeros((20, 18)), [f"joint_{i}" for i in range(18)]
    for block in range(int(seconds * _BLOCKS_A_SECOND)):
        tracer.add(labels, np.arange(20) * 1_000_000 + block * 20_000_000, values)
        if block % _BLOCKS_A_SECOND == 0:
            tracer.take()


def _cpu_ms(act: Callable[[Any], object], given: object) -> float:
    began_s = time.process_time()
    act(given)
    return (time.process_time() - began_s) * _MILLI
