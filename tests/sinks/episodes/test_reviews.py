import itertools
from dataclasses import replace
from typing import Any

import pytest

from saltwell.contracts.results import Review
from saltwell.errors import SkipRecordError
from sinks.episodes.json_text import canonical
from sinks.episodes.reviews import all_reviews, put_review, standing
from sinks.store import Store

FIRST = Review("zigong", "g1-04", "take/1", "ana", 1_000, "reject", "", "the box fell")
SECOND = replace(FIRST, reviewer="bo", reviewed_ns=2_000, decision="accept", task="sort the parts", note="")
OTHER = replace(FIRST, episode="take 2", decision="")


def test_a_word_that_is_kept_twice_is_there_once_and_the_latest_counts(store: Store) -> None:
    for review in (SECOND, FIRST, OTHER, FIRST):
        put_review(store, review)

    assert sorted(all_reviews(store), key=lambda r: (r.episode, r.reviewed_ns)) == [OTHER, FIRST, SECOND]
    assert set(all_reviews(store, episode="take/1")) == {FIRST, SECOND}
    for order in itertools.permutations([FIRST, SECOND, OTHER]):
        assert standing(order) == {"take/1": SECOND, "take 2": OTHER}


def test_of_two_words_of_one_moment_the_same_counts_whatever_their_order() -> None:
    two = [FIRST, replace(FIRST, reviewer="bo", decision="accept")]

    assert standing(two) == standing(two[::-1])


def test_what_is_no_decision_is_refused(store: Store) -> None:
    with pytest.raises(SkipRecordError, match="'good' is no decision"):
        put_review(store, replace(FIRST, decision="good"))

    assert [*all_reviews(store)] == []


def test_an_object_that_is_no_review_is_named_and_passed_over(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    store.put("reviews/take/1.json", b"{}")
    put_review(store, FIRST)

    assert [*all_reviews(store)] == [FIRST]
    assert "reviews/take/1.json" in caplog.text


def test_a_word_that_is_too_large_to_be_read_again_is_refused_and_one_that_lies_there_is_passed_over(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(SkipRecordError, match="review of take/1 has 120162 bytes"):
        put_review(store, replace(FIRST, note="\0" * 20_000))
    store.put("reviews/take/1.json", b" " * 2_000_000)
    put_review(store, FIRST)

    assert [*all_reviews(store)] == [FIRST]
    assert "2000000 bytes" in caplog.text


@pytest.mark.parametrize("change", [{"episode": "another"}, {"reviewed_ns": 2**63}, {"decision": "good"}])
def test_a_word_that_is_not_what_its_key_says_is_passed_over(store: Store, change: dict[str, Any]) -> None:
    key = put_review(store, FIRST)
    store.put(key, canonical(replace(FIRST, **change)))
    for odd in ("reviews/word.json", "reviews/take%2F1/a/b.json", "reviews/take%2f1/c.json"):
        store.put(odd, canonical(FIRST))

    assert [*all_reviews(store)] == []
