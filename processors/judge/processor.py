"""The judge: reads alignment and scores, writes one verdict an episode."""

from collections.abc import Collection, Iterable

from processors.judge.baselines import Baselines
from processors.judge.criteria import Criteria
from processors.judge.episode import EpisodeCase
from saltwell.bus.processor import Arrival, Output
from saltwell.metrics import OPEN_EPISODES, VERDICTS


class Judge:
    """Verdicts for every episode of a shard."""

    name = "judge"
    topics = ("alignment", "scores")

    def __init__(self, criteria: Criteria, baselines: Baselines | None = None) -> None:
        self._criteria = criteria
        self._baselines = baselines

    def open(self, shard: int) -> "JudgeShard":
        """Begin a shard with nothing known."""
        del shard
        return JudgeShard(self._criteria, self._baselines)


class JudgeShard:
    """Episodes that wait for their last evidence."""

    def __init__(self, criteria: Criteria, baselines: Baselines | None) -> None:
        self._criteria = criteria
        self._baselines = baselines
        self._cases: dict[str, EpisodeCase] = {}

    def on_record(self, arrival: Arrival) -> Iterable[Output]:
        """Take a block of evidence; give the verdict when it was the last."""
        record = arrival.record
        case = self._cases.setdefault(record.episode, EpisodeCase())
        case.take(record)
        if case.is_complete():
            del self._cases[record.episode]
            if not case.is_discarded():
                verdict = case.verdict(self._criteria, self._baselines)
                VERDICTS.labels(verdict.decision).inc()
                yield Output("verdicts", verdict)
        OPEN_EPISODES.labels(Judge.name).set(len(self._cases))

    def open_episodes(self) -> Collection[str]:
        """Episodes without a verdict."""
        return self._cases.keys()

    def close(self) -> None:
        """Nothing to let go of."""
