"""The scripted task: which part goes into the bin when, by which hand. It differs by seed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from producers.simulate.motion import HandGoal, MinimumJerk, Sway, Vector

Side = Literal["left", "right"]
SIDES: tuple[Side, Side] = ("left", "right")
SIGN: Mapping[Side, int] = {"left": 1, "right": -1}

CYCLE_S = 5.0  # one pick from home to home, at the middle speed
LEAD_S = 0.2  # the robot waits this long after the start
OPEN_M, HALF_OPEN_M, CLOSED_M = 0.04, 0.034, -0.004  # a command below 0 presses
HOME_M = np.array([0.36, 0.27, 0.97])
GAZE_HOME_M = np.array([0.56, 0.0, 0.85])
TIP_BELOW_GRIP_M = 0.024  # how far the finger tips stand below the point between them, and some air
PILE_M = 0.03  # a part on top of others may look out of the bin so far
SWAY_M = 0.004
WANDER_S = 1.3  # a waiting hand takes another place about this often
WANDER_M = np.array([0.03, 0.05, 0.03])
DROP_ASIDE_M = 0.035  # from the middle of the bin
DROPS_M = (-0.06, -0.02, 0.02, 0.06)  # along the bin, for each hand's parts


class Workspace(NamedTuple):
    """What the script must know of the model, in metres in the frame of the robot's base."""

    table_z_m: float
    bin_m: Vector
    """(3,) centre of the bin's floor."""
    bin_half_m: Vector
    """(2,) half of the bin's length and width."""
    rim_z_m: float
    half_heights_m: Mapping[str, float]
    """Every part that may be sorted, by name."""

    def holds(self, position_m: Vector) -> bool:
        """Whether a part at a (3,) position lies in the bin."""
        beside = np.abs(position_m - self.bin_m)[:2] < self.bin_half_m
        return bool(beside.all() and self.bin_m[2] < position_m[2] < self.rim_z_m + PILE_M)


@dataclass(frozen=True)
class Part:
    """Where a part lies at the start."""

    name: str
    position_m: Vector
    yaw_rad: float

    @property
    def side(self) -> Side:
        """The hand that reaches it."""
        return "left" if self.position_m[1] > 0 else "right"


@dataclass(frozen=True)
class Pick:
    """One part carried into the bin."""

    part: Part
    start_s: float
    cycle_s: float
    drop_m: Vector


class Script:
    """What the operator does from 0 to `seconds`: goals of both hands and the point looked at."""

    def __init__(self, *, seed: int, seconds: float, workspace: Workspace) -> None:
        """Lay out the parts and plan the picks of a seed."""
        rng = np.random.default_rng([seed, 1])
        self.parts = _lay_out(workspace, rng)
        self.picks = _plan(self.parts, workspace, seconds, rng)
        self._hands = {side: _hand_path(side, self.picks, workspace, seconds, rng) for side in SIDES}
        self._gaze = _gaze_path(self.picks, workspace)
        self._sways = {side: Sway(SWAY_M, rng) for side in SIDES}
        self._head_sway = Sway(SWAY_M * 3, rng)

    def hand(self, side: Side, time_s: float) -> HandGoal:
        """Return what a hand shall do at a time."""
        x, y, z, yaw, opening = self._hands[side].at(time_s)
        return HandGoal(np.array([x, y, z]) + self._sways[side].at(time_s), yaw, opening)

    def gaze(self, time_s: float) -> Vector:
        """Return the (3,) point that the operator looks at."""
        return self._gaze.at(time_s) + self._head_sway.at(time_s)

    def head_sway(self, time_s: float) -> Vector:
        """Return the (3,) displacement of the operator's head in m."""
        return self._head_sway.at(time_s + 0.5)


def _lay_out(workspace: Workspace, rng: np.random.Generator) -> list[Part]:
    """Put the parts on the places left and right of the bin, in an order and at angles of the seed's."""
    places = [(x, y * sign) for x in (0.36, 0.47) for y in (0.21, 0.33) for sign in (1, -1)]
    names = [str(name) for name in rng.permutation(sorted(workspace.half_heights_m))]
    return [
        Part(
            name=name,
            position_m=np.array(
                [
                    *(np.array(place) + rng.uniform(-0.012, 0.012, 2)),
                    workspace.table_z_m + workspace.half_heights_m[name],
                ]
            ),
            yaw_rad=float(rng.uniform(-0.35, 0.35)),
        )
        for name, place in zip(names, places, strict=False)
    ]


