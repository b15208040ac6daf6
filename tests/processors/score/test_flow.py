import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from processors.score.flow import LABELS, FlowMeter


def scene(rng=None, size=(160, 220)):
    rng = rng or np.random.default_rng(3)
    coarse = rng.normal(128, 60, (size[0] // 5, size[1] // 5)).astype(np.float32)
    return np.clip(cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)


def view(picture, x, y):
    return picture[20 + y : 140 + y, 30 + x : 190 + x].copy()


def test_a_picture_that_moves_is_measured_in_every_quarter():
    meter, picture = FlowMeter(), scene()
    meter.see(view(picture, 0, 0))

    flow = meter.see(view(picture, 3, -2))

    assert flow == pytest.approx([-3, 2] * 4, abs=0.5)


def test_a_quarter_that_moves_alone_shows_alone():
    meter, still, moving = FlowMeter(), scene(), scene(np.random.default_rng(4))
    first = view(still, 0, 0)
    first[:60, 80:] = view(moving, 0, 0)[:60, 80:]
    second = view(still, 0, 0)
    second[:60, 80:] = view(moving, -3, 0)[:60, 80:]
    meter.see(first)

    flow = dict(zip(LABELS, meter.see(second), strict=True))

    assert flow["upper_right_x_px"] == pytest.approx(3, abs=1)
    assert abs(flow["lower_left_x_px"]) < 0.3


def test_the_first_picture_and_one_of_another_size_begin_at_zero():
    meter, picture = FlowMeter(), scene()

    assert not meter.see(view(picture, 0, 0)).any()
    assert not meter.see(view(picture, 3, 0)[:100]).any()


def test_a_picture_given_again_says_nothing_and_the_next_one_says_the_whole_step():
    meter, picture = FlowMeter(), scene()
    meter.see(view(picture, 0, 0))

    assert meter.see(view(picture, 0, 0)) is None
    assert meter.see(view(picture, 2, 0))[0] == pytest.approx(-2, abs=0.5)


def test_wide_pictures_are_measured_at_a_width_of_160():
    meter, picture = FlowMeter(), cv2.resize(scene(), (0, 0), fx=2, fy=2)
    meter.see(picture[40:280, 60:380])

    assert meter.see(picture[40:280, 66:386])[0] == pytest.approx(-3, abs=0.5)


@settings(max_examples=30, deadline=None)
@given(st.lists(arrays(np.uint8, st.tuples(st.integers(16, 70), st.integers(16, 200))), min_size=2, max_size=4))
def test_any_pictures_give_eight_finite_numbers_or_none(pictures):
    meter = FlowMeter()
    for picture in pictures:
        flow = meter.see(picture)
        assert flow is None or (flow.shape == (len(LABELS),) and np.isfinite(flow).all())
