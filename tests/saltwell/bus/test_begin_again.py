"""A processor whose broker is away begins again and again, and is not taken for stuck."""

import pytest

from processors.score.processor import Score
from saltwell.bus import runner
from saltwell.bus.session import Session
from saltwell.contracts.codec import Codec
from saltwell.errors import RetryError

NO_BROKER = "127.0.0.1:1"
TRIES = 3


def test_the_loop_goes_round_while_no_broker_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting for the client's own limit would take 10 s a try."""

    def start(_: Session) -> None:
        raise RetryError("transaction: timed out")

    monkeypatch.setattr(Session, "start", start)
    monkeypatch.setattr(runner, "_BACKOFF_S", 0.0)
    ticks: list[int] = []
    runner.run(
        Score(),
        Codec(),
        bootstrap=NO_BROKER,
        instance="one",
        stopping=lambda: len(ticks) == TRIES,
        on_ready=lambda: None,
        on_tick=lambda: ticks.append(1),
    )
    assert len(ticks) == TRIES
