"""The catalogue sink. Markers are the truth, so each of its lives begins with them, and the log only tells what comes.

It keeps no positions: from the log it takes what finishes after it began, and all words of people that are still there;
what is in the catalogue already is dropped. So a kill at any point loses and doubles nothing, and two sinks that run by
mistake do no harm.
"""

import logging
import time
from collections.abc import Callable

from saltwell.bus.following import Follower, ends_of
from saltwell.contracts.codec import Codec
from saltwell.errors import RetryError
from sinks.catalogue.catalogue import Catalogue
from sinks.catalogue.writer import CatalogueWriter

log = logging.getLogger(__name__)

FINISHED, REVIEWS = "episodes.finished", "reviews"
TOPICS = (FINISHED, REVIEWS)

_POLL_S = 0.2
_BACKOFF_S = 1.0


class CatalogueSink:
    """One process; the table takes commits of one writer at a time."""

    name = "catalogue"
    topics = TOPICS

    def __init__(self, catalogue: Catalogue, *, every_s: float, compact_every: int) -> None:
        self._catalogue = catalogue
        self._every_s = every_s
        self._compact_every = compact_every

    def run(
        self,
        codec: Codec,
        *,
        bootstrap: str,
        stopping: Callable[[], bool],
        on_ready: Callable[[], None],
        on_tick: Callable[[], None],
    ) -> None:
        """Follow the log until `stopping()`; what fails is begun again. What waits at the end, the next life finds."""
        while not stopping():
            try:
                self._follow(codec, bootstrap=bootstrap, stopping=stopping, on_ready=on_ready, on_tick=on_tick)
            except RetryError as error:
                log.warning("catalogue: begins again: %s", error)
                time.sleep(_BACKOFF_S)
                on_tick()

    def _follow(
        self,
        codec: Codec,
        *,
        bootstrap: str,
        stopping: Callable[[], bool],
        on_ready: Callable[[], None],
        on_tick: Callable[[], None],
    ) -> None:
        """One life. What finished before `ends` has a marker by then, what finishes later stands behind it."""
        ends = ends_of(bootstrap, FINISHED)
        self._catalogue.create()
        if added := self._catalogue.add_missing(on_tick):
            log.info("%d episodes added by their markers", added)
        writer = CatalogueWriter(self._catalogue, codec, every_s=self._every_s, compact_every=self._compact_every)
        follower = Follower(bootstrap, TOPICS, ends)
        try:
            on_ready()
            while not stopping():
                if (raw := follower.take(_POLL_S)) is not None:
                    writer.take(raw)
                writer.commit_when_due(time.monotonic())
                on_tick()
        finally:
            follower.close()
