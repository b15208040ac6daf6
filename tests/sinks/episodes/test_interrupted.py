"""A process that brings an episode into the store is killed wherever it can be: nothing torn, nothing lost."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from saltwell.errors import RetryError
from sinks import patience
from sinks.episodes.commit import ConflictError, commit
from sinks.episodes.finished import list_episodes, load_episode
from sinks.episodes.verify import verify
from sinks.leftovers import leftovers, sweep
from sinks.store import Store, open_store

MakeTake = Callable[..., Any]

TWO_PARTS = {"image_bytes": 300_000}  # 9 MB
MOST_OPERATIONS = 70
CHILD_S = 150

Answer = tuple[int, str]
DROP: Answer = (0, "")  # the connection is closed instead

DYING = """
import io, os, pathlib, signal, sys
from sinks.episodes.commit import ConflictError, commit
from sinks.episodes.manifest import Manifest
from sinks.store import Store, open_store

url, manifest, archive = sys.argv[1:]
at, points = -1, 0

def point():
    global points
    if points == at:
        os.kill(os.getpid(), signal.SIGKILL)
    points += 1

def watched(owner, name):
    real = getattr(owner, name)
    def call(*args, **kwargs):
        point()
        try:
            return real(*args, **kwargs)
        finally:
            point()
    setattr(owner, name, call)

class Watched(io.BytesIO):
    def read(self, *size):
        point()
        return super().read(*size)

for owner, name in ((Store, "get"), (Store, "put"), (Store, "put_file"), (Store, "create"), (os, "fsync"),
                    (pathlib.Path, "hardlink_to"), (pathlib.Path, "unlink")):
    watched(owner, name)

def life(place):
    store = open_store(f"{url}/{place}", create=True)
    try:
        commit(store, Manifest.parse(pathlib.Path(manifest).read_bytes()), Watched(pathlib.Path(archive).read_bytes()))
    except ConflictError:
        pass

def child(number, place):
    global at
    at = number
    if not (pid := os.fork()):
        life(place)
        os.write(1, b"%d\\n" % points)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

number = 0
while child(number, f"died-at-{number}") == -signal.SIGKILL:
    number += 1
