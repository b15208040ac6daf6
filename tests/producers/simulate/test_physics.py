"""What the simulated robot does, without rendering."""

from typing import Any

import numpy as np

from producers.simulate.robot import torque_limits
from producers.simulate.script import SIDES

GRIPPERS = ("left_gripper", "right_gripper")


def test_every_picked_part_is_lifted_and_ends_in_the_bin(take: Any) -> None:
    for pick in take.script.picks:
        track = take.part(pick.part.name)
        assert track[:, 2].max() > take.workspace.table_z_m + 0.12
        assert take.workspace.holds(track[-1]), f"{pick.part.name} ends at {track[-1]}"


def test_the_other_parts_stay_where_they_are(take: Any) -> None:
    picked = {pick.part.name for pick in take.script.picks}
    for part in take.script.parts:
        if part.name not in picked:
            assert np.linalg.norm(take.part(part.name)[-1] - part.position_m) < 0.005


def test_torques_stay_far_from_the_limits(take: Any) -> None:
    efforts = np.abs([reading.effort for reading in take.readings])
    assert np.all(efforts.max(axis=0) < 0.6 * torque_limits(take.robot.model))
    arms = [i for i, name in enumerate(take.robot.joint_names) if name not in GRIPPERS]
    assert np.all(efforts[:, arms].max(axis=0) > 0.02), "every joint of an arm carries something"


def test_joints_move_smoothly(take: Any) -> None:
    velocities = np.array([reading.velocity for reading in take.readings])
    assert np.abs(velocities).max() < 3.5
    joints = [i for i, name in enumerate(take.robot.joint_names) if name not in GRIPPERS]
    jumps = np.abs(np.diff(velocities[:, joints], axis=0))
    assert jumps.max() < 0.08, "rad/s in one millisecond"


def test_the_robot_is_never_idle_for_a_second(take: Any) -> None:
    velocities = np.array([reading.velocity for reading in take.readings])
    idle = longest = 0
    for still in np.abs(velocities).max(axis=1) < 0.05:
        idle = idle + 1 if still else 0
        longest = max(longest, idle)
    assert longest < 1000


def test_the_operator_leads_the_hand_by_100_to_250_ms(take: Any) -> None:
    hands = np.array(take.hands)
    for number, side in enumerate(SIDES):
        wanted = np.array([take.script.hand(side, step / 1000).position_m for step in range(1, 8001)])
        errors = {
            lag: np.linalg.norm(hands[lag:, number] - wanted[: len(wanted) - lag], axis=1).mean()
            for lag in range(0, 500, 10)
        }
        lag = min(errors, key=errors.__getitem__)
        assert 100 <= lag <= 250
        assert errors[lag] < 0.01
