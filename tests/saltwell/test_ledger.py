from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from saltwell.contracts.timeline import SeqRange, StreamEnded
from saltwell.ledger import balances, ranges, stream_ledger

SEQS = st.sets(st.integers(0, 60))


def ended(last_seq: int, missing: list[SeqRange]) -> StreamEnded:
    return StreamEnded("site", "robot", "episode", "/head/color", "color", 3, last_seq, last_seq + 1, missing)


def numbers(listed) -> list[int]:
    return [seq for r in listed for seq in range(r.first, r.first + r.count)]


@st.composite
def streams(draw):
    """A stream's end, what the log holds of it, and which of that can't be read."""
    last = draw(st.integers(-1, 60))
    numbered = st.sets(st.integers(0, max(last, 0))) if last >= 0 else st.just(set())
    missing, seen = draw(numbered), draw(numbered)
    unreadable = draw(st.sets(st.sampled_from(sorted(seen)))) if seen else set()
    return ended(last, list(ranges(missing, "source"))), seen, unreadable


@given(stream=streams(), duplicates=st.integers(0, 9))
def test_every_frame_is_written_or_lost_with_a_cause_whatever_happened(stream, duplicates: int) -> None:
    end, seen, unreadable = stream
    ledger = stream_ledger(end, seen=seen, unreadable=unreadable, duplicates=duplicates)
    assert balances(ledger)
    assert ledger.sent == end.last_seq + 1
    lost = numbers(ledger.missing)
    assert len(lost) == len(set(lost))
    assert set(lost) | (seen - unreadable) == set(range(ledger.sent))
    assert all(r.cause for r in ledger.missing)


def test_a_frame_that_was_published_and_is_not_in_the_log_is_named() -> None:
    ledger = stream_ledger(ended(4, [SeqRange(1, 1, "source")]), seen={0, 2, 4}, unreadable={2}, duplicates=0)
    assert list(ledger.missing) == [SeqRange(1, 1, "source"), SeqRange(2, 1, "unreadable"), SeqRange(3, 1, "log")]
    assert (ledger.sent, ledger.written, ledger.lost, ledger.dead) == (5, 2, 3, 1)


@given(SEQS)
def test_ranges_name_exactly_their_numbers_in_as_few_ranges_as_possible(seqs: set[int]) -> None:
    found = list(ranges(seqs, "source"))
    assert numbers(found) == sorted(seqs)
    assert all(a.first + a.count < b.first for a, b in pairwise(found))
    assert all(r.count > 0 for r in found)
