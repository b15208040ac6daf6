"""What is wrong with poses. Pure."""

from collections.abc import Iterator, Mapping

import numpy as np

from processors.judge.criteria import Measured
from processors.judge.series import StreamScores, longest_run

_ALL = 0.99


def pose_measures(stream: str, scores: StreamScores, settings: Mapping[str, float]) -> Iterator[Measured]:
    """Jumps, lost tracking, and quaternions that are none."""
    times, jumps = scores.known("jump_m")
    if jumps.size:
        jumped = np.flatnonzero(jumps > settings["jump_m"])
        at = int(times[jumped[0]]) if len(jumped) else 0
        yield Measured("tracking_jump", stream, "pose", float(jumps.max()), int(times[jumps.argmax()]))
        yield Measured("tracking_jumps", stream, "pose", float(len(jumped)), at, int(times[jumped[-1]]) if at else 0)
    times, held = scores.known("held_share")
    if held.size:
        yield Measured("tracking_lost", stream, "pose", *longest_run(times, held > _ALL))
    times, error = scores.known("quaternion_error")
    if error.size:
        at = int(times[error.argmax()])
        yield Measured("no_rotation", stream, "pose", float(error.max()), at, at)
