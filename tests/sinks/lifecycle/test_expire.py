import json
import time
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from saltwell.errors import RetryError, SkipRecordError
from sinks.catalogue.query import find
from sinks.episodes.evidence import stored_evidence
from sinks.episodes.finished import ExpiredEpisode, load_episode, open_archive
from sinks.episodes.gone import Expired, expired_key, put_expired, read_expired
from sinks.episodes.layout import archive_key, marker_key
from sinks.episodes.reviews import put_review
from sinks.episodes.verify import verify
from sinks.lifecycle.command import store as command
from sinks.store import Store

NOW_NS = time.time_ns()
DAY_NS = 24 * 3600 * 1_000_000_000


def expire(store: Store, *args: str) -> Result:
    return CliRunner().invoke(command, ["expire", "--rejected-after", "30d", "--store", store.url, *args])


def files(store: Store) -> set[str]:
    return {key.split("/")[2] for key in store.list("episodes") if key.endswith(".mcap")}


@pytest.fixture
def filled(store: Store, finish: Any, review_of: Any) -> Store:
    """An accepted episode; three rejected ones: an old, a young, and one that a person accepted."""
    for name, decision, days in [
        ("good", "accept", 90),
        ("bad", "reject", 31),
        ("young", "reject", 29),
        ("doubted", "reject", 40),
        ("overruled", "accept", 40),
    ]:
        finish(store, name, decision=decision, stopped_ns=NOW_NS - days * DAY_NS)
    put_review(store, review_of("doubted", "accept"))
    put_review(store, review_of("overruled", "reject"))
    return store


@pytest.mark.parametrize("with_catalogue", [False, True], ids=["by-manifests", "by-catalogue"])
def test_files_of_what_was_rejected_long_ago_go_and_their_manifests_say_so(
    filled: Store,
    catalogued: Any,
    with_catalogue: bool,  # noqa: FBT001 - pytest passes by name
) -> None:
    if with_catalogue:
        catalogued(filled)
    manifest = load_episode(filled, "bad").manifest

    planned = expire(filled, "--dry-run")
    assert {line.split()[5].rstrip(":") for line in planned.output.splitlines()[:-1]} == {"bad", "overruled"}
    assert planned.output.splitlines()[-1].startswith("would remove")
    assert files(filled) == {"good", "bad", "young", "doubted", "overruled"}

    assert json.loads(expire(filled, "--json").output)["episodes"] in (["bad", "overruled"], ["overruled", "bad"])
    assert files(filled) == {"good", "young", "doubted"}
    assert json.loads(expire(filled, "--json").output)["episodes"] == []
    assert load_episode(filled, "bad").manifest == manifest
    report = verify(filled, "bad")
    assert report.problems == ()
    assert "rejected, 31 days old" in report.expired
    found = find(catalogued(filled), "archive = 'expired'").objects()
    assert {row["episode"] for row in found} == ({"bad", "overruled"})


def test_who_needs_the_file_is_told_when_and_why_it_went(filled: Store) -> None:
    expire(filled)

    with pytest.raises(ExpiredEpisode, match="its file of .* was removed on 20.*: rejected, 31 days old"):
        open_archive(filled, load_episode(filled, "bad"))
    with pytest.raises(ExpiredEpisode):
        list(stored_evidence(filled.url, ["bad"]))


def test_what_was_interrupted_is_ended_by_the_next_call(
    filled: Store, catalogued: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue = catalogued(filled)
    key = archive_key(load_episode(filled, "bad").marker.folder)
    with monkeypatch.context() as ill:
        ill.setattr(Store, "remove", _dies)
        assert isinstance(expire(filled).exception, KeyboardInterrupt | SystemExit)
    assert filled.has(key)

    expire(filled)

    assert not filled.has(key)
    assert {row["episode"] for row in find(_read(catalogue), "archive = 'expired'").objects()} == {"bad", "overruled"}


def _dies(*_: Any) -> None:
    raise KeyboardInterrupt


def _read(catalogue: Any) -> Any:
    assert catalogue.read()
    return catalogue


def test_a_note_is_written_once(filled: Store) -> None:
    expire(filled)
    note = read_expired(filled, "bad")
    assert note is not None

    put_expired(filled, replace(note, why="another"))

    assert read_expired(filled, "bad") == note
    assert read_expired(filled, "good") is None


def test_a_file_goes_only_when_its_note_can_be_read(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 says "already exists" to one of two writers at once, and may have written neither's."""
    monkeypatch.setattr(Store, "create", lambda *_: False)

    done = expire(filled)

    assert isinstance(done.exception, RetryError)
    assert "exists, and does not give it" in str(done.exception)
    assert len(files(filled)) == 5


@pytest.mark.parametrize("note", ["none", "of another"])
def test_a_file_whose_note_is_damaged_stays_and_is_named_and_the_others_go(filled: Store, note: str) -> None:
    put_expired(filled, Expired("elsewhere", 1, "", 1))
    filled.put(expired_key("bad"), b"{}" if note == "none" else filled.get(expired_key("elsewhere")))

    done = expire(filled)

    assert done.exit_code == 1
    assert "expired/bad.json" in done.stderr
    assert files(filled) == {"good", "young", "doubted", "bad"}
    with pytest.raises(SkipRecordError):
        read_expired(filled, "bad")


def test_an_episode_that_is_damaged_keeps_its_file(filled: Store, caplog: pytest.LogCaptureFixture) -> None:
    filled.put(marker_key("bad"), load_episode(filled, "overruled").marker.encode())

    assert expire(filled).exit_code == 0

    assert files(filled) == {"good", "young", "doubted", "bad"}
    assert "its file stays: episode bad" in caplog.text


def test_a_catalogue_names_all_that_anybody_rejects_however_many(
    filled: Store, catalogued: Any, review_of: Any
) -> None:
    catalogue = catalogued(filled)
    catalogue.add_reviews([review_of("good", "reject", at_ns=1), review_of("good", "accept", at_ns=2)])

    assert set(catalogue.rejected(NOW_NS - 30 * DAY_NS)) == {"bad", "doubted", "overruled", "good"}
    assert json.loads(expire(filled, "--json").output)["episodes"] in (["bad", "overruled"], ["overruled", "bad"])
