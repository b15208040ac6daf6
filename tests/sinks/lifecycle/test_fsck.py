import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from saltwell.contracts.results import Review
from sinks.episodes.commit import ConflictError, Marker, commit
from sinks.episodes.finished import load_episode
from sinks.episodes.gone import Erased, Expired, put_erased, put_expired
from sinks.episodes.json_text import canonical
from sinks.episodes.layout import archive_key, manifest_key, marker_key
from sinks.episodes.reviews import put_review
from sinks.lifecycle.command import store as command
from sinks.store import Store, open_store

DAY_S = 24 * 3600


def fsck(store: Store, *args: str) -> tuple[int, dict[str, Any]]:
    result = CliRunner().invoke(command, ["fsck", "--store", store.url, "--json", *args])
    return result.exit_code, json.loads(result.stdout)


def kinds(store: Store, *args: str) -> dict[str, int]:
    return fsck(store, *args)[1]["kinds"]


def archive_of(store: Store, name: str) -> str:
    return archive_key(load_episode(store, name).marker.folder)


def test_a_whole_store_has_no_faults_in_a_folder_and_on_s3(
    store: Store, finish: Any, catalogued: Any, review_of: Any
) -> None:
    for name in ("one", "two", "old"):
        finish(store, name)
    catalogued(store).add_reviews([review_of("one")])
    put_expired(store, Expired("old", time.time_ns(), "rejected", 5))
    store.remove(archive_of(store, "old"))

    for deep in ([], ["--deep"]):
        status, said = fsck(store, *deep)
        assert (status, said["episodes"], said["expired"], said["findings"]) == (0, 3, 1, [])
    assert (
        "3 episodes, 1 of them expired; no faults" in CliRunner().invoke(command, ["fsck", "--store", store.url]).output
    )


@pytest.fixture
def folder(tmp_path: Path, finish: Any) -> Store:
    store = open_store(str(tmp_path / "store"), create=True)
    for name in ("one", "two"):
        finish(store, name)
    return store


def flipped(data: bytes) -> bytes:
    return data[:200] + bytes([data[200] ^ 1]) + data[201:]


def made_old(folder: Store) -> None:
    assert folder.folder
    for path in folder.folder.rglob("*"):
        os.utime(path, (time.time() - 2 * DAY_S,) * 2)


def tombstone(episode: str) -> Erased:
    return Erased(episode, "zigong", "g1-04", 1, 1, "asked for", complete=True)


REVIEW = Review("zigong", "g1-04", "one", "ana", 1_000, "reject", "", "")


