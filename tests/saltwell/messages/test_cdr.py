from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader

from saltwell.contracts.frames import PointField
from saltwell.messages import joint_names
from saltwell.messages.cdr import MAX_ITEMS, MAX_MESSAGE_BYTES, MAX_STRING_BYTES, MalformedMessage, Reader
from saltwell.messages.cloud import PointCloud2
from saltwell.messages.image import CompressedImage, Image
from saltwell.messages.motion import Imu, JointState, PoseStamped
from saltwell.messages.text import String

TYPES: dict[str, Any] = {
    f"{package}/msg/{cls.__name__}": cls
    for package, classes in {
        "sensor_msgs": (CompressedImage, Image, Imu, JointState, PointCloud2),
        "geometry_msgs": (PoseStamped,),
        "std_msgs": (String,),
    }.items()
    for cls in classes
}
SOURCES = ["station_composite_6s", "tilt_laser"]
NONE = np.zeros(0)
SMALL_BYTES = 4096


@pytest.fixture(scope="session")
def real(recordings: Path) -> dict[str, bytes]:
    """One recorded message of each type; of a heavy one the payload is cut, and its length with it."""
    found: dict[str, bytes] = {}
    for name in SOURCES:
        with (recordings / f"{name}.mcap").open("rb") as file:
            for schema, _, message in make_reader(file).iter_messages():
                if schema and schema.name in TYPES and schema.name not in found:
                    found[schema.name] = message.data
    assert set(found) == set(TYPES)
    return {name: data if len(data) <= SMALL_BYTES else _light(TYPES[name], data) for name, data in found.items()}


def _light(cls: Any, data: bytes) -> bytes:
    whole = cls.decode(data)
    values = {name: getattr(whole, name) for name in cls.__slots__}
    return cls(**{**values, "data": whole.data[:100]}).encode()


@pytest.mark.parametrize("name", TYPES)
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_real_message_is_malformed_or_comes_back_but_for_its_padding(real, name: str, data: Any) -> None:
    damaged = bytearray(real[name])
    for at in data.draw(st.lists(st.integers(4, len(damaged) - 1), max_size=5)):
        damaged[at] = data.draw(st.sampled_from([0, 1, 2, 4, 127, 128, 255]))
    insert_at = data.draw(st.integers(4, len(damaged)))
    damaged[insert_at : insert_at + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    try:
        written = TYPES[name].decode(bytes(damaged)).encode()
    except MalformedMessage:
        return
    assert len(damaged) - 7 <= len(written) <= len(damaged)
    assert all(ours in (0, theirs) for ours, theirs in zip(written, damaged, strict=False))
    assert not any(damaged[len(written) :])


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\0\0\0\0", "big-endian CDR"),
        (b"\0\2\0\0", "big-endian PL_CDR"),
        (b"\0\3\0\0", "PL_CDR"),
        (b"\0\7\0\0", "XCDR2"),
        (b"\0\x0b\0\0", "XCDR2"),
        (b"\1\1\0\0", "something else"),
        (b"\0\1\0", "cut short"),
        (b"", "cut short"),
    ],
)
def test_another_encoding_is_refused_by_its_name(head: bytes, kind: str) -> None:
    with pytest.raises(MalformedMessage, match=kind):
        String.decode(head + (b"\2\0\0\0a\0" if len(head) == 4 else b""))


def test_options_of_the_encapsulation_are_ignored() -> None:
    data = String("abc").encode()
    assert String.decode(data[:2] + b"\0\3" + data[4:]) == String("abc")


@pytest.mark.parametrize("padding", [b"\0", b"\0\0\0", bytes(7)])
def test_zeros_may_fill_a_message(padding: bytes) -> None:
    assert String.decode(String("abc").encode() + padding) == String("abc")


@pytest.mark.parametrize("rest", [b"\1", b"\0\0\1", bytes(8), bytes(100)])
def test_anything_else_behind_the_last_value_means_another_definition(rest: bytes) -> None:
    with pytest.raises(MalformedMessage, match=f"{len(rest)} bytes too many"):
        String.decode(String("abc").encode() + rest)


def test_a_second_of_more_than_a_thousand_million_ns_is_malformed() -> None:
    data = bytearray(CompressedImage(0, "", "", b"").encode())
    data[8:12] = (1_000_000_000).to_bytes(4, "little")
    with pytest.raises(MalformedMessage, match="1000000000 ns"):
        CompressedImage.decode(bytes(data))


def test_a_boolean_is_zero_or_one_for_others_would_not_come_back() -> None:
    data = PointCloud2(0, "", 0, 0, (), False, 0, 0, b"", True).encode()
    assert data[-1] == 1
    with pytest.raises(MalformedMessage, match="a boolean is 2"):
        PointCloud2.decode(data[:-1] + b"\2")


