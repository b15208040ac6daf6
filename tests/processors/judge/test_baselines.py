"""What is usual for a task and a device, and what differs from it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from processors.judge.baselines import Facts, learn, load_baselines
from saltwell.errors import StopError

CAMERA = {"brightness": 110.0, "detail": 1.0, "red_green": 0.1, "blue_green": -0.1, "upper_left": 90.0}
OTHER = {"brightness": 140.0, "detail": 0.9, "red_green": -0.2, "blue_green": 0.2, "upper_left": 150.0}


def facts(n: int, *, seed: int | None = None, **numbers: float) -> Facts:
    rng = np.random.default_rng(n if seed is None else seed)
    usual = {
        "task|sort||duration_s": 20 + rng.normal(),
        "task|sort|/joint_states|path": 30 + rng.normal(),
        "task|sort|/joint_states|sparc": -3 + 0.1 * rng.normal(),
        **{f"device|g1|/head|color:{name}": value for name, value in CAMERA.items()},
        **{f"device|g1|/wrist|color:{name}": value for name, value in OTHER.items()},
    }
    return Facts(f"take-{n}", "g1", "sort", usual | numbers, tuple(3 + rng.normal(size=8)))


BASELINES = learn(facts(n) for n in range(8))


def found(one: Facts) -> dict[tuple[str, str], float]:
    return {(m.code, m.stream): m.value for m in BASELINES.measures(one)}


def test_an_episode_as_usual_deviates_little() -> None:
    measured = found(facts(30))
    assert measured["duration", ""] == pytest.approx(1, abs=0.2)
    assert all(abs(value) < 4 for (code, _), value in measured.items() if code != "duration")


def test_a_detour_a_long_take_and_a_moved_camera_are_told() -> None:
    measured = found(
        facts(
            31,
            **{
                "task|sort||duration_s": 70.0,
                "task|sort|/joint_states|path": 60.0,
                "task|sort|/joint_states|sparc": -6.0,
                "device|g1|/head|color:brightness": 170.0,
            },
        )
    )
    assert measured["duration", ""] > 3
    assert measured["unusual_path", "/joint_states"] > 5
    assert measured["unusual_sparc", "/joint_states"] < -6
    assert measured["unlike_usual", "/head"] > 5
    assert measured["unlike_usual", "/wrist"] < 1


def test_cameras_swapped_before_the_episode_are_told() -> None:
    swapped = {f"device|g1|/head|color:{name}": value for name, value in OTHER.items()}
    swapped |= {f"device|g1|/wrist|color:{name}": value for name, value in CAMERA.items()}
    assert {stream for (code, stream), _ in found(facts(32, **swapped)).items() if code == "swapped"} == {
        "/head",
        "/wrist",
    }


def test_a_recording_played_again_is_a_near_duplicate_and_no_other_take_is() -> None:
    copy = replace(facts(3), episode="again")
    assert ("near_duplicate", "") in found(copy)
    assert ("near_duplicate", "") not in found(facts(3))  # itself
    assert ("near_duplicate", "") not in found(facts(33))


def test_few_episodes_tell_nothing() -> None:
    assert not list(learn(facts(n) for n in range(4)).measures(facts(31, seed=99)))


def test_the_order_of_learning_leaves_no_trace() -> None:
    assert learn(facts(n) for n in reversed(range(8))).encode() == BASELINES.encode()


def test_a_file_comes_back_as_it_was_and_one_changed_by_hand_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "baselines.json"
    path.write_text(BASELINES.encode())
    assert load_baselines(path) == BASELINES
    body = json.loads(path.read_text())
    body["usual"]["task|sort||duration_s"][0] = 5
    path.write_text(json.dumps(body))
    with pytest.raises(StopError, match="changed by hand"):
        load_baselines(path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "saltwell-baselines/0"}', '{"format": 3}', "\x00"])
def test_other_files_are_refused_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "baselines.json"
    path.write_text(text)
    with pytest.raises(StopError) as caught:
        load_baselines(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
