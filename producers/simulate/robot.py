"""The simulated robot: steps of one millisecond, and what can be read from it."""

import math
from typing import Any, NamedTuple, Protocol

import mujoco
import numpy as np

from producers.simulate.motion import Vector
from producers.simulate.timing import NS
from saltwell.errors import StopError

STEP_NS = 1_000_000
STEPS_A_COMMAND = 10  # commands at 100 Hz; the drives interpolate between two of them


class Controller(Protocol):
    """What moves the robot."""

    def place(self, data: Any) -> None:
        """Put everything where it is at the start."""

    def command(self, time_s: float) -> Vector:
        """Return the (nu,) control of the actuators at a time; called in order of time."""


class JointReadings(NamedTuple):
    """One reading of k joints."""

    position: Vector
    """(k,) rad; m for a sliding joint."""
    velocity: Vector
    """(k,) rad/s or m/s."""
    effort: Vector
    """(k,) Nm or N: what the drive puts on the joint, gravity included."""


class Robot:
    """A model in motion. Times are ns: `start_ns` plus what was simulated."""

    def __init__(self, model: Any, controller: Controller, *, start_ns: int) -> None:
        """Place the robot; an MjModel whose step is not a part of 1 ms gets one that is."""
        self._substeps = max(1, math.ceil(STEP_NS / NS / model.opt.timestep - 1e-6))
        model.opt.timestep = STEP_NS / NS / self._substeps
        self.model = model
        self.data = mujoco.MjData(model)
        self.start_ns = start_ns
        self.steps = 0
        self._controller = controller
        self._snapshot = mujoco.MjData(model)
        controller.place(self.data)
        mujoco.mj_forward(model, self.data)
        self.command = self._previous = controller.command(0.0)
        joint_ids = driven_joints(model)
        self.joint_names = [model.joint(joint_id).name for joint_id in joint_ids]
        self._qpos_at, self._dof_at = model.jnt_qposadr[joint_ids], model.jnt_dofadr[joint_ids]
        self._servos = position_servos(model)
        self._servo_joints = tuple(model.joint(model.actuator_trnid[servo, 0]).name for servo in self._servos)

    @property
    def time_ns(self) -> int:
        """The time of the present state."""
        return self.start_ns + self.steps * STEP_NS

    @property
    def commanded_now(self) -> bool:
        """Whether `command` was given at the present step."""
        return self.steps % STEPS_A_COMMAND == 0

    def commanded_positions(self) -> tuple[tuple[str, ...], Vector]:
        """Return names and commanded positions (rad, m) of the joints whose actuators are position servos."""
        return self._servo_joints, self.command[self._servos]

    def step(self) -> None:
        """Simulate 1 ms; raise StopError when the physics breaks down."""
        share = (self.steps % STEPS_A_COMMAND + 1) / STEPS_A_COMMAND
        self.data.ctrl[:] = self._previous + share * (self.command - self._previous)
        mujoco.mj_step(self.model, self.data, self._substeps)
        self.steps += 1
        if self.commanded_now:
            self._previous, self.command = self.command, self._controller.command(self.steps * STEP_NS / NS)
        if any(self.data.warning[kind].number for kind in _BROKEN):
            raise StopError(f"the physics of this model broke down after {self.steps} ms; use a smaller timestep in it")

    def read_joints(self) -> JointReadings:
        """Read all driven joints, without noise."""
        return JointReadings(
            self.data.qpos[self._qpos_at], self.data.qvel[self._dof_at], self.data.qfrc_actuator[self._dof_at]
        )

    def snapshot(self, time_ns: int) -> Any:
        """Return an MjData with the poses at a time within the last step; the next call overwrites it."""
        self._snapshot.qpos[:] = self.data.qpos
        mujoco.mj_integratePos(self.model, self._snapshot.qpos, self.data.qvel, (time_ns - self.time_ns) / NS)
        mujoco.mj_kinematics(self.model, self._snapshot)
        mujoco.mj_comPos(self.model, self._snapshot)
        mujoco.mj_camlight(self.model, self._snapshot)
        return self._snapshot


_BROKEN = (mujoco.mjtWarning.mjWARN_BADQPOS, mujoco.mjtWarning.mjWARN_BADQVEL, mujoco.mjtWarning.mjWARN_BADQACC)


def driven_joints(model: Any) -> list[int]:
    """Return the ids of the hinge and slide joints that an actuator drives directly, in the actuators' order."""
    direct = np.isin(model.actuator_trntype, [int(mujoco.mjtTrn.mjTRN_JOINT), int(mujoco.mjtTrn.mjTRN_JOINTINPARENT)])
    simple = np.isin(model.jnt_type, [int(mujoco.mjtJoint.mjJNT_HINGE), int(mujoco.mjtJoint.mjJNT_SLIDE)])
    ids = [int(joint_id) for joint_id in model.actuator_trnid[direct, 0] if simple[joint_id]]
    return list(dict.fromkeys(ids))


def position_servos(model: Any) -> list[int]:
    """Return the ids of the actuators whose control is the position of one joint."""
    joint_ids = driven_joints(model)
    servo = (model.actuator_gainprm[:, 0] > 0) & (model.actuator_biasprm[:, 1] == -model.actuator_gainprm[:, 0])
    return [int(i) for i in np.flatnonzero(servo) if model.actuator_trnid[i, 0] in joint_ids]


def torque_limits(model: Any) -> Vector:
    """Return the (k,) limits of the driven joints in Nm or N; infinite where the model gives none."""
    ids = driven_joints(model)
    limits = model.jnt_actfrcrange[ids, 1].copy()
    limits[~model.jnt_actfrclimited[ids].astype(bool)] = np.inf
    return np.asarray(limits)
