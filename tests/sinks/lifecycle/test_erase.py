import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from saltwell.errors import StopError
from sinks.catalogue.catalogue import Catalogue
from sinks.catalogue.query import find
from sinks.episodes.commit import ConflictError, ErasedError, Marker, read_marker
from sinks.episodes.finished import list_episodes, load_episode
from sinks.episodes.gone import Erased, erased_episodes, put_erased, read_erased
from sinks.episodes.json_text import canonical
from sinks.episodes.layout import manifest_key, marker_key
from sinks.episodes.manifest import MAX_MANIFEST_BYTES
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


def erase(store: Store, *args: str, subject: str = SUBJECT) -> Result:
    return CliRunner().invoke(command, ["erase", "--subject", subject, "--store", store.url, *args])


def unjudged(store: Store, *args: str) -> set[str]:
    """What an erasure could not judge, which it named in words and by its exit status too."""
    done = erase(store, "--json", *args)
    named: list[dict[str, str]] = json.loads(done.stdout)["unjudged"]
    assert done.exit_code == (1 if named else 0)
    assert all(one["key"] in done.stderr for one in named)
    return {one["key"] for one in named}


def episodes_of(store: Store) -> set[str]:
    """Parts of all keys that still hold something of an episode."""
    return {key.split("/")[2] for key in store.list("episodes")}


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


def test_a_dry_run_names_all_that_would_go_and_changes_nothing(filled: Store, finish: Any) -> None:
    finish(filled, "not in the catalogue yet", source={"subject": SUBJECT})
    before = contents(filled)

    lines = erase(filled, "--dry-run").output.splitlines()

    assert contents(filled) == before
    assert lines[-1].endswith("MB of 3 episodes")
    named = {line.split()[-1] for line in lines[:-1]}
    assert {"finished/one.json", "trained/one.json", "training/g1-04/one/00/rows.parquet", "expired/one.json"} <= named
    assert all(line.startswith("would remove") for line in lines)
    assert not any("other" in name or "nobody" in name for name in named)


def test_a_store_without_a_catalogue_is_read_whole_and_gets_none(store: Store, finish: Any) -> None:
    finish(store, "one", source={"subject": SUBJECT})
    finish(store, "other")

    assert unjudged(store, "--dry-run") == unjudged(store) == set()

    assert list(list_episodes(store)) == ["other"]
    assert list(store.list("catalogue")) == []


def test_what_a_sink_that_died_left_of_a_subject_goes_too_and_does_not_come_back(filled: Store, finish: Any) -> None:
    for name, subject in [("left", SUBJECT), ("left by another", "another")]:
        finish(filled, name, source={"subject": subject})
        filled.remove(marker_key(name))

    assert unjudged(filled) == set()

    assert episodes_of(filled) == {"other", "nobody", "left%20by%20another"}
    with pytest.raises(ErasedError):
        finish(filled, "left", source={"subject": SUBJECT})


def test_what_a_conflict_set_aside_is_of_whom_it_shows(filled: Store, finish: Any) -> None:
    for name, subject in [("one", SUBJECT), ("two/2", "another"), ("other", SUBJECT), ("nobody", "another")]:
        with pytest.raises(ConflictError):
            finish(filled, name, source={"subject": subject}, task="another")
    kept, (note,) = load_episode(filled, "other").marker.folder, filled.list("conflicts/other")
    aside = json.loads(filled.get(note))["set_aside"]["manifest"].removesuffix("/manifest.json")

    assert unjudged(filled) == {aside}  # the episode is another's: it can't go as a whole

    assert episodes_of(filled) == {"other", "nobody"}
    assert {key.rpartition("/")[0] for key in filled.list("episodes/g1-04/other")} == {kept, aside}