"""


def died_everywhere(url: str, take: Any, folder: Path) -> int:
    """Let a process commit the take and die, at each of its operations; gives how many there are.

    The store it used when it died at the n-th is `died-at-n` below the URL.
    """
    manifest = folder / "manifest"
    manifest.write_bytes(take.manifest.encode())
    done = subprocess.run(
        [sys.executable, "-c", DYING, url, manifest, take.path], capture_output=True, check=True, timeout=300
    )
    return int(done.stdout)


def contents(store: Store) -> dict[str, bytes]:
    return {key: store.get(key) for folder in ("episodes", "finished", "conflicts") for key in store.list(folder)}


def assert_none_or_whole(store: Store, episode: str) -> None:
    assert set(list_episodes(store)) <= {episode}
    for visible in list_episodes(store):
        assert verify(store, visible).problems == ()


def test_a_process_killed_at_any_operation_leaves_no_episode_or_a_whole_one(
    store: Store, make_take: MakeTake, tmp_path: Path
) -> None:
    take = make_take(**TWO_PARTS)
    whole = open_store(f"{store.url}/whole", create=True)
    commit(whole, take.manifest, take.file)

    operations = died_everywhere(store.url, take, tmp_path)

    assert operations > 10
    seen = []
    for number in range(operations):
        survived = open_store(f"{store.url}/died-at-{number}", create=True)
        assert_none_or_whole(survived, take.manifest.episode)
        seen.append(len(contents(survived)))
        commit(survived, take.manifest, take.file)  # the next life
        assert contents(survived) == contents(whole)
    assert sorted(set(seen)) == [0, 1, 2, 3]  # nothing, data, manifest, marker: it did die between all of them


def test_a_conflict_interrupted_at_any_operation_spoils_nothing_and_is_told_by_the_next_life(
    store: Store, make_take: MakeTake, tmp_path: Path
) -> None:
    kept, other = make_take(), make_take(frames=20)
    for number in range(MOST_OPERATIONS):
        commit(open_store(f"{store.url}/died-at-{number}", create=True), kept.manifest, kept.file)
    before = contents(open_store(f"{store.url}/died-at-0"))

    operations = died_everywhere(store.url, other, tmp_path)

    assert 10 < operations < MOST_OPERATIONS
    for number in range(operations):
        survived = open_store(f"{store.url}/died-at-{number}")
        assert before.items() <= contents(survived).items()
        assert load_episode(survived, kept.manifest.episode).manifest == kept.manifest
        with pytest.raises(ConflictError):
            commit(survived, other.manifest, other.file)
        assert before.items() <= contents(survived).items()
        assert len(contents(survived)) == len(before) + 3  # file, manifest, note


def test_what_dead_processes_left_behind_is_swept_and_nothing_else(
    store: Store, make_take: MakeTake, tmp_path: Path
) -> None:
    take = make_take(**TWO_PARTS)
    operations = died_everywhere(store.url, take, tmp_path)
    stores = [open_store(f"{store.url}/died-at-{number}", create=True) for number in range(operations)]
    left = [{one.key for one in leftovers(survived)} for survived in stores]
    before = [contents(survived) for survived in stores]

    assert any(key.endswith("/episode.mcap") for keys in left for key in keys)
    assert [sweep(survived) for survived in stores] == [[]] * operations  # they may be a living writer's
    assert [set(sweep(survived, older_than_s=0)) for survived in stores] == left
    assert [list(leftovers(survived)) for survived in stores] == [[]] * operations
    assert [contents(survived) for survived in stores] == before


COMMITTING = """
import sys
from pathlib import Path
from sinks.episodes.commit import commit
from sinks.episodes.manifest import Manifest
from sinks.store import open_store

url, manifest, archive = sys.argv[1:]
with open(archive, "rb") as file:
    commit(open_store(url), Manifest.parse(Path(manifest).read_bytes()), file)
