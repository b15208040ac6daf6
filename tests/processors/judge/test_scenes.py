"""Cameras that change places."""

import numpy as np
import pytest

from processors.judge.images import QUARTERS
from processors.judge.scenes import swapped_cameras
from processors.judge.series import StreamScores
from saltwell.contracts.columns import pack_f64, pack_i64
from saltwell.contracts.results import MetricColumn, ScoreBlock

TIMES = np.arange(60) * 100_000_000 + 1_000_000_000
LOOKS = {"/head": (100, 110, 60, 70, 0.1, -0.1), "/wrist": (150, 60, 140, 50, -0.2, 0.1)}


def scores(looks: np.ndarray) -> StreamScores:
    """A camera that shows one look a frame: light of the quarters, red and blue against green."""
    names = (*QUARTERS, "red_green", "blue_green")
    noisy = looks + np.random.default_rng(0).normal(0, 0.01, looks.shape)
    columns = [MetricColumn(name, pack_f64(noisy[:, n])) for n, name in enumerate(names)]
    one = StreamScores()
    one.add(ScoreBlock("s", "r", "e", "", "color", pack_i64(range(60)), pack_i64(TIMES), columns, (), 0))
    return one


def swapped(begin: int, end: int, *, third: bool = False) -> dict[str, int]:
    """When each camera is found to show another's picture, by number of the frame; begin to end are swapped."""
    pictures = {name: np.tile(look, (60, 1)) for name, look in LOOKS.items()}
    head = pictures["/head"].copy()
    pictures["/head"][begin:end] = pictures["/wrist"][begin:end]
    pictures["/wrist"][begin:end] = (30, 30, 200, 200, 0, 0) if third else head[begin:end]
    found = swapped_cameras({name: scores(looks) for name, looks in pictures.items()}, {})
    return {m.stream: round((m.from_ns - TIMES[0]) / 1e8) for m in found if m.value}


def test_cameras_that_keep_their_places_are_not_swapped() -> None:
    assert swapped(0, 0) == {}


@pytest.mark.parametrize(("begin", "end"), [(20, 40), (20, 60), (40, 60)])
def test_a_swap_is_found_at_its_begin(begin: int, end: int) -> None:
    assert swapped(begin, end) == {"/head": pytest.approx(begin, abs=1), "/wrist": pytest.approx(begin, abs=1)}


def test_a_glimpse_is_no_swap() -> None:
    assert swapped(20, 23) == {}


def test_a_picture_that_only_one_of_them_changes_to_is_no_swap() -> None:
    assert swapped(20, 40, third=True) == {}
