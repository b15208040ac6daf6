"""A robot's limits by joint, and how far its samples go beyond them. Pure, but for reading the file.

Messages do not carry limits, so they come from a file that the robot's maker can fill from its model.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from processors.score.held import Runs
from saltwell.contracts.columns import Float64s, Int64s
from saltwell.errors import StopError

METRICS: tuple[str, ...] = ("beyond_limit", "beyond_limit_joint", "saturated_ms", "saturated_joint")

SATURATED = 0.98
"""Share of the torque limit at which a drive gives all it has (facts, section 4)."""

_MAX_BYTES = 1024 * 1024


class LimitScore(NamedTuple):
    """Metrics of one block against the limits; NaN = none is known. Joints count from 0 in the block's order.

    `beyond_limit`, `beyond_limit_joint`: how far a position lies outside its limits, rad (m for a sliding joint).
    `saturated_ms`, `saturated_joint`: longest run of a torque at 98 % of its limit or more that ends in the block.
    """

    beyond_limit: float
    beyond_limit_joint: float
    saturated_ms: float
    saturated_joint: float


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one joint: positions in rad (m), torque in Nm (N); infinite = not known."""

    lowest: float = -np.inf
    highest: float = np.inf
    torque_nm: float = np.inf


class LimitScorer:
    """Scores the blocks of one joint stream in order."""

    def __init__(self, limits: Mapping[str, Limits]) -> None:
        self._limits = limits
        self._saturated = Runs()

    def score(self, names: Sequence[str], captured_ns: Int64s, position: Float64s, torque: Float64s) -> LimitScore:
        """Score the next block: j names; (n,) int64; (n, j) float64 each, (n, 0) where not given."""
        if not self._limits:
            return _NOTHING_KNOWN
        of = [self._limits.get(name, _UNKNOWN) for name in names]
        known = any(one is not _UNKNOWN for one in of)
        beyond, beyond_joint = np.nan, np.nan
        if known and position.shape[1] == len(of) and len(position):
            outside = np.fmax(np.array([o.lowest for o in of]) - position, position - np.array([o.highest for o in of]))
            worst = np.fmax.reduce(outside, axis=0)
            beyond, beyond_joint = max(0.0, float(np.fmax.reduce(worst))), float(np.argmax(np.nan_to_num(worst)))
        saturated_ms, saturated_joint = np.nan, np.nan
        if known and torque.shape[1] == len(of):
            limit_nm = np.array([o.torque_nm for o in of])
            saturated_ms, saturated_joint = self._saturated.longest_ms(
                captured_ns, np.abs(torque) >= SATURATED * limit_nm
            )
        return LimitScore(beyond, beyond_joint, saturated_ms, saturated_joint)


_UNKNOWN = Limits()
_NOTHING_KNOWN = LimitScore(np.nan, np.nan, np.nan, np.nan)


def load_limits(path: Path) -> dict[str, Limits]:
    """Limits by joint name of a TOML file; StopError in one line when it is not valid.

    [joint.left_elbow]
    position = [-1.0, 2.0]
    torque_nm = 50
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise StopError(f"{path}: limits are larger than {_MAX_BYTES} bytes")
        return {name: _limits(entry) for name, entry in tomllib.loads(data.decode())["joint"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StopError(f"{path}: no valid limits: {error}; see processors/score/limits.py for the form") from error


def _limits(entry: Mapping[str, Any]) -> Limits:
    if unknown := entry.keys() - {"position", "torque_nm"}:
        raise ValueError(f"{', '.join(sorted(unknown))} is not known")
    lowest, highest = entry.get("position", (-np.inf, np.inf))
    limits = Limits(float(lowest), float(highest), float(entry.get("torque_nm", np.inf)))
    if not (limits.lowest < limits.highest and limits.torque_nm > 0):
        raise ValueError(f"limits {lowest}..{highest} and {limits.torque_nm} Nm make no range")
    return limits
