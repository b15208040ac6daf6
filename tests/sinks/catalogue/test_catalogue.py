import logging
from typing import Any

import pytest

from saltwell.contracts.results import StreamLedger
from saltwell.errors import SkipRecordError, StopError
from sinks.catalogue import table as module
from sinks.catalogue.catalogue import Catalogue
from sinks.catalogue.query import find
from sinks.catalogue.table import Overtaken
from sinks.episodes.gone import Erased, put_erased
from sinks.episodes.json_text import canonical
from sinks.episodes.layout import marker_key
from sinks.episodes.manifest import StreamEntry
from sinks.episodes.reviews import all_reviews, put_review
from sinks.store import Store

START_NS = 1_767_225_600_000_000_000
MONTH_NS = 31 * 24 * 3600 * 1_000_000_000


def test_an_episode_told_twice_is_a_row_once_in_a_folder_and_on_s3(
    store: Store, finish: Any, catalogued: Any, names: Any
) -> None:
    finish(store, "one")
    catalogue = catalogued(store)
    finish(store, "two", stopped_ns=START_NS + 2 * MONTH_NS)

    assert catalogue.add_episodes(["two", "one", "two"]) == 1
    assert catalogue.add_episodes(["two", "one"]) == 0
    assert catalogue.add_missing(lambda: None) == 0
    assert names(store) == ["one", "two"]
    assert [row["episode"] for row in find(catalogue).objects()] == ["one", "two"]


def test_what_has_no_marker_in_this_store_is_not_in_its_catalogue(
    store: Store, finish: Any, catalogued: Any, names: Any, caplog: pytest.LogCaptureFixture
) -> None:
    finish(store, "one")
    store.put(marker_key("damaged"), b"{}")
    with caplog.at_level(logging.ERROR):
        catalogue = catalogued(store)

    assert catalogue.add_episodes(["elsewhere", "..", "x" * 999]) == 0
    assert names(store) == ["one"]
    assert "not in the catalogue: episode damaged" in caplog.text


def test_of_two_writers_the_second_is_told_and_finds_out_again(
    store: Store, finish: Any, catalogued: Any, names: Any
) -> None:
    first, second = catalogued(store), Catalogue(store)
    second.create()
    finish(store, "one")
    assert first.add_episodes(["one"]) == 1

    with pytest.raises(Overtaken):
        second.add_episodes(["one"])
    second.create()
    assert second.add_episodes(["one"]) == 0
    assert names(store) == ["one"]


def test_a_word_is_in_the_store_before_it_is_in_the_catalogue_and_there_once(
    store: Store, catalogued: Any, review_of: Any
) -> None:
    catalogue = catalogued(store)
    words = [review_of("one", at_ns=2), review_of("one", at_ns=1), review_of("two", "reject", at_ns=3)]

    assert catalogue.add_reviews([*words, words[0]]) == 3
    assert catalogue.add_reviews(words) == 0
    assert set(all_reviews(store)) == set(words)
    assert len(catalogue.reviews.keys()) == 3


def test_words_that_only_the_store_has_are_found(store: Store, catalogued: Any, review_of: Any) -> None:
    catalogued(store).add_reviews([review_of("a/b", at_ns=at_ns) for at_ns in (1, 2)])
    kept = Catalogue(store)
    kept.reviews.remove()

    assert len(catalogued(store).reviews.keys()) == 2
    kept.create()
    assert kept.add_missing(lambda: None) == 0
    assert len(kept.reviews.keys()) == 2


def test_a_rebuild_gives_what_was_there_and_drops_what_has_no_marker_any_more(
    store: Store, finish: Any, catalogued: Any, names: Any, review_of: Any
) -> None:
    for number in range(3):
        finish(store, f"e{number}", stopped_ns=START_NS + number * MONTH_NS)
    catalogue = catalogued(store)
    catalogue.add_reviews([review_of("e1", "reject")])
    before = find(catalogue)
    finish(store, "gone")
    catalogue.add_episodes(["gone"])
    store.remove(marker_key("gone"))

    catalogue.rebuild(pytest.fail)

    assert names(store) == ["e0", "e1", "e2"]
    assert find(catalogue) == before


