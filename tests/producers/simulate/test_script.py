from typing import Any

import numpy as np
import pytest

from producers.simulate.script import SIDES, Script
from producers.simulate.teleoperation import workspace_of


@pytest.fixture
def workspace(our_model: Any) -> Any:
    return workspace_of(our_model)


def _layout(script: Script) -> list[tuple[str, tuple[float, ...]]]:
    return [(part.name, tuple(part.position_m)) for part in script.parts]


def test_seeds_differ_in_places_hands_and_speed(workspace: Any) -> None:
    scripts = [Script(seed=seed, seconds=8, workspace=workspace) for seed in range(12)]
    assert len({tuple(_layout(script)) for script in scripts}) == 12
    assert {script.picks[0].part.side for script in scripts} == {"left", "right"}
    assert {len(script.picks) for script in scripts} == {1, 2}


def test_the_same_seed_is_the_same_motion(workspace: Any) -> None:
    one, two = (Script(seed=3, seconds=8, workspace=workspace) for _ in range(2))
    assert _layout(one) == _layout(two)
    for time_s in np.linspace(0, 8, 50):
        for side in SIDES:
            np.testing.assert_array_equal(one.hand(side, time_s).position_m, two.hand(side, time_s).position_m)


@pytest.mark.parametrize("seconds", [4, 8, 30, 60])
def test_only_one_hand_is_over_the_bin_and_the_last_pick_ends_with_the_take(workspace: Any, seconds: float) -> None:
    for seed in range(5):
        script = Script(seed=seed, seconds=seconds, workspace=workspace)
        assert script.picks[-1].start_s + script.picks[-1].cycle_s == pytest.approx(seconds)
        for time_s in np.arange(0, seconds, 0.02):
            left, right = (script.hand(side, time_s).position_m for side in SIDES)
            assert np.linalg.norm(left - right) > 0.15, f"seed {seed} at {time_s:.2f} s"


def test_no_part_is_picked_twice(workspace: Any) -> None:
    script = Script(seed=1, seconds=60, workspace=workspace)
    names = [pick.part.name for pick in script.picks]
    assert len(names) == len(set(names)) == 8
