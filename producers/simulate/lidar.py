"""The lidar on the torso: clouds of one turn each, ten a second, with a time for every point."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from producers.simulate.instrument import Channel, Sample, generator
from producers.simulate.optics import COLUMNS, Optics, Returns
from producers.simulate.robot import STEP_NS, Robot
from producers.simulate.timing import NS
from saltwell.contracts.frames import PointField
from saltwell.messages.cloud import PointCloud2

TOPIC, FRAME = "/torso/points", "torso_lidar"
TURN_STEPS = 50  # the head spins at 20 Hz
STEPS_A_CLOUD = 100  # and the driver hands on every second turn
PHASE_STEPS = 13
COLUMNS_A_STEP = COLUMNS // TURN_STEPS
COLUMN_S = TURN_STEPS * STEP_NS / NS / COLUMNS
FIELDS = ("x", "y", "z", "intensity", "time")
FLOAT32 = 7


class Lidar:
    """Fires a few columns every millisecond, so a cloud is bent by motion as a real one is."""

    channels = (Channel(TOPIC, "sensor_msgs/msg/PointCloud2", latency_s=0.009, jitter_s=0.0008),)

    def __init__(self, model: Any, *, site: str, seed: int) -> None:
        """Put it at a site of the model."""
        self._optics = Optics(model, site=site, rng=generator(seed, TOPIC))
        self._returns: list[Returns] = []
        self._stamp_ns = 0

    def measure(self, robot: Robot) -> Iterator[Sample]:
        """Fire; at the end of a turn give its cloud, stamped with the turn's beginning."""
        step = (robot.steps - PHASE_STEPS) % STEPS_A_CLOUD
        if robot.steps < PHASE_STEPS or step >= TURN_STEPS:
            return
        if step == 0:
            self._stamp_ns = robot.time_ns
            self._returns = []
        self._returns.append(self._optics.fire(robot.data, step * COLUMNS_A_STEP, COLUMNS_A_STEP))
        if step == TURN_STEPS - 1:
            yield Sample(TOPIC, robot.time_ns + STEP_NS, _cloud(self._returns, self._stamp_ns).encode())


def _cloud(turn: list[Returns], stamp_ns: int) -> PointCloud2:
    """Return x y z (m), intensity (0..255) and time (s after the stamp) as float32 of every point."""
    points_m, intensity, column = (np.concatenate(part) for part in zip(*turn, strict=True))
    rows = np.column_stack([points_m, intensity, column * COLUMN_S]).astype("<f4")
    return PointCloud2(
        stamp_ns=stamp_ns,
        frame_id=FRAME,
        height=1,
        width=len(rows),
        fields=tuple(PointField(name, 4 * i, FLOAT32, 1) for i, name in enumerate(FIELDS)),
        big_endian=False,
        point_step=4 * len(FIELDS),
        row_step=4 * len(FIELDS) * len(rows),
        data=rows.tobytes(),
        dense=True,
    )
