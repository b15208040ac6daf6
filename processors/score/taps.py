"""The median of seven neighbours: what a value is compared with to find excursions."""

import numpy as np

from saltwell.contracts.columns import Float64s

TAPS = 7
HALF = TAPS // 2
"""An excursion of up to this many taps can't move the median; a step or a ramp takes it along."""


def centre(values: Float64s, *, spacing: int) -> Float64s:
    """Return the rows that have all their taps: (m, ...) to (m - 6 spacing, ...), none when m is too small."""
    return values[HALF * spacing : max(HALF * spacing, len(values) - HALF * spacing)]


def median(values: Float64s, *, spacing: int) -> Float64s:
    """Return, for each row of `centre`, the median of 7 values `spacing` rows apart, itself in the middle.

    NaN counts as the largest value, so up to three of them in a window are outvoted.
    """
    rows = len(centre(values, spacing=spacing))
    taps = np.stack([values[tap * spacing : tap * spacing + rows] for tap in range(TAPS)])
    return np.asarray(np.partition(taps, HALF, axis=0)[HALF])