DAMAGES = {
    "a manifest that went": lambda s, folder: s.remove(manifest_key(folder)),
    "a manifest that was changed": lambda s, folder: s.put(
        manifest_key(folder), s.get(manifest_key(folder)).replace(SUBJECT.encode(), b"somebody else")
    ),
    "a manifest that is none": lambda s, folder: s.put(manifest_key(folder), b"{}"),
    "a manifest that is too large": lambda s, folder: s.put(manifest_key(folder), bytes(MAX_MANIFEST_BYTES + 1)),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("listed", [False, True], ids=["", "listed"])
def test_what_can_not_be_judged_is_named_and_the_rest_goes(
    tmp_path: Path,
    finish: Any,
    catalogued: Any,
    damage: str,
    listed: bool,  # noqa: FBT001 - pytest passes by name
) -> None:
    store = open_store(str(tmp_path / "store"), create=True)
    for name in ("damaged", "one"):
        finish(store, name, source={"subject": SUBJECT})
    if listed:
        catalogued(store)
    folder = load_episode(store, "damaged").marker.folder
    DAMAGES[damage](store, folder)

    named = unjudged(store)

    assert any(key.startswith(folder) for key in named)
    assert ("catalogue/episodes: damaged" in named) == listed
    assert episodes_of(store) == {"damaged"}
    assert unjudged(store) == named  # as long as it is there


def test_a_marker_that_is_damaged_hides_nothing(filled: Store) -> None:
    filled.put(marker_key("one"), b"{}")

    assert unjudged(filled) == set()

    assert episodes_of(filled) == {"other", "nobody"}
    assert set(list_episodes(filled)) == {"other", "nobody"}


def test_training_files_of_nothing_and_a_tombstone_that_is_none_are_named(filled: Store) -> None:
    filled.put("training/g1-04/lost/00/rows.parquet", b"x")
    filled.put("erased/odd.json", b"[]")
    filled.put("erased/moved.json", canonical(tombstone("one", complete=True)))

    assert unjudged(filled) == {"training/g1-04/lost", "erased/odd", "erased/moved"}


def test_an_erased_episode_that_is_there_again_goes_again_whatever_the_subject(filled: Store, finish: Any) -> None:
    finish(filled, "back", source={"subject": "another"})
    put_erased(filled, tombstone("back", complete=True))

    assert json.loads(erase(filled, "--json", subject="a third").stdout)["episodes"] == ["back"]

    assert "back" not in episodes_of(filled) | set(list_episodes(filled))
    note = read_erased(filled, "back")
    assert note is not None
    assert note.complete


def test_a_marker_that_leads_to_the_files_of_another_episode_does_not_let_them_go(filled: Store) -> None:
    other = load_episode(filled, "other")
    filled.put(marker_key("one"), other.marker.encode())
    forged = Marker("episodes/g1-04/other/x/manifest.json", other.marker.manifest_sha256, 1)
    filled.put(marker_key("two/2"), forged.encode())

    erase(filled)

    assert load_episode(filled, "other") == other
    assert filled.has(f"{other.marker.folder}/episode.mcap")


def test_removed_is_said_of_what_is_gone(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: Any) -> None:
        raise StopError("the server refused it")

    monkeypatch.setattr(Store, "remove", refuses)

    done = erase(filled)

    assert "refused" in str(done.exception)
    assert "removed" not in done.output


@pytest.mark.parametrize("subject", ["o'brien", 'q"', "a\0b", "x" * 100_000, "%_", "\u200f", "1 OR 1=1", "' OR '1'='1"])
def test_a_subject_is_a_name_and_nothing_else(tmp_path: Path, finish: Any, catalogued: Any, subject: str) -> None:
    store = open_store(str(tmp_path / "store"), create=True)
    finish(store, "one", source={"subject": subject})
    finish(store, "other", source={"subject": "nobody"})
    catalogued(store)

    assert json.loads(erase(store, "--json", subject=subject).stdout)["episodes"] == ["one"]

    assert set(list_episodes(store)) == {"other"}


@pytest.mark.parametrize(
    "args", [("--subject", ""), ("--subject", " "), ("--subject", "\udcff"), ("--why", "\udcff"), ("--why", "x" * 9000)]
)
def test_what_is_no_text_is_refused(filled: Store, args: tuple[str, str]) -> None:
    before = contents(filled)

    done = CliRunner().invoke(command, ["erase", "--subject", SUBJECT, "--store", filled.url, *args])

    assert done.exit_code == 2
    assert contents(filled) == before


def tombstone(episode: str, *, complete: bool) -> Erased:
    return Erased(episode, "zigong", "g1-04", 1, 1, "asked for", complete=complete)


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

        ended = erase(store, "--why", "asked again")

        assert ended.exit_code == 0
        note = read_erased(store, "one")
        assert note is not None
        assert note.complete
        assert note.why == ("asked for" if steps else "asked again")
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
