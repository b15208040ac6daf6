"""The traces sink: exports an episode's spans once it is in the store."""

from collections.abc import Callable, Collection, Iterable, Sequence

from saltwell.bus.processor import Arrival, Effect, Output
from saltwell.contracts.timeline import EpisodeDiscarded
from sinks.traces.spans import Life, Span

Export = Callable[[Sequence[Span]], None]


class Traces:
    """One trace an episode; `export` is the work outside the log, and never fails: a trace is no data."""

    name = "traces"
    topics = ("timeline", "verdicts", "episodes.finished")

    def __init__(self, export: Export) -> None:
        self._export = export

    def open(self, shard: int) -> "TracesShard":
        """Begin a shard, with nothing known."""
        del shard
        return TracesShard(self._export)


class TracesShard:
    """The episodes of a shard that are under way."""

    def __init__(self, export: Export) -> None:
        self._export = export
        self._lives: dict[str, Life] = {}

    def on_record(self, arrival: Arrival) -> Iterable[Output | Effect]:
        """Take an event of an episode; give the export when it was the last."""
        record = arrival.record
        if isinstance(record, EpisodeDiscarded):
            self._lives.pop(record.episode, None)
            return
        life = self._lives.setdefault(record.episode, Life())
        life.see(record, arrival.timestamp_ms)
        if spans := [*life.spans()]:
            del self._lives[record.episode]
            yield Effect(lambda: self._told(spans))

    def open_episodes(self) -> Collection[str]:
        """Those that are not in the store yet."""
        return self._lives.keys()

    def close(self) -> None:
        """Nothing to let go of."""

    def _told(self, spans: Sequence[Span]) -> Iterable[Output]:
        self._export(spans)
        return ()
