import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.numbering import FrameNumbers

T0_NS = 1_767_225_600_000_000_000
PERIOD_NS = 33_333_333
DELAY_NS = 30_000_000


def at(frame: int) -> int:
    return T0_NS + frame * PERIOD_NS


def numbers_of(frames, *, jitter=lambda _: 0, delay=lambda _: DELAY_NS) -> tuple[list[int], FrameNumbers]:
    """Numbers of the frames captured in these slots, in order of arrival."""
    counter = FrameNumbers()
    given_numbers = []
    for frame in frames:
        captured = at(frame) + jitter(frame)
        given_numbers.append(counter.number(captured, captured + delay(frame), frame)[0])
    return given_numbers, counter


@given(st.sets(st.integers(40, 200), max_size=30))
def test_a_lost_frame_never_shifts_its_neighbours(lost: set[int]) -> None:
    kept = [frame for frame in range(202) if frame not in lost]
    numbers, counter = numbers_of(kept)
    assert numbers == kept
    assert counter.holes() == sorted(lost)
    assert counter.last == 201


def test_frames_that_arrive_reversed_get_their_own_slots() -> None:
    order = [*range(50), 53, 52, 51, 50, *range(54, 80)]
    numbers, counter = numbers_of(order)
    assert numbers == order
    assert counter.holes() == []


def test_a_late_frame_fills_the_hole_it_left_and_no_other() -> None:
    order = [*range(50), 51, 53, 50, *range(54, 60)]
    numbers, counter = numbers_of(order)
    assert numbers == order
    assert counter.holes() == [52]


def test_copies_get_the_number_of_the_first_one() -> None:
    counter = FrameNumbers()
    for frame in range(20):
        assert counter.number(at(frame), at(frame) + DELAY_NS, frame) == (frame, False)
    assert counter.number(at(12), at(20), 12) == (12, True)
    assert counter.number(at(20), at(20) + DELAY_NS, 20) == (20, False)
    assert counter.holes() == []


def test_two_different_messages_with_one_stamp_are_two_frames() -> None:
    counter = FrameNumbers()
    found = [counter.number(at(i // 2), at(i // 2) + DELAY_NS, i) for i in range(80)]
    assert found == [(i, False) for i in range(80)]
    assert counter.holes() == []


@pytest.mark.parametrize("seed", range(5))
def test_a_pose_stream_that_jitters_by_most_of_a_period_loses_nothing(seed: int) -> None:
    dice = random.Random(seed)
    offsets = [int(0.73 * PERIOD_NS) if dice.random() < 0.1 else 0 for _ in range(500)]
    numbers, counter = numbers_of(range(500), jitter=lambda frame: offsets[frame])
    assert numbers == list(range(500))
    assert counter.holes() == []


def test_a_clock_that_steps_forward_is_no_loss() -> None:
    step_ns = 250_000_000
    stepped = range(200, 400)
    numbers, counter = numbers_of(
        range(400),
        jitter=lambda frame: step_ns if frame in stepped else 0,
        delay=lambda frame: DELAY_NS - step_ns if frame in stepped else DELAY_NS,
    )
    assert numbers == list(range(400))
    assert counter.holes() == []


def test_a_clock_that_steps_back_is_no_loss_and_later_losses_are_found_again() -> None:
    order = [*range(200), *range(100, 160), *range(161, 200)]
    counter = FrameNumbers()
    numbers = [counter.number(at(f), at(i) + DELAY_NS, i)[0] for i, f in enumerate(order)]
    assert len(set(numbers)) == len(order)
    assert counter.holes() == [360 - 100]


@given(st.lists(st.tuples(st.integers(-(10**18), 10**18), st.integers(0, 10**18), st.integers(0, 3)), max_size=60))
def test_no_two_frames_share_a_number_whatever_their_stamps(frames) -> None:
    counter = FrameNumbers()
    named: dict[int, tuple[int, int]] = {}
    for captured, arrived, digest in frames:
        seq, copy = counter.number(captured, arrived, digest)
        assert copy == (seq in named)
        assert named.setdefault(seq, (captured, digest)) == (captured, digest)
    assert set(named) | set(counter.holes()) == set(range(counter.last + 1))
    assert not set(named) & set(counter.holes())


def test_a_frame_that_cannot_be_sent_uses_up_a_number() -> None:
    counter = FrameNumbers()
    counter.number(at(0), at(0), 0)
    assert counter.skip() == 1
    assert counter.number(at(2), at(2), 2) == (2, False)


def test_a_frame_that_can_not_be_read_is_lost_once_and_not_again_as_a_gap() -> None:
    counter = FrameNumbers()
    numbers = [counter.number(at(f), at(f) + DELAY_NS, f)[0] for f in range(50)]
    skipped = counter.skip()
    numbers += [counter.number(at(f), at(f) + DELAY_NS, f)[0] for f in range(51, 80)]
    assert skipped == 50
    assert numbers == [*range(50), *range(51, 80)]
    assert counter.holes() == []
