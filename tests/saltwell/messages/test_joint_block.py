import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saltwell.messages.cdr import MalformedMessage
from saltwell.messages.joint_block import encode_joint_block
from saltwell.messages.motion import JointState

NS = 1_000_000_000


@given(
    frame_id=st.text(st.characters(exclude_categories=["Cs"]), max_size=9),
    names=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=9), max_size=5),
    widths=st.tuples(*[st.integers(0, 5)] * 3),
    stamps_ns=st.lists(st.integers(-(2**31) * NS, 2**31 * NS - 1), max_size=5),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_block_is_the_same_bytes_as_its_samples_one_by_one(
    frame_id: str, names: list[str], widths: tuple[int, ...], stamps_ns: list[int], seed: int
) -> None:
    bits = np.random.default_rng(seed)
    position, velocity, effort = (
        bits.integers(0, 2**64, (len(stamps_ns), width), np.uint64).view(np.float64) for width in widths
    )
    expected = [
        JointState(stamp_ns, frame_id, tuple(names), *rows).encode()
        for stamp_ns, *rows in zip(stamps_ns, position, velocity, effort, strict=True)
    ]
    block = encode_joint_block(
        frame_id=frame_id,
        names=names,
        stamps_ns=np.array(stamps_ns, np.int64),
        position=position,
        velocity=velocity,
        effort=effort,
    )
    assert block == expected


@pytest.mark.parametrize(
    ("stamps_ns", "shape"), [([0, 1], (1, 2)), ([0], (2,)), ([2**31 * NS], (1, 2)), ([-(2**31) * NS - 1], (1, 2))]
)
def test_rows_without_a_stamp_and_stamps_beyond_2038_are_refused(stamps_ns: list[int], shape: tuple[int, ...]) -> None:
    values = np.zeros(shape)
    with pytest.raises(MalformedMessage):
        encode_joint_block(
            frame_id="base",
            names=["a", "b"],
            stamps_ns=np.array(stamps_ns, np.int64),
            position=values,
            velocity=values,
            effort=values,
        )