def _plan(parts: list[Part], workspace: Workspace, seconds: float, rng: np.random.Generator) -> list[Pick]:
    """Let the hands take turns, half a cycle apart, so that only one is over the bin and none is idle for long."""
    turns = list(rng.permutation(SIDES))
    waiting = {side: [part for part in parts if part.side == side] for side in SIDES}
    most = sum(map(len, waiting.values()))
    cycle_s = CYCLE_S * rng.uniform(0.88, 1.08)
    count = min(most, max(1, int(2 * (seconds - LEAD_S) / cycle_s - 1)))
    cycle_s = 2 * (seconds - LEAD_S) / (count + 1)
    places_m = {side: list(rng.permutation(DROPS_M)) for side in SIDES}
    picks: list[Pick] = []
    for number in range(count):
        side: Side = turns[number % 2]
        part = waiting[side].pop(int(rng.integers(len(waiting[side]))))
        drop_m = workspace.bin_m + np.array([places_m[side].pop(), DROP_ASIDE_M * SIGN[side], 0.0])
        picks.append(Pick(part, LEAD_S + number * cycle_s / 2, cycle_s, drop_m))
    return picks


def _hand_path(
    side: Side, picks: list[Pick], workspace: Workspace, seconds: float, rng: np.random.Generator
) -> MinimumJerk:
    """Chain the picks of one hand; while it waits for its turn it wanders, as a person's hand does."""
    times, values = [0.0], [_waiting_place(side, rng)]

    def wait(until_s: float) -> None:
        moves = int((until_s - times[-1]) / WANDER_S)
        for time_s in np.linspace(times[-1], until_s, moves + 1)[1:]:
            times.append(float(time_s))
            values.append(_waiting_place(side, rng))

    for pick in (pick for pick in picks if pick.part.side == side):
        wait(pick.start_s)
        for share, value in _pick_waypoints(pick, workspace, _waiting_place(side, rng)):
            times.append(pick.start_s + share * pick.cycle_s)
            values.append(value)
    wait(seconds)
    return MinimumJerk(times, values)


def _waiting_place(side: Side, rng: np.random.Generator) -> Vector:
    """Draw x y z yaw opening near the hand's home."""
    position_m = HOME_M * [1, SIGN[side], 1] + rng.uniform(-1, 1, 3) * WANDER_M
    return np.array([*position_m, rng.uniform(-0.25, 0.25), HALF_OPEN_M])


def _pick_waypoints(pick: Pick, workspace: Workspace, after: Vector) -> list[tuple[float, Vector]]:
    """Return (share of the cycle, x y z yaw opening) of one pick; over the bin from 0.58 to 0.93."""
    half_m = max(workspace.half_heights_m[pick.part.name], TIP_BELOW_GRIP_M)
    x, y, _ = pick.part.position_m
    yaw = pick.part.yaw_rad
    grasp_z, above_z = workspace.table_z_m + half_m, workspace.table_z_m + 0.13
    drop_x, drop_y, _ = pick.drop_m
    drop_z, high_z = workspace.rim_z_m + half_m, workspace.rim_z_m + 0.12
    return [
        (0.20, np.array([x, y, above_z, yaw, OPEN_M])),
        (0.30, np.array([x, y, grasp_z, yaw, OPEN_M])),
        (0.32, np.array([x, y, grasp_z, yaw, OPEN_M])),
        (0.38, np.array([x, y, grasp_z, yaw, CLOSED_M])),
        (0.41, np.array([x, y, grasp_z, yaw, CLOSED_M])),
        (0.51, np.array([x, y, high_z, yaw, CLOSED_M])),
        (0.69, np.array([drop_x, drop_y, high_z, 0.0, CLOSED_M])),
        (0.75, np.array([drop_x, drop_y, drop_z, 0.0, CLOSED_M])),
        (0.77, np.array([drop_x, drop_y, drop_z, 0.0, CLOSED_M])),
        (0.81, np.array([drop_x, drop_y, drop_z, 0.0, HALF_OPEN_M])),
        (0.86, np.array([drop_x, drop_y, high_z, 0.0, HALF_OPEN_M])),
        (1.0, after),
    ]


def _gaze_path(picks: list[Pick], workspace: Workspace) -> MinimumJerk:
    """Look halfway towards the part that is next, then halfway towards the bin."""
    times, values = [0.0], [GAZE_HOME_M]
    for pick in picks:
        for share, point in ((0.26, pick.part.position_m), (0.42, pick.part.position_m), (0.6, workspace.bin_m)):
            times.append(pick.start_s + share * pick.cycle_s)
            values.append((GAZE_HOME_M + point) / 2)
    return MinimumJerk(times, values)
