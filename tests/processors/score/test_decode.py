"""What becomes of image payloads, good and bad."""

import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from processors.score.decode import GREY_WIDTH, MAX_PIXELS, UnreadableImageError, depth_mm, reduced

Image = NDArray[np.uint8]


def scene(width: int, height: int) -> Image:
    """A smooth colour scene with edges: (height, width, 3), blue green red."""
    rows, columns = np.mgrid[:height, :width].astype(np.float64)
    blue = 120 + 60 * np.sin(columns / 40) + 40 * (rows > height / 2)
    return np.stack([blue, 90 + rows / height * 100, 255 - blue], axis=2).clip(0, 255).astype(np.uint8)


def encoded(image: NDArray[np.generic], extension: str) -> bytes:
    return bytes(cv2.imencode(extension, np.asarray(image), [cv2.IMWRITE_JPEG_QUALITY, 95])[1])


def grey_of_file(payload: bytes, encoding: str = "jpeg") -> Image:
    return reduced(payload, encoding=encoding, width=0, height=0, step=0).grey


def depth_of(pixels: NDArray[np.generic], encoding: str, *, big_endian: bool = False) -> NDArray[np.uint16]:
    height, width = pixels.shape
    step = width * pixels.itemsize
    return depth_mm(pixels.tobytes(), encoding=encoding, width=width, height=height, step=step, big_endian=big_endian)


JPEG = encoded(scene(640, 480), ".jpg")


@pytest.mark.parametrize(
    ("size", "expected"),
    [((640, 480), (240, 320)), ((1280, 720), (180, 320)), ((320, 240), (240, 320)), ((160, 120), (120, 160))],
)
def test_a_camera_image_becomes_small_and_grey(size: tuple[int, int], expected: tuple[int, int]) -> None:
    image = scene(*size)
    truth = cv2.resize(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), expected[::-1], interpolation=cv2.INTER_AREA).astype(
        float
    )
    raw = {
        "bgr8": image,
        "rgb8": image[:, :, ::-1],
        "bgra8": cv2.cvtColor(image, cv2.COLOR_BGR2BGRA),
        "rgba8": cv2.cvtColor(image, cv2.COLOR_BGR2RGBA),
        "mono8": cv2.cvtColor(image, cv2.COLOR_BGR2GRAY),
    }
    results = [grey_of_file(encoded(image, ".jpg")), grey_of_file(encoded(image, ".png"), "png")]
    for encoding, pixels in raw.items():
        step = pixels.nbytes // size[1]
        results.append(reduced(pixels.tobytes(), encoding=encoding, width=size[0], height=size[1], step=step).grey)
    for grey in results:
        assert grey.shape == expected
        assert np.abs(grey - truth).mean() < 2


@pytest.mark.parametrize("encoding", ["jpeg", "bgr8; jpeg compressed bgr8", "", "png"])
def test_a_compressed_format_is_told_by_its_bytes_not_its_name(encoding: str) -> None:
    np.testing.assert_array_equal(grey_of_file(JPEG, encoding), grey_of_file(JPEG))


def test_padding_between_raw_rows_is_not_image() -> None:
    image = scene(100, 50)[:, :, 0]
    padded = np.full((50, 128), 255, dtype=np.uint8)
    padded[:, :100] = image
    grey = reduced(padded.tobytes(), encoding="mono8", width=100, height=50, step=128).grey
    np.testing.assert_array_equal(grey, image)


@given(st.integers(0, len(JPEG) - 1))
@settings(deadline=None)
def test_a_cut_jpeg_is_unreadable_wherever_it_is_cut(length: int) -> None:
    with pytest.raises(UnreadableImageError):
        grey_of_file(JPEG[:length])


