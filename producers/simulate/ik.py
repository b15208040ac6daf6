"""Inverse kinematics of one arm: damped least squares on the model."""

from collections.abc import Sequence
from typing import Any

import mujoco
import numpy as np

from producers.simulate.motion import HandGoal, Vector

DAMPING = 0.03
MAX_STEP_RAD = 0.12
POSTURE_GAIN = 0.03


class Arm:
    """The joints between the torso and one hand, solved on an MjData of the caller's."""

    def __init__(self, model: Any, *, joints: Sequence[str], site: str, rest_rad: Vector) -> None:
        """Take the names of k hinge joints, the site between the finger tips and a (k,) resting posture."""
        self._model = model
        self._site_id = model.site(site).id
        ids = [model.joint(name).id for name in joints]
        self.qpos_at = model.jnt_qposadr[ids]
        self._dof_at = model.jnt_dofadr[ids]
        self._low, self._high = model.jnt_range[ids].T
        self._rest_rad = rest_rad

    def approach(self, data: Any, goal: HandGoal, *, iterations: int) -> None:
        """Turn the joints in `data` towards a goal of the hand; other joints stay.

        Each iteration is dq = J^T (J J^T + d^2 I)^-1 e (Nakamura and Hanafusa 1986), bounded to 0.12 rad, and
        leans to the resting posture in the null space, which keeps the elbow of the seven joints from drifting.
        """
        for _ in range(iterations):
            mujoco.mj_kinematics(self._model, data)
            mujoco.mj_comPos(self._model, data)
            jacobian = self._jacobian(data)
            inverse = jacobian.T @ np.linalg.inv(jacobian @ jacobian.T + DAMPING**2 * np.eye(6))
            lean = POSTURE_GAIN * (self._rest_rad - data.qpos[self.qpos_at])
            step = inverse @ (self._error(data, goal) - jacobian @ lean) + lean
            step *= min(1.0, MAX_STEP_RAD / max(float(np.abs(step).max()), 1e-9))
            data.qpos[self.qpos_at] = np.clip(data.qpos[self.qpos_at] + step, self._low, self._high)

    def _jacobian(self, data: Any) -> Vector:
        """Return the (6, k) Jacobian: three rows of m/rad, three of rad/rad."""
        moves, turns = np.zeros((2, 3, self._model.nv))
        mujoco.mj_jacSite(self._model, data, moves, turns, self._site_id)
        return np.vstack([moves[:, self._dof_at], turns[:, self._dof_at]])

    def _error(self, data: Any, goal: HandGoal) -> Vector:
        """Return the (6,) way to go: m, and rad about the axes of the base."""
        sine, cosine = np.sin(goal.yaw_rad), np.cos(goal.yaw_rad)
        wanted = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
        current = data.site_xmat[self._site_id].reshape(3, 3)
        turn = 0.5 * np.cross(current.T, wanted.T).sum(axis=0)
        return np.concatenate([goal.position_m - data.site_xpos[self._site_id], turn])
