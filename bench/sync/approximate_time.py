"""ROS's ApproximateTime as a policy to compare with, written to the 12 cases of its published test. Times are ints.

A pivot is the newest of the topics' first messages; a candidate set is kept until no later set around the pivot can
be better. Sets share no message, and no message goes out twice.
"""

from collections.abc import Sequence

AGE_PENALTY = 0.1

Heads = tuple[int, ...]


class ApproximateTime:
    """Sets of one stamp a topic. `bounds`: least distance of a topic's messages, where it is known."""

    def __init__(self, topics: int, *, queue: int, bounds: Sequence[float] = ()) -> None:
        self._stamps: list[list[int]] = [[] for _ in range(topics)]
        self._at = [0] * topics  # of each topic: what the search stands at; those before belong to the candidate
        self._missed = [False] * topics
        self._queue = queue
        self._bounds = tuple(bounds) or (0.0,) * topics
        self._candidate: Heads | None = None
        self._span = (0, 0)
        self._pivot = -1
        self._pivot_time = 0
        self._sets: list[Heads] = []

    def add(self, topic: int, stamp: int) -> list[Heads]:
        """Take a message; give the sets that it completes."""
        waiting = self._stamps[topic]
        waiting.append(stamp)
        if self._at[topic] == len(waiting) - 1:
            self._search()
        if len(waiting) > self._queue:
            self._overflow(topic)
        sets, self._sets = self._sets, []
        return sets

    def _overflow(self, topic: int) -> None:
        self._rewind()
        del self._stamps[topic][0]
        self._missed[topic] = True
        if self._candidate is not None:
            self._candidate = None
            self._search()

    def _search(self) -> None:
        while all(at < len(stamps) for at, stamps in zip(self._at, self._stamps, strict=True)):
            heads = tuple(stamps[at] for at, stamps in zip(self._at, self._stamps, strict=True))
            first, last = _first(heads), _last(heads)
            self._missed = [missed and topic == last for topic, missed in enumerate(self._missed)]
            if self._candidate is None and self._missed[last]:
                del self._stamps[first][0]
                continue
            if self._candidate is None:
                self._pivot, self._pivot_time = last, heads[last]
                self._take(heads)
            elif self._cost(heads[last]) < heads[first] - self._span[0]:
                self._take(heads)
            self._at[first] += 1
            if first == self._pivot or self._is_best(heads[last]) or self._is_best_by_rate():
                self._publish()

    def _take(self, heads: Heads) -> None:
        """A better set; what lies before it is of no more use."""
        for topic, at in enumerate(self._at):
            del self._stamps[topic][:at]
        self._rewind()
        self._candidate, self._span = heads, (min(heads), max(heads))

    def _cost(self, end: float) -> float:
        return (end - self._span[1]) * (1 + AGE_PENALTY)

    def _is_best(self, end: float) -> bool:
        """Whether every later set, which reaches from the pivot to there, is worse."""
        return self._cost(end) >= self._pivot_time - self._span[0]

    def _is_best_by_rate(self) -> bool:
        """The same of sets with messages that have not come, as early as they can."""
        at = [*self._at]
        if all(place < len(stamps) for place, stamps in zip(at, self._stamps, strict=True)):
            return False
        while True:
            heads = [self._soonest(topic, place) for topic, place in enumerate(at)]
            first, end = _first(heads), max(heads)
            if self._is_best(end):
                return True
            if self._cost(end) < heads[first] - self._span[0]:
                return False
            at[first] += 1

    def _soonest(self, topic: int, place: int) -> float:
        stamps = self._stamps[topic]
        return stamps[place] if place < len(stamps) else max(stamps[-1] + self._bounds[topic], self._pivot_time)

    def _publish(self) -> None:
        if self._candidate is not None:
            self._sets.append(self._candidate)
        self._candidate = None
        self._rewind()
        for stamps in self._stamps:
            del stamps[0]

    def _rewind(self) -> None:
        self._at = [0] * len(self._at)


def _first(heads: Sequence[float]) -> int:
    return min(range(len(heads)), key=lambda topic: (heads[topic], topic))


def _last(heads: Sequence[float]) -> int:
    return max(range(len(heads)), key=lambda topic: (heads[topic], topic))
