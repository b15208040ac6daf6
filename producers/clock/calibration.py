"""What is known of sensors beforehand: their least latency, and where their stamps come from.

A TOML file, by stream name:

    ["/head/color"]
    latency_ms = 30.0      # from the middle of the exposure to the receipt, without queues

    ["/torso/points"]
    stamps = "hardware"    # PTP or a trigger: used as they are

    ["/wrist/color"]
    stamps = "derived"     # nobody measured them: frame number / rate
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from saltwell.errors import StopError

_MAX_BYTES = 1024 * 1024
_MAX_LATENCY_MS = 10_000.0
_NS_PER_MS = 1_000_000


Stamps = Literal["sensor", "hardware", "derived"]


@dataclass(frozen=True, slots=True)
class SensorCalibration:
    """One stream's least latency, and who made its stamps; those of hardware and derived ones are used as they are."""

    latency_ns: int = 0
    stamps: Stamps = "sensor"


DERIVED = SensorCalibration(stamps="derived")
"""Of a stream whose times are made from frame numbers."""


Calibration = Mapping[str, SensorCalibration]


def load_calibration(path: Path) -> Calibration:
    """Calibration by stream name; StopError that names the stream and the value when the file is not valid."""
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise StopError(f"{path}: calibration is larger than {_MAX_BYTES} bytes")
        parsed = tomllib.loads(data.decode())
        return {stream: _sensor(stream, entry) for stream, entry in parsed.items()}
    except (OSError, ValueError, RecursionError) as error:
        raise StopError(f"{path}: not a valid calibration: {error}") from error


def _sensor(stream: str, entry: Any) -> SensorCalibration:
    if not isinstance(entry, dict) or not entry or entry.keys() - {"latency_ms", "stamps"}:
        raise ValueError(f'{stream}: give latency_ms = NUMBER, or stamps = "hardware" or "derived"')
    stamps = entry.get("stamps", "sensor")
    if stamps not in get_args(Stamps):
        raise ValueError(f"{stream}: stamps = {stamps!r}; use one of {', '.join(get_args(Stamps))}")
    latency_ms = entry.get("latency_ms", 0.0)
    if not isinstance(latency_ms, int | float) or isinstance(latency_ms, bool) or not math.isfinite(latency_ms):
        raise ValueError(f"{stream}: latency_ms = {latency_ms!r} is no number")
    if not 0 <= latency_ms <= _MAX_LATENCY_MS:
        raise ValueError(f"{stream}: latency_ms = {latency_ms}; use 0 to {_MAX_LATENCY_MS:.0f}")
    if stamps == "sensor" and "latency_ms" not in entry:
        raise ValueError(f"{stream}: sensor stamps need a latency_ms")
    return SensorCalibration(round(latency_ms * _NS_PER_MS), stamps)
