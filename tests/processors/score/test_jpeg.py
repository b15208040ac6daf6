"""How coarsely a JPEG was quantised."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.score.jpeg import mean_quantisation


def of_quality(quality: int) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    return bytes(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1])


@pytest.mark.parametrize(("quality", "mean"), [(50, 57.6), (100, 1.0), (25, 115.3)])
def test_the_mean_is_that_of_the_standard_table_scaled(quality: int, mean: float) -> None:
    assert mean_quantisation(of_quality(quality)) == pytest.approx(mean, rel=0.01)


def test_a_table_of_two_byte_values_is_read() -> None:
    segment = b"\x10" + b"".join((1000 + n).to_bytes(2, "big") for n in range(64))
    payload = b"\xff\xd8\xff\xdb" + (2 + len(segment)).to_bytes(2, "big") + segment
    assert mean_quantisation(payload) == pytest.approx(1031.5)


@given(st.binary(max_size=200))
def test_any_bytes_give_a_number_or_none(tail: bytes) -> None:
    value = mean_quantisation(b"\xff\xd8" + tail)
    assert math.isnan(value) or value >= 0
