from dataclasses import replace
from typing import Any

import pytest

from saltwell.bus.raw import Raw
from saltwell.contracts.codec import Codec
from saltwell.contracts.results import Verdict
from sinks.catalogue.catalogue import Catalogue
from sinks.catalogue.table import Overtaken
from sinks.catalogue.writer import CatalogueWriter
from sinks.episodes.finished import announcement, load_episode
from sinks.store import Store, open_store


@pytest.fixture
def folder(tmp_path: Any) -> Store:
    return open_store(str(tmp_path / "store"), create=True)


def raw(record: Any, topic: str = "episodes.finished") -> Raw:
    return Raw(topic, 0, 0, b"", record if isinstance(record, bytes) else Codec().encode(record))


def writer_of(store: Store, *, every_s: float = 60, compact_every: int = 0) -> CatalogueWriter:
    return CatalogueWriter(Catalogue(store), Codec(), every_s=every_s, compact_every=compact_every)


def finished(store: Store, finish: Any, name: str) -> Raw:
    finish(store, name)
    return raw(announcement(load_episode(store, name)))


def test_it_commits_at_most_once_a_minute(folder: Store, finish: Any, names: Any) -> None:
    writer = writer_of(folder)
    for second, name in [(0, "a"), (1, "b"), (59, "c")]:
        writer.take(finished(folder, finish, name))
        writer.commit_when_due(second)

    assert names(folder) == ["a"]
    writer.commit_when_due(60)
    assert names(folder) == ["a", "b", "c"]
    version = Catalogue(folder).episodes
    version.read()
    assert version.version() == 2  # the table, and two commits


def test_what_is_none_of_ours_is_passed_over(folder: Store, review_of: Any, catalogued: Any) -> None:
    writer = writer_of(folder)
    for record in (
        b"no record",
        Verdict("zigong", "g1-04", "one", "accept", (), "1", ()),
        review_of("one", "nonsense"),
        review_of("x" * 300),
        review_of("one", note="x" * 100_000),
        review_of("one", "accept", note="\0"),
    ):
        writer.take(raw(record, "reviews"))
    writer.commit_when_due(0)

    assert len(catalogued(folder).reviews.keys()) == 1


def test_an_announcement_of_what_no_episode_is_called_is_passed_over(
    folder: Store, finish: Any, names: Any, caplog: pytest.LogCaptureFixture
) -> None:
    writer = writer_of(folder)
    finish(folder, "one")
    announced = announcement(load_episode(folder, "one"))
    for name in ("", "x" * 100_000, "one"):
        writer.take(raw(replace(announced, episode=name)))
    writer.commit_when_due(0)

    assert names(folder) == ["one"]
    assert caplog.text.count("passed over") == 2


def test_what_could_not_be_committed_is_committed_later(
    folder: Store, finish: Any, names: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = writer_of(folder)
    writer.take(finished(folder, finish, "a"))
    with monkeypatch.context() as ill:
        ill.setattr(Catalogue, "add_episodes", _overtaken)
        with pytest.raises(Overtaken):
            writer.commit_when_due(0)

    writer.commit_when_due(0)
    assert names(folder) == ["a"]


def _overtaken(*_: Any) -> int:
    raise Overtaken("another writer was first")


def test_after_some_commits_it_makes_few_files_of_many(folder: Store, finish: Any) -> None:
    writer = writer_of(folder, compact_every=3)
    files = []
    for second, name in enumerate("abcd"):
        writer.take(finished(folder, finish, name))
        writer.commit_when_due(60 * second)
        catalogue = Catalogue(folder)
        catalogue.read()
        files.append(catalogue.episodes.files())

    assert files == [1, 2, 1, 2]
