"""Records that come before their episode's EpisodeStarted wait for it here, a bounded while. Pure.

Topics are read independently, so a frame may be read before the event that says what it belongs to. What never finds
its beginning (the end of an episode sent again after it was closed, or an episode whose beginning retention took) must
not stay open for ever: it would hold the low watermark back.
"""

from saltwell.bus.raw import Raw

PATIENCE_MS = 60_000
"""How far the timeline is read past a record without its EpisodeStarted. A publisher has that event acknowledged before
it sends the first frame, so the time between them is the brokers' clocks' and the pace's."""

LIMIT_BYTES = 64 * 1024 * 1024
HURRIED_MS = 5_000
"""When more than LIMIT_BYTES wait in a shard, patience shrinks to this, from the oldest episode on. Not to nothing:
what the timeline has not passed yet may be about to begin, and the pace bounds how much that is."""


class Admission:
    """Which episodes have begun, and what came too early."""

    def __init__(self, *, patience_ms: int = PATIENCE_MS, limit_bytes: int = LIMIT_BYTES) -> None:
        self._patience_ms = patience_ms
        self._limit_bytes = limit_bytes
        self._begun: set[str] = set()
        self._early: dict[str, list[Raw]] = {}
        self._early_bytes = 0

    def has_begun(self, episode: str) -> bool:
        """Whether its EpisodeStarted was read, and it was not closed since."""
        return episode in self._begun

    def begin(self, episode: str) -> list[Raw]:
        """Its EpisodeStarted is here; gives what came before, in order."""
        self._begun.add(episode)
        return self._take(episode)

    def wait(self, episode: str, raw: Raw) -> None:
        """Keep a record until its episode begins."""
        self._early.setdefault(episode, []).append(raw)
        self._early_bytes += raw.size

    def waiting(self) -> frozenset[str]:
        """Episodes that have not begun and of which records wait."""
        return frozenset(self._early)

    def give_up(self, timeline_ms: int) -> list[tuple[str, list[Raw]]]:
        """Episodes that will not begin any more, with their records; the timeline was read up to `timeline_ms`."""
        lost = []
        for episode, raws in [*self._early.items()]:
            patience_ms = HURRIED_MS if self._early_bytes > self._limit_bytes else self._patience_ms
            if raws[0].event_ms + patience_ms < timeline_ms:
                lost.append((episode, self._take(episode)))
        return lost

    def close(self, episode: str) -> None:
        """The episode is over."""
        self._begun.discard(episode)

    def _take(self, episode: str) -> list[Raw]:
        raws = self._early.pop(episode, [])
        self._early_bytes -= sum(raw.size for raw in raws)
        return raws
