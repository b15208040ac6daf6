"""One episode after the other: what was found, a picture, and a key."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import click

from saltwell.contracts.identity import Decision
from saltwell.errors import SaltwellError, StopError
from sinks.episodes.finished import FinishedEpisode, load_episode
from sinks.episodes.tables import review_page
from sinks.review.queue import is_decided
from sinks.review.word import Say, word_on
from sinks.store import Store

_KEYS: dict[str, Decision] = {"a": "accept", "r": "reject"}
_SKIP, _QUIT = "s", "q"

Draw = Callable[[FinishedEpisode], str]
"""Draws an episode; gives where the picture lies."""


def look_through(store: Store, names: Iterable[str], *, by: str, draw: Draw, say: Say, again: bool = False) -> int:
    """Show episodes and hear what is said of them, until the person quits; gives how many words there were.

    What another person has decided meanwhile is passed over, unless `again`. Raises what `say` raises, and StopError
    for an episode that is not whole.
    """
    words = 0
    for one, picture in _ahead(store, names, draw):
        if not again and is_decided(store, one.manifest.episode):
            continue
        click.echo(f"{review_page(one)}\n  {picture}")
        key = _key()
        if key == _QUIT:
            break
        if key in _KEYS:
            why = _why(_KEYS[key])
            say(word_on(store, one, by=by, at_ns=time.time_ns(), decision=_KEYS[key], task="", why=why))
            words += 1
    return words


def _ahead(store: Store, names: Iterable[str], draw: Draw) -> Iterator[tuple[FinishedEpisode, str]]:
    """Episodes with their pictures; the next one is drawn while a person looks at this one."""
    coming: deque[Future[tuple[FinishedEpisode, str]]] = deque()
    with ThreadPoolExecutor(1) as pool:
        for name in names:
            coming.append(pool.submit(_made_ready, store, name, draw))
            if len(coming) > 1:
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()


def _made_ready(store: Store, name: str, draw: Draw) -> tuple[FinishedEpisode, str]:
    """That there is no picture keeps nobody from judging."""
    one = load_episode(store, name)
    try:
        return one, draw(one)
    except SaltwellError as error:
        return one, f"no picture: {error}"


def _key() -> str:
    click.echo("  [a]ccept [r]eject [s]kip [q]uit ", nl=False)
    try:
        while (key := click.getchar().lower()) not in {*_KEYS, _SKIP, _QUIT}:
            pass
    except OSError as error:
        raise StopError("the queue takes keys from a terminal; without one: saltwell review ID --accept") from error
    click.echo(key)
    return key


def _why(decision: Decision) -> str:
    """A reject says why; an accept may."""
    if decision == "reject":
        return str(click.prompt("  why")).strip()
    return str(click.prompt("  why (may be empty)", default="", show_default=False)).strip()
