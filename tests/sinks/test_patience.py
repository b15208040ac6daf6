import logging
from itertools import pairwise

import pytest

from saltwell.errors import RetryError, StopError
from sinks import patience
from sinks.patience import patiently


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made, none of which takes time."""
    made: list[float] = []
    monkeypatch.setattr(patience.time, "sleep", made.append)
    return made


def test_what_succeeds_later_succeeds(pauses: list[float], caplog: pytest.LogCaptureFixture) -> None:
    answers = iter([RetryError("busy"), RetryError("still busy"), "stored"])

    def call(key: str) -> str:
        answer = next(answers)
        if isinstance(answer, RetryError):
            raise answer
        return f"{key} {answer}"

    with caplog.at_level(logging.WARNING):
        assert patiently(call, "a") == "a stored"
    assert len(pauses) == 2
    assert [record.message for record in caplog.records] == ["busy; next try in 1 s", "still busy; next try in 2 s"]


def test_patience_ends_after_about_a_minute_with_the_last_error(pauses: list[float]) -> None:
    def call() -> None:
        raise RetryError(f"try {len(pauses)}")

    with pytest.raises(RetryError, match="try 6"):
        patiently(call)
    assert 45 < sum(pauses) < 80
    assert all(later > earlier for earlier, later in pairwise(pauses))


def test_what_a_person_must_mend_is_not_waited_for(pauses: list[float]) -> None:
    def call() -> None:
        raise StopError("no such bucket")

    with pytest.raises(StopError):
        patiently(call)
    assert pauses == []
