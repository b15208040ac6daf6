from pathlib import Path

import pytest
from mcap.reader import make_reader

from saltwell.messages.cdr import MalformedMessage
from saltwell.messages.header import stamp_ns, starts_with_header


@pytest.mark.parametrize(
    "definition",
    [
        "std_msgs/Header header",
        "std_msgs/msg/Header header  # when",
        "Header header\nint32 x",
        "# a comment\n\n  std_msgs/Header header",
        "uint8 A=1\nuint8 B = 2\nstd_msgs/Header header",
        "string A = a b c # no = matter\nstring B='='\nstd_msgs/Header header",
    ],
)
def test_a_header_behind_comments_and_constants_is_found(definition: str) -> None:
    assert starts_with_header(definition)


@pytest.mark.parametrize(
    "definition",
    [
        "",
        "# std_msgs/Header header",
        "int32 x\nstd_msgs/Header header",
        "int32 x 5\nstd_msgs/Header header",
        "string<=10 x\nstd_msgs/Header header",
        "my_msgs/Header header",
        "std_msgs/Header[] headers",
        "uint8 A=1\n" + "=" * 80 + "\nMSG: std_msgs/Header\nbuiltin_interfaces/Time stamp",
        "=" * 80 + "\nIDL: sensor_msgs/msg/Imu\nmodule sensor_msgs { };",
    ],
)
def test_other_definitions_do_not_begin_with_a_header(definition: str) -> None:
    assert not starts_with_header(definition)


def test_stamps_of_every_type_with_a_header_are_read(recordings: Path) -> None:
    """This file's messages have arrived 1.7 to 681 ms after their stamps."""
    with (recordings / "tilt_laser.mcap").open("rb") as file:
        messages = list(make_reader(file).iter_messages())
    assert len({schema.name for schema, _, _ in messages if schema}) == 5
    for schema, _, message in messages:
        assert schema
        assert starts_with_header(schema.data.decode())
        assert 0 < message.log_time - stamp_ns(message.data) < 700_000_000


@pytest.mark.parametrize("data", [b"", b"\0\1\0\0", b"\0\1\0\0" + bytes(7), b"\0\0\0\0" + bytes(8)])
def test_a_message_without_room_for_a_stamp_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        stamp_ns(data)
