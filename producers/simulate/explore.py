"""A motion for models that the script doesn't fit: every actuator swings slowly within its range."""

from typing import Any

import mujoco
import numpy as np

from producers.simulate.motion import Vector

SHARE_OF_RANGE = 0.15
UNLIMITED_SWING = 0.3
RAMP_S = 1.0


class Exploration:
    """Sines of the seed's rates and phases about the model's first keyframe, or about the middle of the ranges."""

    def __init__(self, model: Any, *, seed: int) -> None:
        """Draw a rate (0.2 to 0.6 Hz) and a phase for every actuator."""
        rng = np.random.default_rng([seed, 2])
        self._model = model
        limited = model.actuator_ctrllimited.astype(bool)
        self._low = np.where(limited, model.actuator_ctrlrange[:, 0], -np.inf)
        self._high = np.where(limited, model.actuator_ctrlrange[:, 1], np.inf)
        middle = np.where(limited, model.actuator_ctrlrange.mean(axis=1), 0.0)
        self._centre = model.key_ctrl[0].copy() if model.nkey else middle
        self._swing = np.where(limited, SHARE_OF_RANGE * np.ptp(model.actuator_ctrlrange, axis=1), UNLIMITED_SWING)
        self._rates_hz = rng.uniform(0.2, 0.6, model.nu)
        self._phases = rng.uniform(0, 2 * np.pi, model.nu)

    def place(self, data: Any) -> None:
        """Start at the first keyframe, or at the model's own start."""
        if self._model.nkey:
            mujoco.mj_resetDataKeyframe(self._model, data, 0)

    def command(self, time_s: float) -> Vector:
        """Return the (nu,) control, in whatever unit each actuator has; the swing grows over the first second."""
        angles = 2 * np.pi * self._rates_hz * time_s + self._phases
        swing = self._swing * np.sin(angles) * min(1.0, time_s / RAMP_S)
        return np.asarray(np.clip(self._centre + swing, self._low, self._high))