@given(st.sampled_from([".jpg", ".png"]), st.data())
@settings(deadline=None, max_examples=150)
def test_damage_gives_an_image_or_unreadable_and_nothing_else(extension: str, data: st.DataObject) -> None:
    payload = bytearray(encoded(scene(64, 48), extension))
    for _ in range(data.draw(st.integers(1, 20))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    try:
        grey = grey_of_file(bytes(payload))
    except UnreadableImageError as error:
        assert "\n" not in str(error)  # noqa: PT017  # both ends are right
    else:
        assert grey.size <= MAX_PIXELS


@given(st.binary(max_size=200), st.sampled_from(["jpeg", "png", "rgb8", "mono8", "16UC1", "32FC1", "x"]))
@settings(deadline=None)
def test_any_bytes_are_an_image_or_unreadable(payload: bytes, encoding: str) -> None:
    for begin in (b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"):
        with pytest.raises(UnreadableImageError):
            reduced(begin + payload, encoding=encoding, width=640, height=480, step=1920)
        with pytest.raises(UnreadableImageError):
            depth_mm(begin + payload, encoding=encoding, width=640, height=480, step=1280)


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    body = b"IHDR" + struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    with pytest.raises(UnreadableImageError, match="100000 x 100000"):
        grey_of_file(png)
    size_at = JPEG.index(b"\xff\xc0") + 5
    jpeg = JPEG[:size_at] + struct.pack(">HH", 65_500, 65_500) + JPEG[size_at + 4 :]
    with pytest.raises(UnreadableImageError, match="65500 x 65500"):
        grey_of_file(jpeg)


@pytest.mark.parametrize(
    ("width", "height", "step"),
    [(640, 480, 640), (640, 480, 1921), (0, 0, 0), (-640, -480, 1920), (640, 0, 1920), (10**9, 10**9, 10**9)],
)
def test_sizes_that_do_not_fit_the_bytes_are_unreadable(width: int, height: int, step: int) -> None:
    with pytest.raises(UnreadableImageError):
        reduced(bytes(640 * 480 * 3), encoding="rgb8", width=width, height=height, step=step)


def test_an_image_too_small_for_the_metrics_is_unreadable() -> None:
    with pytest.raises(UnreadableImageError, match="too small"):
        grey_of_file(encoded(scene(8, 8), ".png"))
    with pytest.raises(UnreadableImageError, match="too small"):
        grey_of_file(encoded(scene(4 * GREY_WIDTH, 17), ".png"))


def test_millimetres_come_as_they_are_in_either_byte_order() -> None:
    depth = np.array([[0, 1, 500], [4000, 65534, 65535]], dtype=np.uint16)
    np.testing.assert_array_equal(depth_of(depth, "16UC1"), depth)
    np.testing.assert_array_equal(depth_of(depth.astype(">u2"), "16UC1", big_endian=True), depth)
    np.testing.assert_array_equal(depth_of(depth, "mono16"), depth)


def test_metres_become_millimetres_and_what_is_no_distance_no_reading() -> None:
    metres = np.array([[1.2344, 0, -1, np.nan], [np.inf, -np.inf, 65.6, 3e38]], dtype=np.float32)
    expected = [[1234, 0, 0, 0], [0, 0, 65535, 65535]]
    np.testing.assert_array_equal(depth_of(metres, "32FC1"), expected)
    np.testing.assert_array_equal(depth_of(metres.astype(">f4"), "32FC1", big_endian=True), expected)


@pytest.mark.parametrize("header", [b"", bytes(12)])
def test_a_16_bit_png_is_depth_with_and_without_the_header_of_compressed_depth(header: bytes) -> None:
    depth = np.arange(48 * 64, dtype=np.uint16).reshape(48, 64)
    payload = header + encoded(depth, ".png")
    decoded = depth_mm(payload, encoding="16UC1; compressedDepth png", width=0, height=0, step=0)
    np.testing.assert_array_equal(decoded, depth)


def test_what_is_not_millimetres_is_never_taken_for_them() -> None:
    inverse = bytes(12) + encoded(np.ones((48, 64), np.uint16), ".png")
    for payload, encoding in [(inverse, "32FC1; compressedDepth"), (encoded(scene(64, 48), ".png"), "png")]:
        with pytest.raises(UnreadableImageError):
            depth_mm(payload, encoding=encoding, width=0, height=0, step=0)
