"""How far a shard has read, and what of it would be needed again. Pure."""

from collections import OrderedDict
from collections.abc import Collection

_CLOSED_KEPT = 10_000


class Progress:
    """Positions, low watermarks and closed episodes of one shard."""

    def __init__(self) -> None:
        self._positions: dict[str, int] = {}
        self._first: dict[str, dict[str, int]] = {}  # episode -> topic -> first offset
        self._closed: OrderedDict[str, None] = OrderedDict()

    def saw(self, topic: str, offset: int, episode: str | None) -> None:
        """Note a record that was read."""
        self._positions[topic] = offset + 1
        if episode is not None:
            self._first.setdefault(episode, {}).setdefault(topic, offset)

    def moved(self, topic: str, position: int) -> None:
        """Note that the log goes on at `position`, e.g. behind transaction markers."""
        self._positions[topic] = max(position, self._positions.get(topic, 0))

    def settle(self, open_episodes: Collection[str]) -> list[str]:
        """Close the episodes that are no longer open; gives their names."""
        closed = [episode for episode in self._first if episode not in open_episodes]
        for episode in closed:
            del self._first[episode]
            self._closed[episode] = None
        while len(self._closed) > _CLOSED_KEPT:
            self._closed.popitem(last=False)
        return closed

    def is_closed(self, episode: str) -> bool:
        """Whether the episode was open here and is not any more."""
        return episode in self._closed

    def positions(self) -> dict[str, int]:
        """Next offset to read, by topic."""
        return dict(self._positions)

    def low_watermarks(self) -> dict[str, int]:
        """First offset that a restart must read again, by topic."""
        lows = dict(self._positions)
        for offsets in self._first.values():
            for topic, offset in offsets.items():
                lows[topic] = min(lows[topic], offset)
        return lows
