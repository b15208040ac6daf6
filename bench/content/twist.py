"""A camera that is carried about, against a tracker of its own body: real data to try the check of cameras on."""

from collections.abc import Iterable

import numpy as np

from processors.judge.content.check import offset_of
from processors.judge.content.motion import Motion, StreamMotion
from processors.judge.content.pairs import camera_and_joints
from saltwell.contracts.columns import Float64s
from saltwell.contracts.results import ContentOffset, ScoreBlock
from saltwell.errors import StopError

_AXES = ("turn_x", "turn_y", "turn_z", "move_x", "move_y", "move_z")


def camera_against_tracker(blocks: Iterable[ScoreBlock], *, camera: str, tracker: str) -> ContentOffset:
    """Run the check of a camera against joints with the six axes of its own body as the joints."""
    found = {camera: StreamMotion(), tracker: StreamMotion()}
    for block in blocks:
        for trace in block.motion:
            if block.stream in found:
                found[block.stream].add(trace)
    origin_ns = found[camera].first_ns() or 0
    pose, seen = (found[name].motion(clock_offset_ns=0, origin_ns=origin_ns) for name in (tracker, camera))
    if pose is None or seen is None:
        raise StopError(f"{camera} or {tracker} has too few samples")
    axes = Motion(_AXES, pose.times_s, _travelled(pose.values))
    return offset_of(camera, tracker, camera_and_joints(axes, seen), 0)


def _travelled(poses: Float64s) -> Float64s:
    """Running sum of the steps from pose to pose as the body itself feels them: (n, 7) to (n, 6), rad and m."""
    position, orientation = poses[:, :3], poses[:, 3:]
    back = orientation[:-1] * [-1, -1, -1, 1]
    turn = _product(back, orientation[1:])
    step = np.hstack([np.diff(position, axis=0), np.zeros((len(back), 1))])
    moved = _product(_product(back, step), orientation[:-1])
    steps = np.hstack([2 * turn[:, :3] * np.sign(turn[:, 3:]), moved[:, :3]])
    return np.vstack([np.zeros(6), np.cumsum(steps, axis=0)])


def _product(a: Float64s, b: Float64s) -> Float64s:
    """Product of quaternions x y z w, (n, 4) each."""
    ax, ay, az, aw = a.T
    bx, by, bz, bw = b.T
    return np.stack(
        [
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
            aw * bw - ax * bx - ay * by - az * bz,
        ],
        axis=1,
    )
