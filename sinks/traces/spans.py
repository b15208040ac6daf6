"""The spans of one episode, by when the log learned of its events. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from saltwell.contracts.identity import OfEpisode
from saltwell.contracts.results import EpisodeFinished, Verdict
from saltwell.contracts.timeline import EpisodeAborted, EpisodeStarted, EpisodeStopped
from saltwell.contracts.trace import ROOT, span_id, trace_id

_EVENTS = {
    EpisodeStarted: "started",
    EpisodeStopped: "stopped",
    EpisodeAborted: "stopped",
    Verdict: "judged",
    EpisodeFinished: "stored",
}
_SPANS = (("take", "started", "stopped"), ("verdict", "stopped", "judged"), ("store", "judged", "stored"))


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of an episode's life. Ids in hex; `parent` is empty at the root; times in ms of the broker's clock."""

    name: str
    trace: str
    id: str
    parent: str
    begin_ms: int
    end_ms: int
    about: Mapping[str, str | int | tuple[str, ...]]


class Life:
    """What is known of an episode so far."""

    def __init__(self) -> None:
        self._at_ms: dict[str, int] = {}
        self._finished: EpisodeFinished | None = None

    def see(self, record: OfEpisode, at_ms: int) -> None:
        """Take an event; the first of a kind counts."""
        if (event := _EVENTS.get(type(record))) is not None:
            self._at_ms.setdefault(event, at_ms)
        if isinstance(record, EpisodeFinished):
            self._finished = record

    def spans(self) -> Iterator[Span]:
        """All of them, the root first, once everything has happened; else none."""
        if self._finished is None or self._at_ms.keys() != set(_EVENTS.values()):
            return
        yield self._span(ROOT, "started", "stored", self._finished)
        for name, begin, end in _SPANS:
            yield self._span(name, begin, end, self._finished)

    def _span(self, name: str, begin: str, end: str, episode: EpisodeFinished) -> Span:
        names = (episode.robot, episode.episode)
        begin_ms = self._at_ms[begin]
        return Span(
            name=name,
            trace=trace_id(*names),
            id=span_id(*names, name),
            parent="" if name == ROOT else span_id(*names, ROOT),
            begin_ms=begin_ms,
            end_ms=max(begin_ms, self._at_ms[end]),  # one shard's topics may lie on brokers with different clocks
            about={
                "saltwell.site": episode.site,
                "saltwell.robot": episode.robot,
                "saltwell.episode": episode.episode,
                "saltwell.task": episode.task,
                "saltwell.decision": episode.decision,
                "saltwell.reasons": tuple(reason.code for reason in episode.reasons),
                "saltwell.uri": episode.uri,
                "saltwell.bytes": episode.bytes,
            },
        )
