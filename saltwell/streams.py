"""When an episode is over for a reader of its streams: all declared ones have ended, and the robot has stopped. Pure.

Topics are read independently, so a stream may end here before another has shown its first frame. Only the
timeline tells how many there are to wait for.
"""

from saltwell.contracts.identity import StreamKind
from saltwell.contracts.timeline import EpisodeAborted, EpisodeDiscarded, EpisodeStarted, EpisodeStopped


class StreamsOfEpisode:
    """Which streams of an episode a reader waits for; `kinds` empty = all kinds."""

    def __init__(self, *kinds: StreamKind) -> None:
        self._kinds = kinds
        self._declared: frozenset[str] | None = None
        self._ended: set[str] = set()
        self._stopped = False

    def tell(self, event: object) -> None:
        """Take an event of the timeline; those that do not begin or end the episode say nothing here."""
        match event:
            case EpisodeStarted():
                wanted = (s.name for s in event.streams if not self._kinds or s.kind in self._kinds)
                self._declared = frozenset(wanted)
            case EpisodeStopped() | EpisodeAborted() | EpisodeDiscarded():
                self._stopped = True

    def end(self, stream: str) -> None:
        """A stream is complete."""
        self._ended.add(stream)

    def is_over(self) -> bool:
        """Whether nothing more can come."""
        return self._stopped and self._declared is not None and self._declared <= self._ended
