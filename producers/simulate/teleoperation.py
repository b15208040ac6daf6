"""The scripted operator's hold of the robot: from hand goals to joint commands."""

from typing import Any

import mujoco
import numpy as np

from producers.simulate.ik import Arm
from producers.simulate.motion import Vector, look_at
from producers.simulate.script import SIDES, SIGN, Script, Side, Workspace

ARM_JOINTS = ("shoulder_pitch", "shoulder_roll", "shoulder_yaw", "elbow", "wrist_yaw", "wrist_pitch", "wrist_roll")
LINK_DELAY_S = 0.06
"""From the operator's pose to the command that follows it: headset, radio, solver."""


def arm_joints(side: Side) -> list[str]:
    """Return the seven joints of an arm, from the shoulder on."""
    return [f"{side}_{joint}" for joint in ARM_JOINTS]


def names_needed() -> dict[str, list[str]]:
    """Return what a model must have, by kind, for the script to run on it."""
    arms = [name for side in SIDES for name in [*arm_joints(side), f"{side}_gripper"]]
    driven = ["neck_yaw", "neck_pitch", *arms]
    return {
        "joint": [*driven, "left_gripper_mimic", "right_gripper_mimic"],
        "actuator": driven,
        "site": ["left_grip", "right_grip", "torso_lidar"],
        "camera": ["head", "wrist_left", "wrist_right"],
        "geom": ["table_top", "bin_floor", "bin_rim"],
        "body": ["head"],
    }


def workspace_of(model: Any) -> Workspace:
    """Read table, bin and parts (the bodies with a free joint) from a model, as placed at its start."""
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    free = np.flatnonzero(model.jnt_type == mujoco.mjtJoint.mjJNT_FREE)
    parts = [int(body) for body in model.jnt_bodyid[free]]
    return Workspace(
        table_z_m=_top_of(model, data, "table_top"),
        bin_m=data.geom("bin_floor").xpos.copy(),
        bin_half_m=model.geom("bin_floor").size[:2].copy(),
        rim_z_m=_top_of(model, data, "bin_rim"),
        half_heights_m={model.body(body).name: _half_height(model, model.body_geomadr[body]) for body in parts},
    )


def _top_of(model: Any, data: Any, geom: str) -> float:
    """Return the height in m of the upper face of an upright box."""
    return float(data.geom(geom).xpos[2] + model.geom(geom).size[2])


def _half_height(model: Any, geom_id: int) -> float:
    upright = model.geom_type[geom_id] == mujoco.mjtGeom.mjGEOM_CYLINDER
    return float(model.geom_size[geom_id][1 if upright else 2])


class Teleoperation:
    """Follows the script's hands and gaze with the arms, the neck and the grippers of our own model."""

    def __init__(self, model: Any, script: Script) -> None:
        """Solve the posture at the start of the script."""
        self._model = model
        self._script = script
        self._solved = mujoco.MjData(model)
        self._arms = {side: _arm(model, side) for side in SIDES}
        for side, arm in self._arms.items():
            self._solved.qpos[arm.qpos_at] = _rest_rad(side)
            arm.approach(self._solved, script.hand(side, -LINK_DELAY_S), iterations=100)

    def place(self, data: Any) -> None:
        """Put the robot at the start of the script, and the parts where the seed wants them."""
        for part in self._script.parts:
            joint = self._model.body(part.name).jntadr[0]
            at = self._model.jnt_qposadr[joint]
            data.qpos[at : at + 3] = part.position_m
            data.qpos[at + 3 : at + 7] = [np.cos(part.yaw_rad / 2), 0, 0, np.sin(part.yaw_rad / 2)]
        for side in SIDES:
            for name in arm_joints(side):
                data.joint(name).qpos = self._solved.joint(name).qpos
            for joint in (f"{side}_gripper", f"{side}_gripper_mimic"):
                data.joint(joint).qpos = self._script.hand(side, 0).opening_m
        data.joint("neck_yaw").qpos, data.joint("neck_pitch").qpos = self._neck(0)

    def command(self, time_s: float) -> Vector:
        """Return the (nu,) positions commanded at a time, in rad and (grippers) m; call it in order of time."""
        command = np.zeros(self._model.nu)
        seen_s = time_s - LINK_DELAY_S
        command[self._actuators(["neck_yaw", "neck_pitch"])] = self._neck(seen_s)
        for side, arm in self._arms.items():
            goal = self._script.hand(side, seen_s)
            arm.approach(self._solved, goal, iterations=2)
            command[self._actuators(arm_joints(side))] = self._solved.qpos[arm.qpos_at]
            command[self._actuators([f"{side}_gripper"])] = goal.opening_m
        return command

    def _actuators(self, names: list[str]) -> list[int]:
        return [self._model.actuator(name).id for name in names]

    def _neck(self, time_s: float) -> tuple[float, float]:
        return look_at(self._solved.body("head").xpos, self._script.gaze(time_s))


def _rest_rad(side: Side) -> Vector:
    return np.array([-0.1, 0.25 * SIGN[side], 0.0, 1.5, 0.0, -1.4, 0.0])


def _arm(model: Any, side: Side) -> Arm:
    return Arm(model, joints=arm_joints(side), site=f"{side}_grip", rest_rad=_rest_rad(side))
