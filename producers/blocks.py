"""Fast, small samples travel in blocks of some 20 ms; each block has one layout. Pure."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from producers.sample import ImuSample, JointSample, PoseSample, Sample
from saltwell.contracts.columns import Float64s, pack_f64, pack_i64
from saltwell.contracts.frames import ImuBlock, JointBlock, PoseBlock

BLOCK_NS = 20_000_000
MAX_SAMPLES = 256

Named = tuple[int, Sample]
Identity = tuple[str, str, str]


class BlockBuilder:
    """Collects one stream's samples until the block is long enough or the layout changes."""

    def __init__(self) -> None:
        self._samples: list[Named] = []

    def add(self, seq: int, sample: Sample) -> list[Named]:
        """Take a sample; give the block that it closes, or nothing."""
        closed: list[Named] = []
        if self._samples and not self._fits(sample):
            closed = self.take()
        self._samples.append((seq, sample))
        return closed

    def take(self) -> list[Named]:
        """Give what is there and begin anew."""
        taken, self._samples = self._samples, []
        return taken

    def _fits(self, sample: Sample) -> bool:
        first = self._samples[0][1]
        return (
            sample.arrived_ns - first.arrived_ns < BLOCK_NS
            and len(self._samples) < MAX_SAMPLES
            and layout(sample) == layout(first)
        )


def layout(sample: Sample) -> tuple[Any, ...]:
    """What all samples of a block have in common."""
    match sample:
        case JointSample():
            sizes = (sample.position_rad.size, sample.velocity_rad_s.size, sample.torque_nm.size)
            return (sample.frame_id, sample.names, *sizes)
        case PoseSample() | ImuSample():
            return (sample.frame_id,)
        case _:
            return ()


def block_record(identity: Identity, named: Sequence[Named]) -> JointBlock | PoseBlock | ImuBlock:
    """The record of a block."""
    first: Any = named[0][1]
    head = (
        *identity,
        first.stream,
        pack_i64([seq for seq, _ in named]),
        pack_i64([s.captured_ns for _, s in named]),
        pack_i64([s.arrived_ns for _, s in named]),
        first.frame_id,
    )

    def column(read: Callable[[Any], Float64s]) -> bytes:
        return pack_f64(np.stack([read(s) for _, s in named]))

    match first:
        case JointSample():
            return JointBlock(
                *head,
                first.names,
                column(lambda s: s.position_rad),
                column(lambda s: s.velocity_rad_s),
                column(lambda s: s.torque_nm),
            )
        case PoseSample():
            return PoseBlock(*head, column(lambda s: s.position_m), column(lambda s: s.orientation_xyzw))
        case _:
            return ImuBlock(
                *head,
                column(lambda s: s.orientation_xyzw),
                column(lambda s: s.angular_velocity_rad_s),
                column(lambda s: s.acceleration_m_s2),
                column(lambda s: s.covariances),
            )
