"""Which numbers were seen, as runs: as small as the losses are few, whatever the length. Pure."""

import bisect
from collections.abc import Iterator

Run = tuple[int, int]
"""First number of a run and how many follow each other."""


class SeenNumbers:
    """Numbers from 0."""

    def __init__(self) -> None:
        self._first: list[int] = []
        self._behind: list[int] = []  # the number behind each run's last
        self.count = 0
        self.last = -1  # the highest number

    def add(self, number: int) -> bool:
        """Note a number; whether it is new."""
        first, behind = self._first, self._behind
        if behind and number == behind[-1]:
            behind[-1] += 1
            self.count += 1
            self.last = number
            return True
        at = bisect.bisect_right(first, number)
        if at and number < behind[at - 1]:
            return False
        self._insert(at, number)
        self.count += 1
        self.last = max(self.last, number)
        return True

    def __contains__(self, number: int) -> bool:
        at = bisect.bisect_right(self._first, number)
        return bool(at) and number < self._behind[at - 1]

    def __iter__(self) -> Iterator[int]:
        """All numbers, in order."""
        for first, behind in zip(self._first, self._behind, strict=True):
            yield from range(first, behind)

    def holes(self) -> Iterator[Run]:
        """Numbers below the last that were not seen."""
        begin = 0
        for first, behind in zip(self._first, self._behind, strict=True):
            if first > begin:
                yield begin, first - begin
            begin = behind

    def _insert(self, at: int, number: int) -> None:
        first, behind = self._first, self._behind
        joins_before = at > 0 and behind[at - 1] == number
        joins_after = at < len(first) and first[at] == number + 1
        if joins_before and joins_after:
            behind[at - 1] = behind[at]
            del first[at], behind[at]
        elif joins_before:
            behind[at - 1] += 1
        elif joins_after:
            first[at] = number
        else:
            first.insert(at, number)
            behind.insert(at, number + 1)
