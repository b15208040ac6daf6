from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saltwell.contracts.frames import PointField
from saltwell.messages.cdr import MalformedMessage
from saltwell.messages.cloud import PointCloud2
from saltwell.messages.image import CompressedImage, Image
from saltwell.messages.motion import Imu, JointState, PoseStamped
from saltwell.messages.text import String

TYPES: dict[str, Any] = {
    cls.__name__: cls for cls in (PointCloud2, CompressedImage, Image, JointState, PoseStamped, Imu, String)
}
STAMP_NS = 1_767_225_600_123_456_789


def doubles(count: int) -> np.ndarray:
    return np.arange(count) / 7


MADE = [
    PointCloud2(STAMP_NS, "lidar", 1, 2, (PointField("x", 0, 7, 1),), False, 4, 8, b"12345678", True),
    CompressedImage(STAMP_NS, "head", "jpeg", b"\xff\xd8 ..."),
    Image(STAMP_NS, "chest", 1, 3, "mono8", False, 3, b"abc"),
    JointState(STAMP_NS, "arm", ("a", "bc"), doubles(2), doubles(0), doubles(2)),
    PoseStamped(STAMP_NS, "world", doubles(3), doubles(4)),
    Imu(STAMP_NS, "torso", *(doubles(n) for n in (4, 9, 3, 9, 3, 9))),
    String("sort the parts"),
]


@pytest.mark.parametrize(
    "name",
    [
        "g1_pick_bottle_29",
        "g1_pick_bottle_30",
        "kuka_torque",
        "lidar_luminar",
        "lidar_ouster_os0",
        "lidar_ouster_os1",
        "lidar_unaligned_cdr",
        "lidar_vlp16",
        "quest2_ur5e_traj1",
        "station_composite_6s",
        "station_composite_faults",
        "tilt_laser",
        "tum_rgbd_6s",
    ],
)
def test_recorded_messages_come_back_byte_for_byte(recorded, name: str) -> None:
    outcome: Counter[bool] = Counter()
    for message, short in recorded(name):
        if short in TYPES:
            outcome[TYPES[short].decode(message.data).encode() == message.data] += 1
    assert outcome[True] > 0
    assert outcome[False] == 0


def test_the_zeros_that_one_writer_puts_behind_its_message_are_kept(recorded) -> None:
    """It pads the whole message to four bytes; XTypes calls this padding no part of the message."""
    ((message, short),) = recorded("lidar_unaligned_cdr")
    decoded = TYPES[short].decode(message.data)
    assert decoded.padding == 3
    assert decoded.encode() == message.data


@pytest.mark.parametrize("padding", [-1, 8])
def test_more_padding_than_a_reader_takes_is_not_written(padding: int) -> None:
    with pytest.raises(MalformedMessage, match="bytes of padding"):
        replace(MADE[0], padding=padding).encode()


@pytest.mark.parametrize("message", MADE, ids=lambda m: type(m).__name__)
def test_made_messages_come_back_byte_for_byte(message: Any) -> None:
    data = message.encode()
    assert type(message).decode(data).encode() == data


@pytest.mark.parametrize("cls", TYPES.values(), ids=TYPES)
@given(body=st.binary(max_size=200), header=st.sampled_from([b"", b"\0\1\0\0"]))
def test_arbitrary_bytes_are_a_message_or_malformed(cls: Any, header: bytes, body: bytes) -> None:
    try:
        cls.decode(header + body)
    except MalformedMessage:
        return


@pytest.mark.parametrize("message", MADE, ids=lambda m: type(m).__name__)
@given(data=st.data())
def test_damaged_messages_are_malformed_or_still_messages(message: Any, data: st.DataObject) -> None:
    damaged = bytearray(message.encode())
    for at in data.draw(st.lists(st.integers(0, len(damaged) - 1), min_size=1, max_size=4)):
        damaged[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(damaged)))
    for candidate in (bytes(damaged), bytes(damaged[:cut])):
        try:
            again = type(message).decode(candidate)
        except MalformedMessage:
            continue
        assert type(again) is type(message)


@pytest.mark.parametrize("message", MADE, ids=lambda m: type(m).__name__)
def test_a_message_cut_anywhere_is_malformed(message: Any) -> None:
    data = message.encode()
    for cut in range(len(data)):
        with pytest.raises(MalformedMessage):
            type(message).decode(data[:cut])


def test_a_string_that_is_no_utf8_keeps_its_bytes() -> None:
    data = String("x").encode()[:-2] + b"\xff\0"
    assert String.decode(data).encode() == data
