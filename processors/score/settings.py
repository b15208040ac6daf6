"""What can be set about the scorer."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from processors.score.limits import Limits

DEAR_HZ = 10.0
"""Metrics that change slowly or cost much are measured so often, not on every frame."""

SHAPE_HZ = 2.0
"""The shape of a cloud (density, sectors, ranges) costs as much as all its other metrics; rooms change slowly."""


@dataclass(frozen=True, slots=True)
class ScoreSettings:
    """How often the dear metrics are measured, and the limits of joints by their names."""

    dear_hz: float = DEAR_HZ
    shape_hz: float = SHAPE_HZ
    limits: Mapping[str, Limits] = field(default_factory=dict)
