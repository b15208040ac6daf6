"""Shares with their uncertainty."""

import math

_Z = 1.96  # 95 %


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """95 % interval of a share. Wilson, "Probable inference", J. Am. Stat. Assoc. 22, 1927."""
    if not trials:
        return 0.0, 1.0
    share = hits / trials
    middle = (share + _Z**2 / (2 * trials)) / (1 + _Z**2 / trials)
    half = _Z / (1 + _Z**2 / trials) * math.sqrt(share * (1 - share) / trials + _Z**2 / (4 * trials**2))
    return max(0.0, middle - half), min(1.0, middle + half)
