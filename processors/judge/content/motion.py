"""How one stream moved over an episode, joined from the traces of its score blocks. Pure, bounded in size."""

from dataclasses import dataclass

import numpy as np

from saltwell.contracts.columns import Float64s, Int64s, f32, i64
from saltwell.contracts.results import MotionTrace

MAX_SAMPLES = 20_000
"""Later samples are not kept: 160 s of joints at 125 Hz, 11 minutes of a camera. Bounds the judge's memory."""

MAX_LABELS = 128
"""Streams with more values a sample are not checked."""


@dataclass(frozen=True, slots=True)
class Motion:
    """Samples of a stream in the order of their times.

    `labels`: k names. `times_s`: (n,) rising, s after the episode's origin. `values`: (n, k).
    """

    labels: tuple[str, ...]
    times_s: Float64s
    values: Float64s

    @property
    def period_s(self) -> float:
        """Median time between samples."""
        return float(np.median(np.diff(self.times_s)))

    def of(self, labels: list[str]) -> Float64s:
        """Columns of these labels, (n, len(labels))."""
        return self.values[:, [self.labels.index(label) for label in labels]]


class StreamMotion:
    """Collects the traces of one stream; those of other labels than the first are left out."""

    def __init__(self) -> None:
        self._labels: tuple[str, ...] = ()
        self._times: list[Int64s] = []
        self._values: list[Float64s] = []
        self._samples = 0

    def add(self, trace: MotionTrace) -> None:
        """Take the next trace."""
        labels = tuple(trace.labels)
        self._labels = self._labels or labels
        room = MAX_SAMPLES - self._samples
        if labels != self._labels or not 0 < len(labels) <= MAX_LABELS or room <= 0:
            return
        self._times.append(i64(trace.captured_ns)[:room])
        self._values.append(f32(trace.values, len(labels))[:room].astype(np.float64))
        self._samples += len(self._times[-1])

    def motion(self, *, clock_offset_ns: int, origin_ns: int) -> Motion | None:
        """What was collected, in site time after `origin_ns`; None for less than three samples."""
        if self._samples < 3:  # noqa: PLR2004 - fewer have no rate
            return None
        times_ns, values = np.concatenate(self._times), np.concatenate(self._values)
        rising = np.concatenate([[True], np.diff(np.maximum.accumulate(times_ns)) > 0])
        usable = rising & np.isfinite(values).all(axis=1)
        times_s = (times_ns[usable] + (clock_offset_ns - origin_ns)) / 1e9
        return Motion(self._labels, times_s, values[usable]) if len(times_s) > 2 else None  # noqa: PLR2004 - as above

    def first_ns(self) -> int | None:
        """Capture time of the first sample."""
        return int(self._times[0][0]) if self._times and len(self._times[0]) else None
