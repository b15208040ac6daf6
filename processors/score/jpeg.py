"""How coarsely a JPEG was quantised, read from its header."""

import math

_DQT, _SOS = 0xDB, 0xDA
_TABLE = 64
_HIGH = 256  # of a two-byte value's first byte
_SEARCHED_BYTES = 64 * 1024


def mean_quantisation(payload: bytes) -> float:
    """Mean of the luma quantisation table, 1 = best (Annex K of ITU-T T.81: 57.6 at quality 50); NaN without one."""
    at = 2
    while at + 4 <= min(len(payload), _SEARCHED_BYTES) and payload[at] == 0xFF:  # noqa: PLR2004  # a marker
        marker, size = payload[at + 1], int.from_bytes(payload[at + 2 : at + 4], "big")
        if marker == _SOS:
            break
        if marker == _DQT:
            return _mean_of_table(payload[at + 4 : at + 2 + size])
        at += 2 + size
    return math.nan


def _mean_of_table(segment: bytes) -> float:
    """Mean of a segment's first table; the luma table comes first in every encoder known to us."""
    item = 2 if segment[:1] and segment[0] >> 4 else 1
    values = segment[1 : 1 + _TABLE * item]
    if len(values) < _TABLE * item:
        return math.nan
    return sum(values) / _TABLE if item == 1 else (_HIGH * sum(values[::2]) + sum(values[1::2])) / _TABLE
