"""The largest torques between steps, beside the interpolated ones: a contact of 5 ms is gone from a value at 30 Hz.

The synchronizer knows no torques, it reads the timeline only. The sink sees every joint sample on its way into the
file and knows the steps at the end, so nobody else reads a frame for this. The stream is /saltwell/torque_peaks.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from saltwell.contracts.columns import f64, i64
from saltwell.contracts.frames import JointBlock
from saltwell.contracts.results import AlignmentBlock
from sinks.episodes.annotations import Annotation
from sinks.episodes.archive import EpisodeArchive
from sinks.episodes.json_text import compact

TORQUE_PEAKS = "/saltwell/torque_peaks"

_TITLE = "saltwell.TorquePeaks"
_PEAK = {
    "stream": {"type": "string"},
    "joint": {"type": "string"},
    "torque_nm": {"type": "number"},
    "seq": {"type": "integer"},
}
_SCHEMA = {
    "title": _TITLE,
    "type": "object",
    "properties": {
        "step": {"type": "integer"},
        "t_ref_ns": {"type": "integer"},
        "streams": {"type": "array", "items": {"type": "object", "properties": _PEAK}},
    },
}


def declare_peaks(archive: EpisodeArchive) -> None:
    """Announce the stream."""
    schema = compact(_SCHEMA).decode()
    archive.declare(
        TORQUE_PEAKS,
        schema_name=_TITLE,
        schema_encoding="jsonschema",
        schema=schema,
        message_encoding="json",
        metadata={},
        compress=True,
    )


class TorquePeaks:
    """The joint that was loaded most in each sample; about 150 bytes a sample."""

    def __init__(self) -> None:
        self._samples: dict[str, dict[int, tuple[float, str]]] = {}

    def add(self, block: JointBlock) -> None:
        """Take the samples of a block whose columns fit; those without a finite torque have no peak."""
        numbers = i64(block.seq).tolist()
        torque = f64(block.torque_nm)
        if not torque.size or torque.size != len(numbers) * len(block.names):
            return
        torque = torque.reshape(len(numbers), -1)
        size = np.where(np.isfinite(torque), np.abs(torque), -1.0)
        worst = size.argmax(axis=1)
        of_stream = self._samples.setdefault(block.stream, {})
        for seq, row, joint in zip(numbers, range(len(numbers)), worst.tolist(), strict=True):
            if size[row, joint] >= 0:
                of_stream.setdefault(seq, (float(torque[row, joint]), block.names[joint]))

    def annotations(self, blocks: Iterable[AlignmentBlock]) -> Iterator[Annotation]:
        """A message a step: the peak of the samples behind the last step's up to this one's, each stream's own.

        `torque_nm` is signed. A step ends with the frame after it where it is interpolated, else with its own.
        """
        until = dict.fromkeys(self._samples, -1)
        for block in sorted(blocks, key=lambda one: one.first_step):
            matches = [m for m in block.streams if m.stream in self._samples]
            for k, t_ref_ns in enumerate(i64(block.t_ref_ns).tolist()):
                found = []
                for one in matches:
                    begin, end = until[one.stream], max(int(i64(one.seq)[k]), int(i64(one.seq_next)[k]))
                    found += self._peak(one.stream, begin, end)
                    until[one.stream] = max(begin, end)
                if found:
                    body = {"step": block.first_step + k, "t_ref_ns": t_ref_ns, "streams": found}
                    yield Annotation(TORQUE_PEAKS, compact(body), t_ref_ns, t_ref_ns, block.first_step + k)

    def _peak(self, stream: str, begin: int, end: int) -> list[dict[str, Any]]:
        samples = self._samples[stream]
        numbers = range(begin + 1, end + 1) if end - begin <= len(samples) else samples
        inside = [(abs(samples[n][0]), -n) for n in numbers if n in samples and begin < n <= end]
        if not inside:
            return []
        seq = -max(inside)[1]
        torque_nm, joint = samples[seq]
        return [{"stream": stream, "joint": joint, "torque_nm": torque_nm, "seq": seq}]
