"""The scorer: reads every frame once and leaves small numbers."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from processors.score.settings import ScoreSettings
from processors.score.stream import StreamScorer
from saltwell.bus.processor import Arrival, Output
from saltwell.contracts.identity import StreamKind
from saltwell.contracts.timeline import StreamEnded
from saltwell.contracts.topics import FRAME_TOPICS
from saltwell.metrics import OPEN_EPISODES
from saltwell.streams import StreamsOfEpisode


class Score:
    """Metrics of all frames of a shard. The timeline is read for when an episode is over, nothing else."""

    name = "score"
    topics = (*FRAME_TOPICS, "timeline")

    def __init__(self, settings: ScoreSettings | None = None) -> None:
        self._settings = settings or ScoreSettings()

    def open(self, shard: int) -> "ScoreShard":
        """Begin a shard with nothing known."""
        del shard
        return ScoreShard(self._settings)


@dataclass(slots=True)
class _Episode:
    expected: StreamsOfEpisode = field(default_factory=StreamsOfEpisode)
    scorers: dict[str, StreamScorer] = field(default_factory=dict)


class ScoreShard:
    """Episodes that are not over."""

    def __init__(self, settings: ScoreSettings) -> None:
        self._settings = settings
        self._episodes: dict[str, _Episode] = {}

    def on_record(self, arrival: Arrival) -> Iterable[Output]:
        """Score a frame; raises UnreadableFrame for one to set aside."""
        record = arrival.record
        episode = self._episodes.setdefault(record.episode, _Episode())
        if arrival.topic == "timeline":
            episode.expected.tell(record)
        else:
            yield from self._score(episode, record, _kind_of(arrival.topic))
        if episode.expected.is_over():
            del self._episodes[record.episode]
        OPEN_EPISODES.labels(Score.name).set(len(self._episodes))

    def open_episodes(self) -> Collection[str]:
        """Episodes that are not over."""
        return self._episodes.keys()

    def close(self) -> None:
        """Nothing to let go of."""

    def _score(self, episode: _Episode, record: Any, kind: StreamKind) -> Iterable[Output]:
        if record.stream not in episode.scorers:
            episode.scorers[record.stream] = StreamScorer(kind, self._settings)
        scorer = episode.scorers[record.stream]
        if not isinstance(record, StreamEnded):
            for block in scorer.add(record):
                yield Output("scores", block)
            return
        yield Output("scores", scorer.block(record))
        yield Output("scores", record)
        episode.expected.end(record.stream)


def _kind_of(topic: str) -> StreamKind:
    kind: StreamKind = topic.removeprefix("frames.")  # type: ignore[assignment] # the topic table names them so
    return kind
