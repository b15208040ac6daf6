"""People's words on episodes, kept in the store: the topic `reviews` forgets after some weeks, the store does not.

reviews/{episode}/{reviewed_ns}-{8 hex of the word's SHA-256}.json

Nothing in an episode is rewritten. Of several words the latest counts.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TypeVar, get_args
from urllib.parse import unquote

from saltwell.contracts.identity import Decision
from saltwell.contracts.results import Review
from saltwell.errors import SkipRecordError
from sinks.at_once import at_once
from sinks.episodes.json_text import canonical, parse, typed
from sinks.episodes.layout import key_part
from sinks.episodes.manifest import sha256_hex
from sinks.store import Store
from sinks.store_errors import NotInStore

log = logging.getLogger(__name__)

_REVIEWS = "reviews"
_END = ".json"
_MAX_BYTES = 64 * 1024  # `saltwell review` makes them of 4,100 letters at most

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Word:
    """What a person says of an episode; empty = as it is."""

    decision: str
    task: str


def review_id(review: Review) -> str:
    """Name of a word among those on its episode: the same word has the same name."""
    return f"{review.reviewed_ns:020d}-{sha256_hex(canonical(review))[:8]}"


def check_review(review: Review) -> None:
    """SkipRecordError for a decision that is none, too long a word, or an episode that can't name a folder."""
    key_part(review.episode)
    if review.decision not in ("", *get_args(Decision)):
        raise SkipRecordError(f"review of {review.episode}: {review.decision[:40]!a} is no decision")
    if (size := len(canonical(review))) > _MAX_BYTES:
        raise SkipRecordError(f"review of {review.episode} has {size} bytes, more than {_MAX_BYTES}")


def put_review(store: Store, review: Review) -> str:
    """Keep a word; keeping it again changes nothing. Gives its key. Raises what `check_review` does."""
    check_review(review)
    key = _key(review)
    store.put(key, canonical(review))
    return key


def reviews_key(episode: str) -> str:
    """Folder of the words on an episode."""
    return f"{_REVIEWS}/{key_part(episode)}"


def review_keys(store: Store, *, episode: str | None = None) -> Iterator[str]:
    """Keys of all words in the store, in no order; only of those on one episode if given."""
    folder = _REVIEWS if episode is None else reviews_key(episode)
    return (key for key in store.list(folder) if key.endswith(_END))


def id_in(key: str) -> str:
    """Episode and `review_id` of the word behind a key, as `{episode}/{review_id}`."""
    folder, _, name = key.removeprefix(f"{_REVIEWS}/").rpartition("/")
    return f"{unquote(folder)}/{name.removesuffix(_END)}"


def all_reviews(store: Store, *, episode: str | None = None) -> Iterator[Review]:
    """Every word in the store, in no order; only those on one episode if given."""
    return read_reviews(store, review_keys(store, episode=episode))


def read_reviews(store: Store, keys: Iterable[str]) -> Iterator[Review]:
    """The words behind keys, some hundred in memory. An object that is no word is passed over, and said."""
    return filter(None, at_once(partial(_read, store), keys))


def read_review(store: Store, key: str) -> Review:
    """The word behind a key; SkipRecordError when the object is none, or that of another key."""
    review = typed(Review, parse(store.get(key, limit_bytes=_MAX_BYTES), key), key)
    check_review(review)
    if key != _key(review):
        raise SkipRecordError(f"{key} holds another word, on {ascii(review.episode)[:60]}")
    return review


def standing(reviews: Iterable[Review]) -> Mapping[str, Review]:
    """The word that counts, by episode: the latest; of two of one moment always the same."""
    latest: dict[str, Review] = {}
    for review in reviews:
        before = latest.get(review.episode)
        if before is None or _rank(review) > _rank(before):
            latest[review.episode] = review
    return latest


def said(review: Review | None) -> Word:
    """What a person said; nothing without a review."""
    return Word(review.decision, review.task) if review else Word("", "")


def corrected(record: T, review: Review | None) -> T:
    """A dataclass with `decision` and `task`, as the review that counts has them where it says anything."""
    changes = {name: value for name, value in asdict(said(review)).items() if value}
    return replace(record, **changes)  # type: ignore[type-var] # any of our records of an episode


def _key(review: Review) -> str:
    return f"{reviews_key(review.episode)}/{review_id(review)}{_END}"


def _rank(review: Review) -> tuple[int, str]:
    return review.reviewed_ns, review_id(review)


def _read(store: Store, key: str) -> Review | None:
    try:
        return read_review(store, key)
    except NotInStore:  # erased since it was listed
        return None
    except SkipRecordError as error:
        log.error("passed over: %s", error)  # noqa: TRY400 - the message says it all
        return None
