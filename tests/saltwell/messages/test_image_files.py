import contextlib
import struct
import zlib

import numpy as np
import pytest
import simplejpeg
from hypothesis import given
from hypothesis import strategies as st

from saltwell.messages.image_files import MAX_SIDE, UnreadableFrame, check_file

PIXELS = np.arange(24 * 32 * 3, dtype=np.uint8).reshape(24, 32, 3)
JPEG = bytes(simplejpeg.encode_jpeg(PIXELS))
SOF_AT = JPEG.index(b"\xff\xc0")
SCAN_AT = JPEG.index(b"\xff\xda")


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int) -> bytes:
    pixels = zlib.compress(bytes(height * (1 + width)) if width * height < 10**6 else b"")
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


PNG = png(5, 3)


def with_size(width: int, height: int) -> bytes:
    return JPEG[: SOF_AT + 5] + struct.pack(">HH", height, width) + JPEG[SOF_AT + 9 :]


@pytest.mark.parametrize(
    "payload",
    [
        JPEG,
        JPEG + bytes(5000),
        JPEG[:2] + b"\xff\xff\xff" + JPEG[2:],
        JPEG[:2] + b"\xff\xfe\x00\x04hi" * 300 + JPEG[2:],
        bytes(simplejpeg.encode_jpeg(PIXELS[..., :1].copy(), colorspace="GRAY")),
        with_size(MAX_SIDE, MAX_SIDE),
        PNG,
        PNG + bytes(5000),
    ],
    ids=["as it is", "zeros behind", "fill bytes", "300 comments", "grey", "largest", "PNG", "PNG and zeros"],
)
def test_whole_files_are_readable(payload: bytes) -> None:
    check_file(payload, "jpeg")


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\xd8",
        b"\xff\xd8\xff\xd9",
        JPEG[:-1],
        JPEG[: len(JPEG) * 2 // 5],
        JPEG + b"\1",
        JPEG[:SCAN_AT] + b"\xff\xd9",
        JPEG[:SOF_AT] + JPEG[SCAN_AT:],
        JPEG[:SOF_AT] + b"\xff\xc0\x00\x01" + JPEG[SCAN_AT:],
        JPEG[:2] + b"\xff\xfe\x00\x02" * 600 + JPEG[2:],
        b"\xff\xd8" + b"\xff" * 1000 + b"\xff\xd9",
        with_size(0, 24),
        with_size(MAX_SIDE + 1, 24),
        PNG[:-1],
        PNG[:20],
        PNG[:8] + PNG[-12:],
        PNG + b"\1",
        PNG.replace(b"\0\0\0\x0dIHDR", b"\0\0\0\x0cIHDR"),
        PNG[:33] + b"\x39\x39\x39\x39" + PNG[37:],  # a chunk of 960 MB, which a decoder would take memory for
        png(0, 3),
        png(MAX_SIDE + 1, 3),
        b"RIFF1234WEBP",
    ],
)
def test_files_that_are_cut_or_say_nonsense_are_unreadable(payload: bytes) -> None:
    with pytest.raises(UnreadableFrame) as caught:
        check_file(payload, "jpeg")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("whole", [JPEG, PNG], ids=["JPEG", "PNG"])
def test_a_file_cut_anywhere_is_unreadable(whole: bytes) -> None:
    for cut in range(len(whole)):
        with pytest.raises(UnreadableFrame):
            check_file(whole[:cut], "")


@pytest.mark.parametrize("whole", [JPEG, PNG], ids=["JPEG", "PNG"])
@given(data=st.data())
def test_damaged_files_raise_nothing_worse(whole: bytes, data: st.DataObject) -> None:
    damaged = bytearray(whole)
    for at in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=6)):
        damaged[at] = data.draw(st.integers(0, 255))
    with contextlib.suppress(UnreadableFrame):
        check_file(bytes(damaged[: data.draw(st.integers(0, len(whole)))]), "")
