"""The scorer: reads every frame once and leaves small numbers."""

from collections.abc import Collection, Iterable

from processors.score.stream import StreamScorer
from saltwell.bus.processor import Arrival, Output
from saltwell.contracts.identity import StreamKind
from saltwell.contracts.timeline import StreamEnded
from saltwell.contracts.topics import FRAME_TOPICS
from saltwell.metrics import OPEN_EPISODES


class Score:
    """Metrics of all frames of a shard."""

    name = "score"
    topics = FRAME_TOPICS

    def open(self, shard: int) -> "ScoreShard":
        """Begin a shard with nothing known."""
        del shard
        return ScoreShard()


class ScoreShard:
    """Streams that have begun and not ended, by episode."""

    def __init__(self) -> None:
        self._episodes: dict[str, dict[str, StreamScorer]] = {}

    def on_record(self, arrival: Arrival) -> Iterable[Output]:
        """Score a frame; raises UnreadableFrame for one to set aside."""
        record = arrival.record
        streams = self._episodes.setdefault(record.episode, {})
        scorer = streams.get(record.stream)
        if scorer is None:
            scorer = streams[record.stream] = StreamScorer(_kind_of(arrival.topic))
        if isinstance(record, StreamEnded):
            yield Output("scores", scorer.block(record))
            yield Output("scores", record)
            self._end(record.episode, record.stream)
        else:
            for block in scorer.add(record):
                yield Output("scores", block)
        OPEN_EPISODES.labels(Score.name).set(len(self._episodes))

    def open_episodes(self) -> Collection[str]:
        """Episodes with a stream that has not ended."""
        return self._episodes.keys()

    def close(self) -> None:
        """Nothing to let go of."""

    def _end(self, episode: str, stream: str) -> None:
        del self._episodes[episode][stream]
        if not self._episodes[episode]:
            del self._episodes[episode]


def _kind_of(topic: str) -> StreamKind:
    kind: StreamKind = topic.removeprefix("frames.")  # type: ignore[assignment] # the topic table names them so
    return kind
