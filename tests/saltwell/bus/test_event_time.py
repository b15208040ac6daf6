from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saltwell.bus.event_time import event_ms, event_time_header
from saltwell.bus.pacing import Pace
from saltwell.bus.reading import raw_of


def test_the_time_is_handed_on() -> None:
    assert event_ms(event_time_header(1234), appended_ms=9_999) == 1234


@pytest.mark.parametrize(
    "headers",
    [None, [], {}, [("other", b"1")], [("saltwell-event-ms", None)], [("saltwell-event-ms", b"soon")]],
)
def test_without_a_readable_time_it_is_when_the_record_was_appended(headers) -> None:
    assert event_ms(headers, appended_ms=77) == 77


def test_nothing_follows_from_what_was_appended_later() -> None:
    """A time in the future would hold its topic back until all others have come that far."""
    assert event_ms(event_time_header(10**18), appended_ms=77) == 77


@given(st.one_of(st.binary(max_size=20), st.integers().map(lambda n: str(n).encode()), st.just(b"-" + b"9" * 400)))
def test_no_header_stops_a_shard(value: bytes) -> None:
    pace = Pace(["scores", "timeline"])
    pace.read("timeline", 9_999)
    pace.read("scores", event_ms([("saltwell-event-ms", value)], appended_ms=9_999))
    pace.read("timeline", 10_000)
    assert pace.paused() <= {"timeline"}


class Message:
    """As the client gives one of which a header's name is no UTF-8."""

    def headers(self) -> Any:
        raise SystemError("<method 'headers'> returned a result with an exception set")

    def timestamp(self) -> tuple[int, int]:
        return 2, 77

    def topic(self) -> str:
        return "timeline"

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return 5

    def key(self) -> bytes:
        return b"robot"

    value = key


def test_a_header_whose_name_is_no_text_stops_nobody() -> None:
    assert raw_of(Message()).event_ms == 77
