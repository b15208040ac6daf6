import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saltwell.contracts.frames import CloudFrame, ImageFrame, PointField
from saltwell.messages.checks import UnreadableFrame, check_cloud, check_image
from saltwell.messages.cloud import PointCloud2
from saltwell.messages.image import CompressedImage, Image

WHO = ("site", "robot", "episode")
IMAGE = ImageFrame(*WHO, "/head/depth", 0, 0, 0, "", False, "16UC1", 2, 3, 8, False, bytes(16))
CLOUD = CloudFrame(*WHO, "/torso/points", 0, 0, 0, "", 2, 3, (PointField("x", 2, 7, 1),), False, 6, 20, True, bytes(40))
JPEG = replace(IMAGE, compressed=True, encoding="jpeg", height=0, width=0, step=0)

GOOD = [
    "g1_pick_bottle_29",
    "g1_pick_bottle_30",
    "lidar_luminar",
    "lidar_ouster_os0",
    "lidar_ouster_os1",
    "lidar_unaligned_cdr",
    "lidar_vlp16",
    "station_composite_6s",
    "tum_rgbd_6s",
]


def check(data: bytes, short: str) -> bool | None:
    """Whether a message can be read; None where nothing is known of its type."""
    try:
        match short:
            case "CompressedImage":
                c = CompressedImage.decode(data)
                check_image(replace(JPEG, encoding=c.format, payload=bytes(c.data)))
            case "Image":
                check_image(_image(Image.decode(data)))
            case "PointCloud2":
                check_cloud(_cloud(PointCloud2.decode(data)))
            case _:
                return None
    except UnreadableFrame:
        return False
    return True


def _image(m: Image) -> ImageFrame:
    return replace(IMAGE, encoding=m.encoding, height=m.height, width=m.width, step=m.step, payload=bytes(m.data))


def _cloud(m: PointCloud2) -> CloudFrame:
    shape: dict[str, Any] = {
        name: getattr(m, name) for name in ("height", "width", "fields", "big_endian", "point_step", "row_step")
    }
    return replace(CLOUD, **shape, payload=bytes(m.data))


@pytest.mark.parametrize("name", GOOD)
def test_every_good_frame_of_the_recordings_is_readable(recorded, name: str) -> None:
    outcomes = [check(message.data, short) for message, short in recorded(name)]
    assert True in outcomes
    assert False not in outcomes


def test_exactly_the_corrupt_image_and_the_truncated_cloud_are_found(recorded, recordings: Path) -> None:
    labels = json.loads((recordings / "station_composite_faults.labels.json").read_text())
    labelled = {
        (label["stream"], number)
        for label in labels
        if label["kind"] in {"corrupt_jpeg", "truncated_cloud"}
        for number in label["message_numbers"][label["stream"]]
    }
    counts: dict[str, int] = {}
    found = set()
    for message, short in recorded("station_composite_faults"):
        number = counts.get(message.stream, 0)
        counts[message.stream] = number + 1
        if check(message.data, short) is False:
            found.add((message.stream, number))
    assert found == labelled
    assert len(found) == 2


@pytest.mark.parametrize(
    "damage",
    [
        {"payload": bytes(15)},
        {"payload": bytes(17)},
        {"step": 5},
        {"height": 0},
        {"width": 0},
        {"height": 1 << 31, "payload": b""},
        {"encoding": "no such"},
    ],
)
def test_an_image_that_is_not_what_it_says_is_unreadable(damage: dict[str, Any]) -> None:
    check_image(IMAGE)
    with pytest.raises(UnreadableFrame):
        check_image(replace(IMAGE, **damage))


@pytest.mark.parametrize(
    "damage",
    [
        {"payload": bytes(39)},
        {"payload": bytes(41)},
        {"point_step": 0},
        {"row_step": 17},
        {"width": -1},
        {"height": -1, "row_step": 0, "width": 0, "payload": b""},
        {"height": 1 << 62, "row_step": 0, "width": 0, "payload": b""},
        {"height": 0, "width": 1 << 33, "row_step": 1 << 36, "payload": b""},
        {"point_step": 1 << 40, "row_step": 1 << 42, "height": 0, "payload": b""},
        {"fields": (PointField("x", 0, 7, -1),)},
        {"fields": (PointField("x", 3, 7, 1),)},
        {"fields": (PointField("x", 3, 7, 0),)},
        {"fields": (PointField("x", 2, 7, 2),)},
        {"fields": (PointField("x", -1, 7, 1),)},
        {"fields": (PointField("x", 0, 9, 1),)},
    ],
)
def test_a_cloud_that_is_not_what_it_says_is_unreadable(damage: dict[str, Any]) -> None:
    check_cloud(CLOUD)
    with pytest.raises(UnreadableFrame):
        check_cloud(replace(CLOUD, **damage))


@given(st.one_of(st.binary(max_size=80), st.binary(max_size=80).map(lambda b: b"\xff\xd8" + b + b"\xff\xd9")))
def test_arbitrary_image_files_are_readable_or_unreadable_and_nothing_worse(payload: bytes) -> None:
    try:
        check_image(replace(JPEG, payload=payload))
    except UnreadableFrame:
        return
