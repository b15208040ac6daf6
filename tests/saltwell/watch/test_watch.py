import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from saltwell.contracts.results import Reason, Verdict
from saltwell.errors import StopError
from saltwell.watch import board as board_module
from saltwell.watch.board import LATEST, Board
from saltwell.watch.server import serve_verdicts
from saltwell.watch.wording import verdict_lines, verdict_object

TIMEOUT_S = 150


def _reason(severity: str, text: str) -> Reason:
    return Reason(text, "/s", severity, 1.0, 0.0, "", 0, 0, text)


def _verdict(episode: str, robot: str = "g1", *reasons: Reason) -> Verdict:
    return Verdict("zigong", robot, episode, "review" if reasons else "accept", reasons, "7", ())


def _events(port: int, query: str = "") -> Iterator[dict[str, Any]]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/verdicts{query}", timeout=TIMEOUT_S) as stream:
        for line in stream:
            if line.startswith(b"data: "):
                yield json.loads(line.removeprefix(b"data: "))


def test_the_worst_reason_is_read_first() -> None:
    verdict = _verdict("take", "g1", _reason("note", "aside"), _reason("reject", "bad"), _reason("review", "so so"))
    assert [r["text"] for r in verdict_object(verdict)["reasons"]] == ["bad", "so so", "aside"]
    assert verdict_lines(verdict) == [
        "REVIEW  g1  take",
        "        bad",
        "        so so",
        "        aside",
    ]


def test_whoever_comes_later_sees_the_latest_verdicts_and_then_the_next() -> None:
    board = Board()
    for i in range(LATEST + 1):
        board.post(_verdict(f"take-{i}"))
    events = _events(serve_verdicts(board, 0))
    seen = [next(events)["episode"] for _ in range(LATEST)]
    assert seen == [f"take-{i}" for i in range(1, LATEST + 1)]
    board.post(_verdict("next"))
    assert next(events)["episode"] == "next"


def test_a_screen_beside_a_robot_sees_that_robot_only() -> None:
    board = Board()
    for robot in ("g1", "g2", "g1"):
        board.post(_verdict(f"take-of-{robot}", robot))
    events = _events(serve_verdicts(board, 0), "?robot=g2")
    assert next(events)["robot"] == "g2"
    board.post(_verdict("more", "g1"))
    board.post(_verdict("last", "g2"))
    assert next(events)["episode"] == "last"


def test_a_watcher_that_fell_asleep_does_not_hold_the_others_up() -> None:
    board = Board()
    with board.watch() as asleep:
        assert asleep is not None
        for i in range(1_000):
            board.post(_verdict(str(i)))
        assert not board.watches(asleep)
        assert asleep.qsize() < 1_000


def test_watchers_are_bounded(monkeypatch) -> None:
    monkeypatch.setattr(board_module, "MAX_WATCHERS", 1)
    board = Board()
    port = serve_verdicts(board, 0)
    with board.watch(), pytest.raises(urllib.error.HTTPError, match="503"):
        next(_events(port))


def test_the_page_is_served_and_nothing_else() -> None:
    port = serve_verdicts(Board(), 0)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=TIMEOUT_S) as page:
        assert b"EventSource" in page.read()
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/etc/passwd", timeout=TIMEOUT_S)


def test_a_taken_port_is_said_in_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        with pytest.raises(StopError, match="is taken; pass another --serve"):
            serve_verdicts(Board(), taken.getsockname()[1])