@pytest.mark.parametrize("stamp_ns", [0, -1, -(2**31) * 10**9, 2**31 * 10**9 - 1])
def test_every_stamp_that_fits_comes_back(stamp_ns: int) -> None:
    assert CompressedImage.decode(CompressedImage(stamp_ns, "", "", b"").encode()).stamp_ns == stamp_ns


@pytest.mark.parametrize(
    "message",
    [
        CompressedImage(2**31 * 10**9, "", "", b""),
        CompressedImage(-(2**31) * 10**9 - 1, "", "", b""),
        CompressedImage(0, "\ud800", "", b""),
        CompressedImage(0, "x" * MAX_STRING_BYTES, "", b""),
        CompressedImage(0, "", "", bytes(MAX_MESSAGE_BYTES)),
        Image(0, "", -1, 1, "", False, 1, b""),
        Image(0, "", 1, 2**32, "", False, 1, b""),
        PointCloud2(0, "", 1, 1, (PointField("x", 0, 256, 1),), False, 1, 1, b"", True),
        PointCloud2(0, "", 1, 1, (PointField("x", 0, 1, 1),) * (MAX_ITEMS + 1), False, 1, 1, b"", True),
        JointState(0, "", ("j",) * (MAX_ITEMS + 1), NONE, NONE, NONE),
    ],
    ids=lambda m: type(m).__name__,
)
def test_values_that_no_message_can_hold_are_refused_by_the_writer(message: Any) -> None:
    with pytest.raises(MalformedMessage) as caught:
        message.encode()
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "data",
    [
        b"\0\1\0\0" + (2**32 - 1).to_bytes(4, "little") + b"a\0",
        b"\0\1\0\0" + (MAX_STRING_BYTES + 1).to_bytes(4, "little") + bytes(MAX_STRING_BYTES + 1),
        b"\0\1\0\0" + bytes(MAX_MESSAGE_BYTES),
    ],
    ids=["longer than the message", "longer than any string", "larger than any message"],
)
def test_sizes_are_bounded_before_anything_is_taken(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        String.decode(data)


def test_a_sequence_of_a_million_names_is_refused() -> None:
    names = b"\1\0\0\0\0\0\0\0" * 1_000_000
    head = JointState(0, "", (), NONE, NONE, NONE).encode()[:20]
    with pytest.raises(MalformedMessage, match="1000000 items"):
        JointState.decode(head + (1_000_000).to_bytes(4, "little") + names)


def test_payloads_are_views_and_arrays_are_aligned_and_read_only() -> None:
    data = CompressedImage(0, "", "jpeg", b"pixels").encode()
    assert CompressedImage.decode(data).data.obj is data  # type: ignore[union-attr] # decoded: a view
    joints = JointState.decode(JointState(0, "", ("a",), np.ones(1), NONE, NONE).encode())
    assert joints.position.flags.aligned
    assert not joints.position.flags.writeable
    assert joints.velocity.shape == (0,)


def test_messages_are_read_from_the_middle_of_a_buffer() -> None:
    data = JointState(5, "f", ("a", "bc"), np.ones(2), NONE, np.ones(2)).encode()
    assert JointState.decode(memoryview(b"x" + data + b"y")[1:-1]).encode() == data


def test_joint_names_are_read_once_for_all_messages_that_share_them() -> None:
    data = JointState(5, "f", ("a", "bc"), np.ones(2), NONE, NONE).encode()
    assert JointState.decode(data).names is JointState.decode(data).names


def test_messages_of_one_size_keep_their_own_names() -> None:
    """Left and right arm: the names kept from the last message never stand in for others."""
    arms = [JointState(5, side, ("q0", side), np.ones(2), NONE, NONE).encode() for side in ("l", "r")]
    for data, side in zip(arms * 2, ("l", "r") * 2, strict=True):
        message = JointState.decode(data)
        assert (message.frame_id, message.names) == (side, ("q0", side))


def test_memory_for_known_names_is_bounded() -> None:
    for size in range(300):
        JointState.decode(JointState(0, "f" * 4 * size, ("a",), np.ones(1), NONE, NONE).encode())
    assert len(joint_names._seen) <= 64
    JointState.decode(JointState(0, "f" * 100_000, ("a",), np.ones(1), NONE, NONE).encode())
    assert all(len(seen.raw) < 100_000 for seen in joint_names._seen.values())


def test_a_reader_passes_over_what_it_expects_and_nothing_else() -> None:
    reader = Reader(String("abc").encode())
    assert not reader.skip(b"\4\0\0\0abd")
    assert not reader.skip(b"\4\0\0\0abc\0more")
    assert reader.skip(b"\4\0\0\0abc\0")
    reader.end()
