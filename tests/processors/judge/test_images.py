"""Which frames of a camera are bad, and why, on real frames."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.quality import faults_images
from bench.quality.pipeline import score_stream
from bench.quality.takes import Take, load_take
from processors.judge.criteria import load_criteria
from processors.judge.images import color_faults
from processors.judge.series import StreamScores

SETTINGS = load_criteria().settings
BY_NAME = {fault.name: fault for fault in faults_images.FAULTS}


@pytest.fixture(scope="module")
def take(recordings: Path) -> Take:
    whole = load_take(recordings / "g1_pick_bottle_30.mcap")
    return replace(whole, samples={"/head/color": whole.samples["/head/color"][:100]})


def faulty_frames(take: Take, name: str | None = None, value: float = 0.0) -> dict[str, list[int]]:
    samples = take.samples["/head/color"]
    if name is not None:
        samples = BY_NAME[name].change(samples, value, 0.4, np.random.default_rng(0))
    scores = StreamScores()
    for block in score_stream(take, "/head/color", samples):
        scores.add(block)
    found = color_faults(scores, SETTINGS)
    return {code: np.flatnonzero(bad).tolist() for code, bad in found.items() if bad.any()}


def test_clean_frames_are_not_bad(take: Take) -> None:
    assert faulty_frames(take) == {}


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("motion blur", 9, "blur"),
        ("out of focus", 2, "blur"),
        ("image noise", 8, "noise"),
        ("covered lens", 0.25, "covered"),
        ("under-exposed", 0.5, "exposure"),
        ("over-exposed", 1.8, "exposure"),
        ("strong compression", 10, "compression"),
        ("compressed, coded again", 10, "compression"),
        ("colour cast", 1.3, "cast"),
    ],
)
def test_each_fault_is_found_in_its_frames_under_its_own_name(take: Take, name: str, value: float, code: str) -> None:
    found = faulty_frames(take, name, value)
    found.pop("motion_blur", None)
    assert list(found) == [code]
    assert set(range(43, 75)) <= set(found[code]) <= set(range(37, 79))
