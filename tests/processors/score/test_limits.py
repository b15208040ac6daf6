"""Limits of joints, and what goes beyond them."""

from pathlib import Path

import numpy as np
import pytest

from processors.score.limits import Limits, LimitScorer, load_limits
from saltwell.errors import StopError

MS = 1_000_000
TIMES = np.arange(100) * MS
NAMES = ("shoulder", "elbow")
LIMITS = {"elbow": Limits(-1.0, 2.0, 50.0)}


def test_a_position_outside_its_limits_is_measured_with_its_joint() -> None:
    position = np.zeros((100, 2))
    position[40] = [9.0, 2.25]
    found = LimitScorer(LIMITS).score(NAMES, TIMES, position, np.zeros((100, 2)))
    assert (found.beyond_limit, found.beyond_limit_joint) == (pytest.approx(0.25), 1)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_torque_at_its_limit_counts_from_98_percent_on(sign: int) -> None:
    torque = np.full((100, 2), 40.0) * sign
    torque[30:61, 1] = 49.1 * sign
    found = LimitScorer(LIMITS).score(NAMES, TIMES, np.zeros((100, 2)), torque)
    assert (found.saturated_ms, found.saturated_joint) == (30, 1)


def test_joints_without_limits_are_not_measured() -> None:
    found = LimitScorer({}).score(NAMES, TIMES, np.zeros((100, 2)), np.zeros((100, 2)))
    assert all(np.isnan(value) for value in found)


def test_a_file_gives_limits_by_name(tmp_path: Path) -> None:
    path = tmp_path / "limits.toml"
    path.write_text("[joint.elbow]\nposition = [-1, 2]\ntorque_nm = 50\n[joint.wrist]\ntorque_nm = 20\n")
    assert load_limits(path) == {**LIMITS, "wrist": Limits(torque_nm=20.0)}


@pytest.mark.parametrize(
    "text",
    ["", "joint = 3", "[joint.a]\nposition = [2, 1]", "[joint.a]\ntorque = 3", "[joint.a]\nposition = [1]", "\x00"],
)
def test_bad_limits_stop_with_one_line_that_names_the_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "limits.toml"
    path.write_text(text)
    with pytest.raises(StopError) as caught:
        load_limits(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
