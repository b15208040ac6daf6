"""How each stream is matched, and what the steps stand on: read from one TOML file. Pure but for the reading.

anchor = "/head/color"   # a stream; without it: the fastest color stream, else steps at rate_hz
rate_hz = 30             # of steps without an anchor; with anchor = "" also beside a camera
deadline_ms = 150

[kind.joints]            # for all streams of a kind
match = "linear"         # nearest, linear, slerp or hold
max_gap_periods = 3      # nothing is matched across more

[stream."/left/wrist"]   # for one stream, over its kind's
tolerance_ms = 20        # a frame farther from its step is no match
required = false         # steps are complete without it
reorder_ms = 50          # a frame that comes so much later than one behind it still finds its step
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from saltwell.contracts.identity import StreamKind
from saltwell.contracts.timeline import StreamDeclared
from saltwell.errors import StopError

Matching = Literal["nearest", "linear", "slerp", "hold"]

DEADLINE_NS = 150_000_000
"""A step goes out at the latest this long after its anchor frame arrived, by the edge clock (facts, section 2)."""

MAX_GAP_PERIODS = 3.0
"""Nothing is interpolated or held across a gap of more periods (facts, section 2)."""

REORDER_NS = 50_000_000
"""How long a hole in the numbers keeps a step waiting: half the time from a step's frame to its deadline is left."""

RATE_HZ = 30.0

_MAX_BYTES = 1024 * 1024
_NS_PER_MS = 1_000_000
_MOST = {"deadline_ms": 10_000.0, "rate_hz": 1000.0, "max_gap_periods": 1000.0, "tolerance_ms": 1e4, "reorder_ms": 1e4}


@dataclass(frozen=True, slots=True)
class Policy:
    """How one stream is matched. `tolerance_ns` 0 = only the gap counts."""

    match: Matching = "nearest"
    max_gap_periods: float = MAX_GAP_PERIODS
    tolerance_ns: int = 0
    required: bool = True
    reorder_ns: int = REORDER_NS


@dataclass(frozen=True, slots=True)
class Policies:
    """What to do with every stream. `anchor` None = choose; empty = none, steps at a fixed rate."""

    anchor: str | None = None
    rate_hz: float = RATE_HZ
    deadline_ns: int = DEADLINE_NS
    kinds: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    streams: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def of(self, stream: StreamDeclared) -> Policy:
        """A stream's own settings, over its kind's, over what the producer declared."""
        declared: Matching = stream.match if stream.match in get_args(Matching) else "nearest"  # type: ignore[assignment] # the check is before it
        policy = Policy(match=declared, required=stream.kind != "other")
        return replace(policy, **{**self.kinds.get(stream.kind, {}), **self.streams.get(stream.name, {})})


def load_policies(path: Path) -> Policies:
    """Policies of a file; StopError that names the place and the value when it is not valid."""
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise StopError(f"{path}: policies are larger than {_MAX_BYTES} bytes")
        return _policies(tomllib.loads(data.decode()))
    except (OSError, ValueError, RecursionError) as error:
        raise StopError(f"{path}: not valid policies: {error}") from error


def _policies(parsed: dict[str, Any]) -> Policies:
    _only(parsed, {"anchor", "rate_hz", "deadline_ms", "kind", "stream"}, "the file")
    kinds, streams = _tables(parsed, "kind"), _tables(parsed, "stream")
    if unknown := kinds.keys() - set(get_args(StreamKind)):
        raise ValueError(f"kind {min(unknown)!r}; use {', '.join(get_args(StreamKind))}")
    anchor = parsed.get("anchor")
    if anchor is not None and not isinstance(anchor, str):
        raise ValueError(f"anchor = {anchor!r} is no name")
    return Policies(
        anchor=anchor,
        rate_hz=_number(parsed, "rate_hz", RATE_HZ, least=0.1),
        deadline_ns=round(_number(parsed, "deadline_ms", DEADLINE_NS / _NS_PER_MS) * _NS_PER_MS),
        kinds={name: _settings(table, f"kind {name}") for name, table in kinds.items()},
        streams={name: _settings(table, f"stream {name}") for name, table in streams.items()},
    )


def _tables(parsed: dict[str, Any], name: str) -> dict[str, dict[str, Any]]:
    tables = parsed.get(name, {})
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise ValueError(f"{name} is no table of tables")
    return tables


def _settings(table: dict[str, Any], where: str) -> dict[str, Any]:
    _only(table, {"match", "max_gap_periods", "tolerance_ms", "required", "reorder_ms"}, where)
    settings: dict[str, Any] = {}
    if "match" in table:
        if table["match"] not in get_args(Matching):
            raise ValueError(f"{where}: match = {table['match']!r}; use {', '.join(get_args(Matching))}")
        settings["match"] = table["match"]
    if "required" in table:
        if not isinstance(table["required"], bool):
            raise ValueError(f"{where}: required = {table['required']!r}; use true or false")
        settings["required"] = table["required"]
    if "max_gap_periods" in table:
        settings["max_gap_periods"] = _number(table, "max_gap_periods", 0)
    for name in ("tolerance", "reorder"):
        if f"{name}_ms" in table:
            settings[f"{name}_ns"] = round(_number(table, f"{name}_ms", 0) * _NS_PER_MS)
    return settings


def _number(table: dict[str, Any], name: str, default: float, *, least: float = 0.0) -> float:
    value = table.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} = {value!r} is no number")
    if not least <= value <= _MOST[name]:
        raise ValueError(f"{name} = {value}; use {least:g} to {_MOST[name]:g}")
    return float(value)


def _only(table: dict[str, Any], known: set[str], where: str) -> None:
    if unknown := table.keys() - known:
        raise ValueError(f"{where} has {min(unknown)!r}; use {', '.join(sorted(known))}")
