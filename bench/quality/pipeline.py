"""From a take to its verdict: the publisher, the synchronizer, the scorer and the judge, without a broker.

Each part is a pure function of its input, and the publisher and the scorer look at one stream at a time: what they
give of a stream that was not touched is kept, so that a fault costs its own stream only.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bench.quality.takes import Samples, Take
from processors.judge.criteria import Criteria
from processors.judge.episode import EpisodeCase
from processors.score.stream import StreamScorer
from processors.synchronize.episode import EpisodeSteps
from producers.publisher import EpisodePublisher, Lost
from saltwell.contracts.results import AlignmentEnded, ScoreBlock, Verdict
from saltwell.contracts.timeline import EpisodeStarted, FramesIndexed, StreamDeclared, StreamEnded
from saltwell.errors import SkipRecordError

_SITE, _ROBOT, _EPISODE = "bench", "robot", "take"


@dataclass(slots=True)
class _Kept:
    """A stream by itself: its scores, how it ended, and what the timeline says of it, tick by tick."""

    blocks: list[ScoreBlock] = field(default_factory=list)
    indexed: list[FramesIndexed] = field(default_factory=list)
    ended: StreamEnded | None = None

    def told(self) -> Iterator[tuple[bytes, bytes, bytes]]:
        """Numbers and stamps, tick by tick."""
        return ((s.seq, s.captured_ns, s.arrived_ns) for event in self.indexed for s in event.streams)


class _Log:
    """An outbox that keeps what was sent."""

    def __init__(self) -> None:
        self.records: list[Any] = []

    def send(self, topic: str, record: Any, *, on_lost: Lost | None = None) -> int:
        del on_lost
        if topic == "timeline" or not isinstance(record, StreamEnded):
            self.records.append(record)
        return 0

    def flush(self) -> None:
        """Nothing waits."""


class Pipeline:
    """Verdicts of takes. What became of a clean stream is kept by its samples' identity."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[Samples, _Kept]] = {}
        self._alignments: dict[int, AlignmentEnded] = {}

    def evidence(self, take: Take, *, keep: bool = False) -> EpisodeCase:
        """Everything the judge learns of a take. `keep` what is found of its streams for later takes."""
        streams = {name: self._stream(take, name, keep=keep) for name in take.samples}
        case = EpisodeCase()
        for one in streams.values():
            for block in one.blocks:
                case.take(block)
            if one.ended is not None:
                case.take(one.ended)
        case.take(self._alignment(take, streams))
        return case

    def _alignment(self, take: Take, streams: dict[str, _Kept]) -> AlignmentEnded:
        """How the streams kept time; known already when all stamps are those of a take seen before."""
        told = hash((take.started_ns, *((name, *one.told()) for name, one in streams.items())))
        if told not in self._alignments:
            *_, ended = _aligned(take, streams)
            self._alignments[told] = ended
        return self._alignments[told]

    def verdict(self, take: Take, criteria: Criteria, *, keep: bool = False) -> Verdict:
        """The verdict of a take."""
        return self.evidence(take, keep=keep).verdict(criteria)

    def _stream(self, take: Take, name: str, *, keep: bool) -> _Kept:
        samples = take.samples[name]
        found = self._kept.get(id(samples))
        if found is not None:
            return found[1]
        kept = _alone(take, take.declared[name], samples)
        if keep:
            self._kept[id(samples)] = (samples, kept)
        return kept


def score_stream(take: Take, name: str, samples: Samples) -> list[ScoreBlock]:
    """Scores of one stream of a take, with these samples in it."""
    return _alone(take, take.declared[name], samples).blocks


def frames_of(take: Take, name: str, samples: Samples) -> list[Any]:
    """The records of one stream of a take, as the scorer reads them."""
    log, _ = _published(take, take.declared[name], samples)
    return [record for record in log.records if hasattr(record, "arrived_ns")]


def _alone(take: Take, declared: StreamDeclared, samples: Samples) -> _Kept:
    """Publish and score one stream."""
    log, ended = _published(take, declared, samples)
    scorer, kept = StreamScorer(declared.kind), _Kept(ended=ended)
    for record in log.records:
        if isinstance(record, FramesIndexed):
            kept.indexed.append(record)
        elif hasattr(record, "arrived_ns"):
            kept.blocks += _scored(scorer, record)
    kept.blocks.append(scorer.block(ended))
    return kept


def _published(take: Take, declared: StreamDeclared, samples: Samples) -> tuple[_Log, StreamEnded]:
    log = _Log()
    publisher = EpisodePublisher(log, site=_SITE, robot=_ROBOT, episode=_EPISODE)
    publisher.start([declared], started_ns=take.started_ns, task="", source={})
    for sample in samples:
        publisher.publish(sample)
    return log, publisher.stop(stopped_ns=take.stopped_ns)[declared.name]


def _scored(scorer: StreamScorer, record: Any) -> list[ScoreBlock]:
    try:
        return list(scorer.add(record))
    except SkipRecordError:
        return []


def _aligned(take: Take, streams: dict[str, _Kept]) -> Iterator[Any]:
    """Run the synchronizer over the timeline of all streams."""
    started = EpisodeStarted(_SITE, _ROBOT, _EPISODE, 0, take.started_ns, "", "", list(take.declared.values()), {})
    steps = EpisodeSteps(started)
    ticks = [one.indexed for one in streams.values()]
    for tick in range(max(map(len, ticks))):
        events = [indexed[tick] for indexed in ticks if tick < len(indexed)]
        blocks = [block for event in events for block in event.streams]
        yield from steps.index(FramesIndexed(_SITE, _ROBOT, _EPISODE, tick, events[0].through_ns, blocks))
    for name in streams:
        steps.end_stream(name)
    yield from steps.end(stopped_ns=take.stopped_ns, ending="stopped", success=None)
