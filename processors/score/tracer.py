"""Samples of how a stream moves, thinned to what a check of its stamps needs. Pure."""

from collections.abc import Sequence

import numpy as np

from saltwell.contracts.columns import Float64s, Int64s, pack_f32, pack_i64
from saltwell.contracts.results import MotionTrace

MIN_SPACING_NS = 7_500_000
"""Samples closer than this to the last one are left out: 1 kHz becomes 125 Hz, 120 Hz stays as it is."""

POSE_LABELS = ("x_m", "y_m", "z_m", "qx", "qy", "qz", "qw")


class Tracer:
    """Collects samples of one stream until they are taken.

    Times only ever rise: copies, late samples and those of a clock that was set back are left out.
    """

    def __init__(self) -> None:
        self._last_ns: int | None = None
        self._traces: list[MotionTrace] = []
        self._labels: tuple[str, ...] = ()
        self._times_ns: list[int] = []
        self._values: list[Float64s] = []

    def wants(self, captured_ns: int) -> bool:
        """Whether a sample of this time would be kept."""
        return self._last_ns is None or captured_ns - self._last_ns >= MIN_SPACING_NS

    def add(self, labels: Sequence[str], captured_ns: Int64s, values: Float64s) -> None:
        """Take samples: `captured_ns` (n,) int64, `values` (n, k) in the order of the k `labels`."""
        if values.shape != (len(captured_ns), len(labels)):
            return
        if tuple(labels) != self._labels:
            self._finish()
            self._labels = tuple(labels)
        for row, time_ns in enumerate(captured_ns.tolist()):
            if self.wants(time_ns):
                self._last_ns = time_ns
                self._times_ns.append(time_ns)
                self._values.append(values[row])

    def take(self) -> list[MotionTrace]:
        """Give what was collected since the last time."""
        self._finish()
        taken, self._traces = self._traces, []
        return taken

    def _finish(self) -> None:
        if self._times_ns:
            values = pack_f32(np.stack(self._values))
            self._traces.append(MotionTrace(self._labels, pack_i64(self._times_ns), values))
        self._times_ns, self._values = [], []