DAMAGES = {
    "a marker that is none": (lambda s: s.put(marker_key("one"), b"{}"), "damaged", 1),
    "a manifest that went": (lambda s: s.remove(manifest_key(load_episode(s, "one").marker.folder)), "damaged", 1),
    "a file that went": (lambda s: s.remove(archive_of(s, "one")), "missing", 1),
    "a file that was cut": (lambda s: s.put(archive_of(s, "one"), b"short"), "damaged", 1),
    "an expired file that is still there": (lambda s: put_expired(s, Expired("one", 1, "", 1)), "left", 1),
    "a review that is none": (lambda s: s.put("reviews/one/1.json", b"[]"), "damaged", 1),
    "a tombstone that is none": (lambda s: s.put("erased/x.json", b"[]"), "damaged", 1),
    "an erasure that was interrupted": (
        lambda s: put_erased(s, Erased("x", "", "r", 0, 0, "", complete=False)),
        "unfinished",
        1,
    ),
    "training files of nothing": (lambda s: s.put("trained/gone.json", b"{}"), "orphan", 1),
    "an erased episode that is there": (lambda s: put_erased(s, tombstone("one")), "unfinished", 1),
    "a tombstone of another": (lambda s: s.put("erased/x.json", canonical(tombstone("y"))), "damaged", 1),
    "a tombstone of no robot": (
        lambda s: s.put("erased/x.json", canonical(replace(tombstone("x"), robot=""))),
        "damaged",
        1,
    ),
    "a tombstone without measure": (lambda s: s.put("erased/x.json", bytes(9_000_000)), "damaged", 1),
    "a note on a file that is none": (lambda s: s.put("expired/one.json", b"[]"), "damaged", 1),
    "a review under another's name": (lambda s: s.copy(put_review(s, REVIEW), "reviews/two/1.json"), "damaged", 1),
    "a conflict that is none": (lambda s: s.put("conflicts/one/00.json", b"[]"), "damaged", 1),
    "a conflict that leads elsewhere": (
        lambda s: s.put(
            "conflicts/one/00.json", canonical({"kept": None, "set_aside": Marker("episodes/lost/m.json", "", 1)})
        ),
        "damaged",
        1,
    ),
    "a marker that leads to another episode": (
        lambda s: s.put(marker_key("one"), load_episode(s, "two").marker.encode()),
        "damaged",
        1,
    ),
    "a marker that leads nowhere": (
        lambda s: s.put(marker_key("one"), Marker("../m.json", "", 1).encode()),
        "damaged",
        1,
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_damage_is_found_and_named(folder: Store, damage: str) -> None:
    act, kind, count = DAMAGES[damage]
    act(folder)

    status, said = fsck(folder)

    assert status == 1
    assert said["kinds"][kind] == count
    assert said["faults"] >= 1


@pytest.mark.parametrize("marker", [b"{}", b"", bytes(100_000)])
def test_a_damaged_marker_ends_nothing_and_makes_no_orphans(
    folder: Store, catalogued: Any, marker: bytes, finish: Any
) -> None:
    catalogued(folder)
    folder.put("trained/one.json", b"{}")
    folder.put(marker_key("one"), marker)
    folder.remove(marker_key("two"))
    made_old(folder)

    status, said = fsck(folder)

    assert status == 1
    assert {(one["kind"], one["what"]) for one in said["findings"] if one["kind"] != "orphan"} == {
        ("damaged", "one"),
        ("damaged", "trained/one"),
        ("catalogue", "two"),
    }
    assert {one["what"].split("/")[2] for one in said["findings"] if one["kind"] == "orphan"} == {"two"}


def test_a_flipped_bit_is_found_by_reading_back(folder: Store) -> None:
    key = archive_of(folder, "one")
    folder.put(key, flipped(folder.get(key)))

    assert fsck(folder)[0] == 0
    status, said = fsck(folder, "--deep")
    assert status == 1
    assert {one["what"] for one in said["findings"]} == {"one"}


def test_what_nobody_points_to_is_found_once_no_sink_can_be_at_it(folder: Store) -> None:
    folder.put("episodes/g1-04/lost/00/episode.mcap", b"x")
    assert folder.folder
    draft = folder.folder / "finished" / "one.json#123"
    draft.write_bytes(b"half")
    assert kinds(folder) == {}

    for path in (folder.folder / "episodes/g1-04/lost/00/episode.mcap", draft):
        os.utime(path, (time.time() - 2 * DAY_S,) * 2)
    assert kinds(folder) == {"orphan": 1, "left": 1}


def test_what_a_conflict_set_aside_is_told_and_no_fault(folder: Store, make_take: Any) -> None:
    other = make_take(episode="one", frames=9)
    with pytest.raises(ConflictError):
        commit(folder, other.manifest, other.file)
    made_old(folder)

    status, said = fsck(folder)

    assert (status, said["kinds"]) == (0, {"aside": 1})


def test_a_catalogue_that_does_not_agree_is_told(folder: Store, finish: Any, catalogued: Any) -> None:
    catalogued(folder)
    folder.remove(marker_key("two"))
    finish(folder, "three")
    finish(folder, "just now", stopped_ns=time.time_ns())

    status, said = fsck(folder)

    assert status == 1
    assert {one["what"] for one in said["findings"] if one["kind"] == "catalogue"} == {"two", "three"}


def test_what_is_erased_while_it_looks_is_no_fault(
    folder: Store, make_take: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_review(folder, REVIEW)
    other = make_take(episode="one", frames=9)
    with pytest.raises(ConflictError):
        commit(folder, other.manifest, other.file)
    real = Store.list

    def erased_once_listed(self: Store, listed: str) -> Any:
        keys = [*real(self, listed)]
        if listed in ("reviews", "conflicts"):
            for key in keys:
                self.remove(key)
        return iter(keys)

    monkeypatch.setattr(Store, "list", erased_once_listed)

    assert fsck(folder) == (0, {"episodes": 2, "expired": 0, "faults": 0, "kinds": {}, "findings": []})