def test_a_rebuild_that_was_overtaken_changes_nothing(
    store: Store, finish: Any, catalogued: Any, names: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish(store, "one")
    other = catalogued(store)

    def meanwhile(*_: Any) -> None:
        finish(store, "two")
        other.create()
        other.add_episodes(["two"])

    store.put(marker_key("damaged"), b"{}")
    with pytest.raises(Overtaken):
        Catalogue(store).rebuild(meanwhile)
    assert names(store) == ["one", "two"]


def test_a_damaged_table_is_said_and_made_anew(store: Store, finish: Any, catalogued: Any, names: Any) -> None:
    finish(store, "one")
    catalogued(store)
    for key in [*store.list("catalogue/episodes/_delta_log")]:
        store.put(key, b"not json")

    with pytest.raises(StopError, match="it is damaged; `saltwell catalogue rebuild`"):
        Catalogue(store).read()
    Catalogue(store).rebuild(pytest.fail)
    assert names(store) == ["one"]


def test_many_small_files_become_one_a_month_and_old_ones_go(
    store: Store, finish: Any, catalogued: Any, monkeypatch: pytest.MonkeyPatch, names: Any
) -> None:
    catalogue = catalogued(store)
    for number in range(6):
        finish(store, f"e{number}", stopped_ns=START_NS + (number % 2) * MONTH_NS)
        catalogue.add_episodes([f"e{number}"])
    assert catalogue.episodes.files() == 6

    catalogue.compact()
    assert len(list(store.list("catalogue/episodes/month=2026-01"))) == 4  # readers may be at the old ones for a day
    monkeypatch.setattr(module, "_KEPT_HOURS", 0)
    catalogue.compact()

    assert catalogue.episodes.files() == 2
    assert len(list(store.list("catalogue/episodes/month=2026-01"))) == 1
    assert names(store) == [f"e{number}" for number in range(6)]
    finish(store, "later")
    assert catalogue.add_episodes(["later"]) == 1


def test_a_purge_takes_what_is_not_needed_and_a_writer_that_was_at_it_begins_again(
    store: Store, finish: Any, catalogued: Any, names: Any
) -> None:
    for name in ("one", "two"):
        finish(store, name)
    other = catalogued(store)
    finish(store, "three")
    purging = Catalogue(store)
    purging.read()
    purging.episodes.delete(["one"])
    other.create()

    purging.episodes.purge()

    assert len(list(store.list("catalogue/episodes/month=2026-01"))) == purging.episodes.files() == 1
    with pytest.raises(Overtaken):
        other.add_episodes(["three"])
    other.create()
    assert other.add_episodes(["three"]) == 1
    assert names(store) == ["three", "two"]


def test_names_of_people_do_not_stand_in_the_log_of_versions(store: Store, finish: Any, catalogued: Any) -> None:
    finish(store, "one", source={"subject": "s-17", "operator": "ana"})
    catalogue = catalogued(store)

    (row,) = find(catalogue, "subject = 's-17'").objects()
    assert row["operator"] == "ana"
    for key in store.list("catalogue/episodes/_delta_log"):
        assert b"s-17" not in store.get(key)


@pytest.mark.parametrize("anew", [False, True], ids=["add", "rebuild"])
def test_what_lies_in_the_store_of_an_erased_episode_does_not_return(
    store: Store,
    finish: Any,
    catalogued: Any,
    review_of: Any,
    anew: bool,  # noqa: FBT001 - pytest passes by name
) -> None:
    """A person spoke, or a sink wrote, while it was erased; the next erasure takes it."""
    for name in ("one", "other"):
        finish(store, name)
    catalogue = catalogued(store)
    note = Erased("one", "zigong", "g1-04", START_NS, 1, "", complete=True)
    catalogue.erase([note])
    put_erased(store, note)
    put_review(store, review_of("one"))
    put_review(store, review_of("other"))

    catalogue.rebuild(pytest.fail) if anew else catalogue.add_missing(lambda: None)

    assert [key.partition("/")[0] for key in sorted(catalogue.reviews.keys())] == ["other"]
    assert {row["episode"]: row["archive"] for row in find(catalogue).objects()} == {"one": "erased", "other": "stored"}


def test_a_file_that_went_while_it_was_read_is_worth_another_look(store: Store, finish: Any, catalogued: Any) -> None:
    finish(store, "one")
    catalogue = catalogued(store)
    for key in [*store.list("catalogue/episodes/month=2026-01")]:
        store.remove(key)

    for look in (catalogue.listed, lambda: catalogue.rejected(2**62), lambda: catalogue.homes_of_others("x")):
        catalogue.read()
        with pytest.raises(Overtaken, match="a file went away while it was read"):
            look()


@pytest.mark.parametrize("key", ["reviews/word.json", "reviews/one/two/three.json", "reviews/one/x.json"])
def test_an_odd_key_among_the_words_ends_nothing(store: Store, catalogued: Any, review_of: Any, key: str) -> None:
    put_review(store, review_of("one"))
    store.put(key, b"[]")

    assert len(catalogued(store).reviews.keys()) == 1


def test_numbers_without_measure_are_damage_of_one_episode(
    store: Store, finish: Any, names: Any, catalogued: Any
) -> None:
    finish(store, "one")
    with pytest.raises(SkipRecordError, match="not a number of 64 bits"):
        finish(store, "huge", steps=2**63)
    with pytest.raises(SkipRecordError, match="count more than"):
        finish(store, "huge", streams=streams_of_frames(2**62))
    store.put("erased/huge.json", canonical(Erased("huge", "", "r", 2**70, 1, "", complete=True)))

    catalogued(store)

    assert names(store) == ["one"]


def streams_of_frames(count: int) -> dict[str, StreamEntry]:
    ledgers = [StreamLedger(name, "color", count, count, 0, 0, 0, ()) for name in ("/a", "/b", "/c")]
    return {one.stream: StreamEntry("color", one, (), None) for one in ledgers}
