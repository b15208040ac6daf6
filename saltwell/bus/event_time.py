"""The time of the record that an output follows from, carried along in a header. Pure.

Topics of different stages (frames, their scores, the verdict) are read in step by it; the time at which a score was
appended says nothing of which frames it belongs beside when the scorer was down for an hour.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress

_HEADER = "saltwell-event-ms"

Headers = Mapping[str, bytes | str | None] | Sequence[tuple[str, bytes | str | None]]


def event_time_header(event_ms: int) -> list[tuple[str, bytes]]:
    """The header that hands the time on."""
    return [(_HEADER, str(event_ms).encode())]


def event_ms(headers: Headers | None, *, appended_ms: int) -> int:
    """The time in the headers, from 1970 to when the record was appended; that time itself where none stands there."""
    with suppress(KeyError, ValueError, TypeError):
        return max(0, min(int(dict(headers or ())[_HEADER]), appended_ms))  # type: ignore[arg-type] # None is suppressed
    return appended_ms
