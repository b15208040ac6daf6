import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory

from saltwell.contracts.frames import CloudFrame, PointField
from saltwell.messages.checks import UnreadableFrame, check_cloud
from saltwell.messages.cloud_layout import channel, points, xyz

FORMATS = {1: "b", 2: "B", 3: "h", 4: "H", 5: "i", 6: "I", 7: "f", 8: "d"}
CLOUD = CloudFrame(
    "site", "robot", "episode", "/points", 0, 0, 0, "", 2, 2, (PointField("x", 1, 7, 1),), False, 6, 15, True, b""
)


def frame_of(m: Any) -> CloudFrame:
    fields = tuple(PointField(f.name, f.offset, f.datatype, f.count) for f in m.fields)
    return replace(
        CLOUD,
        height=m.height,
        width=m.width,
        fields=fields,
        big_endian=m.is_bigendian,
        point_step=m.point_step,
        row_step=m.row_step,
        payload=bytes(m.data),
    )


def values_of(m: Any, field: Any) -> list[float]:
    """A field of every point, taken one by one."""
    one = struct.Struct("<" + FORMATS[field.datatype])
    data = bytes(m.data)
    starts = [row * m.row_step + p * m.point_step for row in range(m.height) for p in range(m.width)]
    return [one.unpack_from(data, at + field.offset)[0] for at in starts]


@pytest.mark.parametrize(
    "name", ["lidar_luminar", "lidar_ouster_os0", "lidar_ouster_os1", "lidar_unaligned_cdr", "lidar_vlp16"]
)
def test_every_field_of_every_lidar_is_read_as_struct_reads_it(recordings: Path, name: str) -> None:
    with (recordings / f"{name}.mcap").open("rb") as file:
        _, _, _, message = next(iter(make_reader(file, decoder_factories=[DecoderFactory()]).iter_decoded_messages()))
    frame = frame_of(message)
    for field in message.fields:
        expected = np.asarray(values_of(message, field))
        np.testing.assert_array_equal(points(frame)[field.name].ravel(), expected, err_msg=field.name)
        with np.errstate(over="ignore"):
            single = expected.astype(np.float32)
        np.testing.assert_array_equal(channel(frame, field.name), single, err_msg=field.name)
    np.testing.assert_array_equal(xyz(frame), np.stack([channel(frame, axis) for axis in "xyz"], axis=1))


@pytest.mark.parametrize("big_endian", [False, True])
def test_gaps_odd_offsets_row_padding_and_either_byte_order_are_read(*, big_endian: bool) -> None:
    order = ">" if big_endian else "<"
    point = struct.Struct(f"{order}xfx")
    rows = [point.pack(a) + point.pack(b) + b"pad" for a, b in [(1.5, -2.5), (3.25, 4.0)]]
    frame = replace(CLOUD, big_endian=big_endian, payload=b"".join(rows))
    np.testing.assert_array_equal(channel(frame, "x"), np.float32([1.5, -2.5, 3.25, 4.0]))


def test_a_field_that_is_not_there_is_none_and_a_missing_axis_is_nan() -> None:
    frame = replace(CLOUD, payload=bytes(30))
    assert channel(frame, "intensity") is None
    assert np.isnan(xyz(frame)[:, 1:]).all()


def test_fields_of_several_values_and_of_one_name_are_read() -> None:
    fields = (PointField("normal", 0, 3, 3), PointField("t", 6, 8, 0), PointField("t", 0, 1, 1))
    point = struct.Struct("<hhhd")
    frame = replace(CLOUD, fields=fields, point_step=14, row_step=28, payload=point.pack(1, 2, 3, 1e300) * 4)
    check_cloud(frame)
    assert points(frame)["normal"].tolist() == [[[1, 2, 3]] * 2] * 2
    np.testing.assert_array_equal(channel(frame, "normal"), np.float32([1] * 4))
    np.testing.assert_array_equal(channel(frame, "t"), np.float32([np.inf] * 4))


@given(
    height=st.integers(-1, 3),
    width=st.integers(-1, 3),
    point_step=st.integers(-1, 9) | st.sampled_from([4096, 1 << 40]),
    slack=st.integers(-1, 3),
    fields=st.lists(
        st.builds(
            PointField,
            name=st.sampled_from(["x", "y", "", "t"]),
            offset=st.integers(-1, 9),
            datatype=st.integers(0, 9),
            count=st.integers(-1, 3),
        ),
        max_size=3,
    ),
    big_endian=st.booleans(),
    noise=st.integers(0, 255),
)
def test_whatever_passes_the_check_can_be_read(
    *,
    height: int,
    width: int,
    point_step: int,
    slack: int,
    fields: list[PointField],
    big_endian: bool,
    noise: int,
) -> None:
    row_step = width * point_step + slack
    payload = bytes([noise]) * min(max(row_step * height, 0), 1 << 16)
    shape = {"height": height, "width": width, "point_step": point_step, "row_step": row_step}
    frame = replace(CLOUD, **shape, fields=tuple(fields), big_endian=big_endian, payload=payload)
    try:
        check_cloud(frame)
    except UnreadableFrame:
        return
    assert xyz(frame).shape == (height * width, 3)
    assert points(frame).shape == (height, width)
    for field in fields:
        values = channel(frame, field.name)
        assert values is not None
        assert values.shape == (height * width,)
