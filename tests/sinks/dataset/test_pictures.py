"""Each row gets its frame, whatever the order of arrival, in bounded memory."""

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from sinks.dataset import pictures
from sinks.dataset.pictures import NoPicture, frames_of_rows
from sinks.dataset.recorded import RecordedFrame
from sinks.episodes.annotations import StepMatch


class _Recorded:
    """Stands in for an archive: frames in the order of their arrival, and which one each row wants."""

    def __init__(self, arrivals: Sequence[int], wanted: Sequence[int]) -> None:
        self.manifest = SimpleNamespace(episode="take-1")
        self.read = 0
        self._arrivals, self._wanted = arrivals, wanted

    def matches(self, stream: str) -> list[StepMatch]:
        return [StepMatch(stream, "held" if seq >= 0 else "missing", seq, -1, 0, 0, 0) for seq in self._wanted]

    def frames(self, stream: str) -> Iterator[RecordedFrame]:
        for seq in self._arrivals:
            self.read += 1
            yield RecordedFrame(seq, seq, bytes(10))


def _rows(recorded: Any) -> list[int]:
    return [frame.seq for frame in frames_of_rows(recorded, "/head/color")]


def test_a_row_may_want_an_earlier_frame_than_the_row_before() -> None:
    assert _rows(_Recorded(range(10), [0, 3, 1, 2, 2, 9])) == [0, 3, 1, 2, 2, 9]


def test_an_earlier_frame_is_not_looked_for_in_the_rest_of_the_archive() -> None:
    recorded: Any = _Recorded(range(1_000), [5, 4, 5, *range(6, 1_000)])
    rows = frames_of_rows(recorded, "/head/color")
    assert [next(rows).seq for _ in range(3)] == [5, 4, 5]
    assert recorded.read == 6


def test_frames_that_arrive_late_are_found() -> None:
    assert _rows(_Recorded([0, 2, 3, 1], [0, 1, 2, 3])) == [0, 1, 2, 3]


def test_a_row_without_a_frame_has_the_nearest_ones() -> None:
    assert _rows(_Recorded(range(9), [-1, 0, -1, -1, 8, -1])) == [0, 0, 0, 8, 8, 8]


def test_what_waits_for_its_rows_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MAX_HELD_BYTES", 100)
    with pytest.raises(NoPicture, match="row 1 wants frame 99 of /head/color, 110 bytes behind"):
        _rows(_Recorded(range(100), [0, 99, *range(1, 99)]))


def test_a_frame_that_is_not_there_is_named() -> None:
    with pytest.raises(NoPicture, match="row 2 wants frame 2 of /head/color, which is not there"):
        _rows(_Recorded([0, 1, 3], [0, 1, 2, 3]))
