import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.blocks import BLOCK_NS, MAX_SAMPLES, BlockBuilder, Named, block_record
from producers.sample import ImuSample, JointSample, PoseSample
from saltwell.contracts.columns import f64, i64
from saltwell.contracts.frames import ImuBlock, JointBlock, PoseBlock

WHO = ("site", "robot", "episode")


def joints(arrived_ns: int, *, names: tuple[str, ...] = ("a", "b"), velocity: bool = True) -> JointSample:
    n = len(names)
    values = np.arange(n) + arrived_ns / 1e9
    return JointSample("/joints", arrived_ns - 5, arrived_ns, "arm", names, values, values[: n * velocity], values[:0])


def blocks_of(samples) -> list[list[Named]]:
    builder = BlockBuilder()
    closed = [builder.add(seq, sample) for seq, sample in enumerate(samples)]
    return [block for block in [*closed, builder.take()] if block]


@given(
    st.lists(st.tuples(st.integers(0, 30_000_000), st.sampled_from([("a",), ("a", "b")]), st.booleans()), max_size=60)
)
def test_every_sample_is_in_one_block_in_order_and_blocks_are_short_and_of_one_layout(steps) -> None:
    now_ns, samples = 0, []
    for gap_ns, names, velocity in steps:
        now_ns += gap_ns
        samples.append(joints(now_ns, names=names, velocity=velocity))
    blocks = blocks_of(samples)
    assert [seq for block in blocks for seq, _ in block] == list(range(len(samples)))
    for block in blocks:
        assert block[-1][1].arrived_ns - block[0][1].arrived_ns < BLOCK_NS
        assert len({(s.names, s.velocity_rad_s.size) for _, s in block}) == 1


def test_a_block_never_grows_beyond_its_limit() -> None:
    assert [len(block) for block in blocks_of([joints(0)] * (MAX_SAMPLES + 3))] == [MAX_SAMPLES, 3]


def test_taking_leaves_nothing_behind() -> None:
    builder = BlockBuilder()
    builder.add(0, joints(0))
    assert len(builder.take()) == 1
    assert builder.take() == []


def test_a_joint_block_holds_its_samples_as_columns() -> None:
    record = block_record(WHO, [(7, joints(10)), (9, joints(20))])
    assert isinstance(record, JointBlock)
    assert record.names == ("a", "b")
    assert i64(record.seq).tolist() == [7, 9]
    assert i64(record.captured_ns).tolist() == [5, 15]
    assert i64(record.arrived_ns).tolist() == [10, 20]
    assert f64(record.position_rad, 2).tolist() == [[1e-8, 1 + 1e-8], [2e-8, 1 + 2e-8]]
    assert record.torque_nm == b""


@pytest.mark.parametrize(
    ("sample", "cls", "columns"),
    [
        (
            PoseSample("/vr", 1, 2, "w", np.arange(3.0), np.arange(4.0)),
            PoseBlock,
            {"position_m": 3, "orientation_xyzw": 4},
        ),
        (
            ImuSample("/imu", 1, 2, "t", np.arange(4.0), np.arange(3.0), np.arange(3.0), np.arange(27.0)),
            ImuBlock,
            {"orientation_xyzw": 4, "angular_velocity_rad_s": 3, "acceleration_m_s2": 3, "covariances": 27},
        ),
    ],
)
def test_pose_and_imu_blocks_hold_every_column(sample, cls: type, columns: dict[str, int]) -> None:
    record = block_record(WHO, [(0, sample), (1, sample)])
    assert isinstance(record, cls)
    for name, width in columns.items():
        assert f64(getattr(record, name), width).tolist() == [list(range(width))] * 2
