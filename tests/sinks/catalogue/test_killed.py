"""A writer killed at any request that changes the store: the next life makes the catalogue agree with the markers."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from sinks.catalogue.catalogue import Catalogue
from sinks.catalogue.query import find
from sinks.episodes.finished import list_episodes

DEADLINE_S = 150
MOST_WRITES = 60

LIVES = """
import os, sys
from saltwell.contracts.results import Review
from sinks.catalogue import table
from sinks.catalogue.catalogue import Catalogue
from sinks.store import open_store

def live(url):
    catalogue = Catalogue(open_store(url))
    catalogue.create()
    catalogue.add_episodes(["e0", "e1"])
    catalogue.add_reviews([Review("zigong", "g1-04", "e1", "ana", 1_000, "reject", "", "")])
    catalogue.add_episodes(["e2"])
    table._KEPT_HOURS = 0  # so that there is something to remove
    catalogue.compact()
    catalogue.add_missing(lambda: None)

for url in sys.stdin:
    if (child := os.fork()) == 0:
        sys.stdin.close()
        live(url.strip())
        os._exit(0)
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""


@pytest.fixture
def lives() -> Iterator[subprocess.Popen[str]]:
    """Lives the life of a writer for each URL it is given; says its process id, then how it ended. Imports once."""
    process = subprocess.Popen([sys.executable, "-c", LIVES], stdin=-1, stdout=-1, text=True)
    yield process
    process.kill()
    process.wait(DEADLINE_S)


def test_a_writer_killed_at_any_request_leaves_what_the_next_life_makes_whole(
    faulty_s3: Any, lives: subprocess.Popen[str], finish: Any, review_of: Any
) -> None:
    store = faulty_s3.store
    for number in range(4):
        finish(store, f"e{number}")
    states = set()
    for number in range(MOST_WRITES):
        status = live(faulty_s3, lives, die_at=number)
        states.add(rows_now(store))

        after = Catalogue(store)
        after.create()
        after.add_reviews([review_of("e1", "reject")])
        after.add_missing(lambda: None)

        found = find(after)
        assert sorted(row["episode"] for row in found.objects()) == sorted(list_episodes(store))
        assert [row["episode"] for row in found.objects() if row["decision"] == "reject"] == ["e1"]
        if status == 0:
            break
        assert status == signal.SIGKILL
        after.episodes.remove()
        after.reviews.remove()
    assert status == 0, "it never lived to its end"
    assert number > 8
    assert states == {None, 0, 2, 3, 4}  # it did die between all of them


def live(faulty_s3: Any, lives: subprocess.Popen[str], *, die_at: int) -> int:
    """One life, killed before its `die_at`-th request that changes the store; how it ended."""
    writes, dying, known = [0], threading.Event(), threading.Event()
    pid = 0

    def behave(request: Any) -> tuple[int, str] | None:
        if request.method in ("GET", "HEAD"):
            return (0, "") if dying.is_set() else None
        writes[0] += 1
        if writes[0] <= die_at and not dying.is_set():
            return None
        dying.set()
        known.wait(DEADLINE_S)
        os.kill(pid, signal.SIGKILL)
        return (0, "")

    faulty_s3.behave = behave
    assert lives.stdin
    assert lives.stdout
    lives.stdin.write(f"{faulty_s3.store.url}\n")
    lives.stdin.flush()
    pid = int(lives.stdout.readline())
    known.set()
    status = int(lives.stdout.readline())
    faulty_s3.behave = lambda _: None
    return status


def rows_now(store: Any) -> int | None:
    catalogue = Catalogue(store)
    return catalogue.episodes.count() if catalogue.read() else None