"""

REQUESTS = ["get", "get", "begin", "part", "part", "complete", "put", "put"]


@pytest.mark.parametrize("answered", [False, True], ids=["before-it-is-done", "once-it-is-done"])
@pytest.mark.parametrize("number", range(len(REQUESTS)), ids=[f"{n}-{kind}" for n, kind in enumerate(REQUESTS)])
def test_a_process_killed_at_any_request_to_s3_leaves_no_episode_or_a_whole_one(
    faulty_s3: Any,
    make_take: MakeTake,
    tmp_path: Path,
    number: int,
    answered: bool,  # noqa: FBT001 - pytest passes by name
) -> None:
    take = make_take(**TWO_PARTS)
    (tmp_path / "manifest").write_bytes(take.manifest.encode())
    began = threading.Event()

    def die(request: Any) -> Answer | None:
        began.wait(CHILD_S)
        if len(faulty_s3.kinds) - 1 < number:
            return None
        if answered and len(faulty_s3.kinds) - 1 == number:
            request.forward()
        child.kill()
        return DROP

    faulty_s3.behave = die
    child = subprocess.Popen([sys.executable, "-c", COMMITTING, faulty_s3.store.url, tmp_path / "manifest", take.path])
    began.set()
    assert child.wait(CHILD_S) == -signal.SIGKILL
    assert sorted(faulty_s3.kinds[: number + 1]) == sorted(REQUESTS[: number + 1])
    faulty_s3.behave = lambda _: None

    assert_none_or_whole(faulty_s3.store, take.manifest.episode)
    assert len(list(list_episodes(faulty_s3.store))) == (number == len(REQUESTS) - 1 and answered)
    commit(faulty_s3.store, take.manifest, take.file)
    assert verify(faulty_s3.store, take.manifest.episode).problems == ()
    assert len(contents(faulty_s3.store)) == 3


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PAUSES_S", (0.01,) * 3)


def nth(kind: str, answer: Answer, *, done: bool, times: int = 1) -> Callable[[Any], Answer | None]:
    """Answer so to the first requests of a kind; `done` = the server did what it was asked."""
    left = [times]

    def behave(request: Any) -> Answer | None:
        if request.kind != kind or not left[0]:
            return None
        left[0] -= 1
        if done:
            request.forward()
        return answer

    return behave


ANSWERS = [
    (500, "InternalError"),
    (503, "SlowDown"),
    (409, "ConditionalRequestConflict"),
    (409, "OperationAborted"),
    (429, "TooManyRequests"),
    (400, "RequestTimeout"),
    (404, "NoSuchUpload"),
    DROP,
]


@pytest.mark.parametrize("done", [False, True], ids=["nothing-written", "written"])
@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer[1] or "no-answer")
def test_one_bad_answer_at_any_step_changes_nothing(
    faulty_s3: Any,
    make_take: MakeTake,
    quick: None,
    answer: Answer,
    done: bool,  # noqa: FBT001 - pytest passes by name
) -> None:
    for kind in ("begin", "part", "complete", "put"):
        if answer[1] == "NoSuchUpload" and kind in ("begin", "put"):
            continue
        take = make_take(episode=f"after-{kind}", **TWO_PARTS)
        faulty_s3.behave = nth(kind, answer, done=done)

        marker = commit(faulty_s3.store, take.manifest, take.file)

        assert load_episode(faulty_s3.store, take.manifest.episode).marker == marker
        assert verify(faulty_s3.store, take.manifest.episode).problems == ()


@pytest.mark.parametrize("answer", [(500, "InternalError"), (409, "ConditionalRequestConflict"), DROP])
def test_a_store_that_answers_badly_while_a_sink_starts_is_not_told_to_ignore_conditions(
    faulty_s3: Any, answer: Answer
) -> None:
    puts = iter(range(9))

    def behave(request: Any) -> Answer | None:
        if request.kind != "put" or next(puts) != 1:  # the conditional one
            return None
        request.forward()
        return answer

    faulty_s3.behave = behave
    faulty_s3.store.check()


def test_a_completion_that_was_done_and_whose_answer_was_lost_is_done_again(
    faulty_s3: Any, make_take: MakeTake, quick: None
) -> None:
    """The client asks again by itself; a server that has forgotten the upload then says that there is none."""
    take = make_take(**TWO_PARTS)
    completions = iter([True, False])

    def behave(request: Any) -> Answer | None:
        if request.kind != "complete" or (lost := next(completions, None)) is None:
            return None
        request.forward()
        return DROP if lost else (404, "NoSuchUpload")

    faulty_s3.behave = behave
    commit(faulty_s3.store, take.manifest, take.file)

    assert verify(faulty_s3.store, take.manifest.episode).problems == ()


def test_a_server_that_stays_ill_is_left_after_a_bounded_time_with_nothing_visible(
    faulty_s3: Any, make_take: MakeTake, quick: None
) -> None:
    take = make_take()
    faulty_s3.behave = lambda request: (409, "OperationAborted") if request.kind == "put" else None

    with pytest.raises(RetryError, match="the server answered OperationAborted"):
        commit(faulty_s3.store, take.manifest, take.file)

    assert faulty_s3.kinds.count("put") == 4
    faulty_s3.behave = lambda _: None
    assert contents(faulty_s3.store) == {}


def test_two_lives_at_once_make_one_episode(store: Store, make_take: MakeTake) -> None:
    """A process that was stopped (SIGSTOP, a slow disk) goes on while its successor does the same."""
    take = make_take(**TWO_PARTS)
    with ThreadPoolExecutor(4) as pool:
        markers = list(pool.map(lambda _: commit(store, take.manifest, take.file), range(4)))

    assert len(set(markers)) == 1
    assert verify(store, take.manifest.episode).problems == ()
    assert len(contents(store)) == 3
