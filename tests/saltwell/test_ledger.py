import tracemalloc
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
    """A stream's end, what the log holds of it (more than the end knows of, too), and what can't be read."""
    last = draw(st.integers(-1, 60))
    missing = draw(st.sets(st.integers(0, max(last, 0)))) if last >= 0 else set()
    listed = [
        r for cause in ("source", "malformed") for r in ranges({m for m in missing if draw(st.booleans())}, cause)
    ]
    seen, unreadable = draw(st.sets(st.integers(0, 70))), draw(SEQS)
    return ended(last, apart(listed)), seen, unreadable


def apart(listed: list[SeqRange]) -> list[SeqRange]:
    """Without those that overlap an earlier one: the codec lets none of them in."""
    kept: list[SeqRange] = []
    for r in listed:
        if not set(numbers([r])) & set(numbers(kept)):
            kept.append(r)
    return kept


@given(stream=streams(), duplicates=st.integers(0, 9))
def test_every_frame_is_written_or_lost_with_a_cause_whatever_happened(stream, duplicates: int) -> None:
    end, seen, unreadable = stream
    ledger = stream_ledger(end, seen=seen, unreadable=unreadable, duplicates=duplicates)
    assert balances(ledger)
    assert ledger.sent == max(end.last_seq, max(seen, default=-1)) + 1
    lost, written = numbers(ledger.missing), seen - unreadable
    assert len(lost) == len(set(lost)) == ledger.lost
    assert not set(lost) & written
    assert set(lost) | written == set(range(ledger.sent))
    assert all(r.cause for r in ledger.missing)
    assert ledger.dead <= ledger.lost


def test_a_frame_that_was_given_up_and_is_in_the_log_all_the_same_is_not_lost() -> None:
    """A broker may take a frame and not be able to say so: the publisher lists it as undelivered."""
    ledger = stream_ledger(
        ended(9, [SeqRange(2, 6, "undelivered")]), seen={0, 1, 4, 8, 9}, unreadable=set(), duplicates=0
    )
    assert list(ledger.missing) == [SeqRange(2, 2, "undelivered"), SeqRange(5, 3, "undelivered")]
    assert (ledger.sent, ledger.written, ledger.lost) == (10, 5, 5)


def test_absurd_numbers_take_no_memory() -> None:
    end = ended(2**32 - 1, [SeqRange(7, 2**31, "source")])
    tracemalloc.start()
    try:
        ledger = stream_ledger(end, seen={0, 5, 2**31 + 100}, unreadable=set(), duplicates=0)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()
    assert balances(ledger)
    assert (ledger.sent, ledger.written) == (2**32, 3)


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
