import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sinks.catalogue.catalogue import Catalogue
from sinks.catalogue.query import find
from sinks.episodes.commit import ErasedError, read_marker
from sinks.episodes.finished import list_episodes
from sinks.episodes.gone import erased_episodes, read_erased
from sinks.episodes.reviews import put_review
from sinks.lifecycle.command import store as command
from sinks.store import Store, open_store

SUBJECT = "subject-4711-zhang"


@pytest.fixture
def filled(store: Store, finish: Any, review_of: Any, catalogued: Any) -> Store:
    """Two episodes of one subject, of which one has all that an episode may have; one of another; one of nobody."""
    for name, subject in [("one", SUBJECT), ("two/2", SUBJECT), ("other", f"{SUBJECT}-2"), ("nobody", "")]:
        finish(store, name, source={"subject": subject} if subject else None)
    put_review(store, review_of("one", "accept", note=f"{SUBJECT} laughs"))
    catalogued(store)
    robot = "g1-04"
    for key in (
        f"training/{robot}/one/00/rows.parquet",
        "trained/one.json",
        "conflicts/one/00.json",
        "expired/one.json",
    ):
        store.put(key, b"{}")
    return store


def erase(store: Store, *args: str) -> Result:
    return CliRunner().invoke(command, ["erase", "--subject", SUBJECT, "--store", store.url, *args])


def contents(store: Store) -> dict[str, bytes]:
    return {key: store.get(key) for key in store.list("")}


def test_nothing_of_a_subject_stays_but_a_tombstone(filled: Store, finish: Any, review_of: Any) -> None:
    others = {key: data for key, data in contents(filled).items() if "other" in key or "nobody" in key}
    done = erase(filled, "--why", "letter of 2026-11-20", "--json")

    assert sorted(json.loads(done.output)["episodes"]) == ["one", "two/2"]
    assert set(list_episodes(filled)) == {"other", "nobody"}
    left = contents(filled)
    assert others.items() <= left.items()
    for key, data in left.items():
        assert key.startswith("erased/") or not {"one", "two%2F2"} & set(key.split("/")), key
        assert SUBJECT.encode() not in data.replace(f"{SUBJECT}-2".encode(), b""), key
        assert b"laughs" not in data, key
    for note in erased_episodes(filled):
        assert (note.why, note.complete, note.robot) == ("letter of 2026-11-20", True, "g1-04")

    catalogue = Catalogue(filled)
    catalogue.read()
    rows = {row["episode"]: row for row in find(catalogue).objects()}
    assert rows.keys() == {"one", "two/2", "other", "nobody"}
    assert (rows["one"]["archive"], rows["one"]["decision"], rows["one"]["subject"]) == ("erased", "erased", "")
    catalogue.rebuild(pytest.fail)
    assert find(catalogue).total == 4


def test_what_was_erased_does_not_come_back(filled: Store, finish: Any, review_of: Any, catalogued: Any) -> None:
    erase(filled)

    with pytest.raises(ErasedError, match="episode one was erased"):
        finish(filled, "one", source={"subject": SUBJECT})
    assert read_marker(filled, "one") is None
    catalogue = catalogued(filled)
    assert catalogue.add_reviews([review_of("one", "accept"), review_of("other", "accept")]) == 1  # the log has both
    assert catalogue.add_episodes(["one"]) == 0
    assert list(filled.list("reviews/one")) == []


def test_a_dry_run_names_all_that_would_go_and_changes_nothing(filled: Store) -> None:
    before = contents(filled)

    lines = erase(filled, "--dry-run").output.splitlines()

    assert contents(filled) == before
    assert lines[-1].endswith("MB of 2 episodes")
    named = {line.split()[-1] for line in lines[:-1]}
    assert {"finished/one.json", "trained/one.json", "training/g1-04/one/00/rows.parquet", "expired/one.json"} <= named
    assert all(line.startswith("would remove") for line in lines)
    assert not any("other" in name or "nobody" in name for name in named)


def test_an_erasure_that_was_interrupted_anywhere_is_ended_by_the_next_one(
    tmp_path: Path, finish: Any, catalogued: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for steps in range(20):
        store = open_store(str(tmp_path / f"store-{steps}"), create=True)
        finish(store, "one", source={"subject": SUBJECT})
        finish(store, "other")
        catalogued(store)
        with monkeypatch.context() as ill:
            ill.setattr(Store, "remove", _dying(Store.remove, steps))
            ill.setattr(Store, "put", _dying(Store.put, steps))
            ill.setattr(Catalogue, "erase", _dying(Catalogue.erase, steps))
            interrupted = died(store)

        erase(store)

        note = read_erased(store, "one")
        assert note is not None
        assert note.complete
        assert list(list_episodes(store)) == ["other"]
        assert list(store.list("episodes/g1-04/one")) == []
        catalogue = Catalogue(store)
        catalogue.read()
        assert catalogue.listed() == ["other"]
        assert find(catalogue, f"subject = '{SUBJECT}'").total == 0
        if not interrupted:
            break
    assert not interrupted
    assert steps > 4


def died(store: Store) -> bool:
    try:
        erase(store)
    except _Died:
        return True
    return False


class _Died(BaseException):
    pass


_calls = [0]


def _dying(act: Any, steps: int) -> Any:
    _calls[0] = 0

    def call(*args: Any) -> Any:
        _calls[0] += 1
        if _calls[0] > steps:
            raise _Died
        return act(*args)

    return call
