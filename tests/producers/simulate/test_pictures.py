from itertools import pairwise

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from producers.simulate.pictures import Grain, depth_mm, jpeg


def test_no_two_pictures_of_a_still_scene_are_equal() -> None:
    grain = Grain(width=64, height=48, rng=np.random.default_rng(0))
    scene = np.full((48, 64, 3), 128, np.uint8)
    pictures = [grain.add(scene) for _ in range(20)]
    assert all(np.any(a != b) for a, b in pairwise(pictures))
    assert np.std(pictures[0].astype(float)) < 2


def test_a_jpeg_has_its_colours_in_the_right_order() -> None:
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 200
    decoded = cv2.imdecode(np.frombuffer(jpeg(red), np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert decoded[16, 16, 2] > 190
    assert decoded[16, 16, 0] < 10


@given(st.floats(0.25, 4.0))
def test_depth_is_right_within_its_step(distance_m: float) -> None:
    measured = int(depth_mm(np.array([[distance_m]]))[0, 0])
    assert abs(measured - 1000 * distance_m) <= 0.5 + 2.0 * distance_m**2


def test_out_of_range_is_zero() -> None:
    assert depth_mm(np.array([[0.1, 0.24, 4.01, 30.0]])).tolist() == [[0, 0, 0, 0]]
