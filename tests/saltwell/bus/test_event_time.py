import pytest

from saltwell.bus.event_time import event_ms, event_time_header


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
