"""The three checks of stamps against content: camera and joints, two poses of one body, command and state. Pure."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from processors.judge.content import signals
from processors.judge.content.lag import Lag, Lags, explained_by_all, explained_one_by_one
from processors.judge.content.motion import Motion
from saltwell.contracts.columns import Float64s
from saltwell.names import groups

Check = Literal["camera_joints", "one_body", "command_state"]
Grade = Literal["good", "weak", "not_measurable"]

GOOD_ERROR_S = 0.010
"""An estimate is good when its bound is at most this; half of what criteria.toml calls in sync."""

_SURE_PIECES = 7
"""Seconds of comparison: with fewer, the spread of the pieces is luck (bench/content/scene.py, at 6 and 7 s)."""

_MOVES_RAD = 0.02
_COMMANDED_RAD = 0.15
_TURNS_RAD_S, _TRAVELS_M_S = 0.05, 0.02
_DISTINCT = 0.5
_FOLLOWS = 0.9
_RIGID, _SAME_PACE = 0.9, math.log(1.1)
_PERIODS_OF_PICTURES, _PERIODS_OF_POSES = 3, 6
_LEAST_WINDOW_S = 0.1
_ROWS_A_JOINT = 3
_CAMERA_LAGS = Lags.between(-0.4, 0.4)
_BODY_LAGS = Lags.between(-1.0, 1.0)
_MOST_LATENCY_S = 1.2
_COMMAND_LAGS = Lags.between(-0.3, _MOST_LATENCY_S)


@dataclass(frozen=True, slots=True)
class Finding:
    """One lag between two streams, in site time.

    `lag_s`: how much later the second stream is stamped than the first for the same motion; NaN when not measurable.
    `error_s`: its bound at 95 %. `confidence`: 0 to 1. `why`: what keeps it from being good; empty when it is.
    `part`: the joint, or the group of `joints` joints of which the median is given; empty for other checks.
    """

    check: Check
    lag_s: float
    error_s: float
    confidence: float
    grade: Grade
    why: str
    part: str = ""
    joints: int = 0


def camera_and_joints(joints: Motion, camera: Motion) -> Finding:
    """Lag of a camera behind the joints, from the flow in its quarters against the speeds of the joints that move.

    Why not from one motion energy: see docs/content-check.md.
    """
    window_s = max(_LEAST_WINDOW_S, _PERIODS_OF_PICTURES * max(camera.period_s, joints.period_s))
    grid = signals.common_grid(joints.times_s, camera.times_s)
    moving = joints.values[:, np.ptp(joints.values, axis=0) > _MOVES_RAD]
    speeds = _most_moving(signals.rates(joints.times_s, moving, grid, window_s=window_s), window_s)
    # Flow is a step since the picture before: its running sum is what moves at a rate.
    flow = signals.rates(camera.times_s, np.cumsum(camera.values, axis=0), grid, window_s=window_s)
    lag = explained_by_all(signals.without_trend(speeds), signals.without_trend(flow), _CAMERA_LAGS)
    if lag is None:
        why = "too short" if moving.shape[1] else "no joint moves"
        return _nothing("camera_joints", why)
    why = "" if lag.distinct >= _DISTINCT else "what the camera sees does not follow the joints clearly"
    return _graded("camera_joints", lag, confidence=lag.distinct, why=why)


def poses_of_one_body(first: Motion, second: Motion) -> Finding | None:
    """Lag between two poses that move as one rigid body; None when they don't.

    A rigid body turns at one speed whatever point of it is tracked, in whatever frame: the speeds must agree in
    size, not in shape alone. One that hardly turns travels at one speed, and that is compared instead.
    """
    window_s = max(_LEAST_WINDOW_S, _PERIODS_OF_POSES * max(first.period_s, second.period_s))
    grid = signals.common_grid(first.times_s, second.times_s)
    paces = [_turning(motion, grid, window_s) for motion in (first, second)]
    if min(map(_rms, paces)) < _TURNS_RAD_S:
        paces = [_travelling(motion, grid, window_s) for motion in (first, second)]
        if min(map(_rms, paces)) < _TRAVELS_M_S:
            return None
    if abs(math.log(_rms(paces[1]) / _rms(paces[0]))) > _SAME_PACE:
        return None
    for lag in explained_one_by_one(paces[0], paces[1], _BODY_LAGS):
        if lag.inside and lag.explained >= _RIGID:
            return _graded("one_body", lag, confidence=lag.explained)
    return None


def command_and_state(command: Motion, state: Motion) -> Iterator[Finding]:
    """Latency from command to state: of each joint that moves, and of the median joint of each part of the body."""
    shared = [label for label in state.labels if label in command.labels]
    asked, done = command.of(shared), state.of(shared)
    moves = (np.ptp(asked, axis=0) > _COMMANDED_RAD) & (np.ptp(done, axis=0) > _COMMANDED_RAD)
    if not moves.any():
        return
    # Before its first and after its last sample a command stands: short episodes can't spare a second at their ends.
    grid = signals.grid(state.times_s[0] - _MOST_LATENCY_S, state.times_s[-1] + _MOST_LATENCY_S)
    given = signals.held(command.times_s, asked[:, moves], grid)
    reached = signals.at(state.times_s, done[:, moves], grid)
    names = [shared[joint] for joint in np.flatnonzero(moves)]
    lags = dict(zip(names, explained_one_by_one(given, reached, _COMMAND_LAGS), strict=False))
    for group, of_group in groups(list(lags)).items():
        yield _latency(_median([lags[name] for name in of_group]), group, len(of_group))
    for name, lag in lags.items():
        yield _latency(lag, name, 1)


def _most_moving(speeds: Float64s, window_s: float) -> Float64s:
    """Keep the columns that move most, three independent rows for each: more would explain anything."""
    most = int(len(speeds) * signals.GRID_S / window_s / _ROWS_A_JOINT)
    if speeds.shape[1] <= most or not len(speeds):
        return speeds
    known = speeds[np.isfinite(speeds).all(axis=1)]
    return speeds[:, np.sort(np.argsort(-np.square(known).sum(axis=0), kind="stable")[:most])]


def _latency(lag: Lag, part: str, joints: int) -> Finding:
    why = "" if lag.explained >= _FOLLOWS else "the state does not follow the command closely"
    return _graded("command_state", lag, confidence=lag.explained, why=why, part=part, joints=joints)


def _turning(motion: Motion, grid: Float64s, window_s: float) -> Float64s:
    return signals.turning(motion.times_s, motion.values[:, 3:], grid, window_s=window_s)


def _travelling(motion: Motion, grid: Float64s, window_s: float) -> Float64s:
    velocity = signals.rates(motion.times_s, motion.values[:, :3], grid, window_s=window_s)
    return np.asarray(np.linalg.norm(velocity, axis=1, keepdims=True))


def _rms(values: Float64s) -> float:
    known = values[np.isfinite(values)]
    return float(np.sqrt(np.mean(np.square(known)))) if known.size else 0.0


def _median(lags: list[Lag]) -> Lag:
    """The median joint's lag; its error from the medians that each leave out one piece."""
    left_out = tuple(np.median([lag.left_out_s for lag in lags], axis=0).tolist())
    return Lag(
        lag_s=float(np.median([lag.lag_s for lag in lags])),
        left_out_s=left_out,
        explained=float(np.median([lag.explained for lag in lags])),
        distinct=float(np.median([lag.distinct for lag in lags])),
        inside=all(lag.inside for lag in lags),
    )


def _graded(check: Check, lag: Lag, *, confidence: float, why: str = "", part: str = "", joints: int = 0) -> Finding:
    """Good when nothing speaks against it and the bound is tight."""
    if not lag.inside:
        return _nothing(check, "no peak within the lags tried", part=part, joints=joints)
    if not why and len(lag.left_out_s) < _SURE_PIECES:
        why = "too short to be sure"
    if not why and lag.error_s > GOOD_ERROR_S:
        why = "parts of the episode disagree"
    return Finding(check, lag.lag_s, lag.error_s, confidence, "weak" if why else "good", why, part, joints)


def _nothing(check: Check, why: str, *, part: str = "", joints: int = 0) -> Finding:
    return Finding(check, math.nan, math.nan, 0.0, "not_measurable", why, part, joints)
