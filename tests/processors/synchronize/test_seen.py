from hypothesis import given
from hypothesis import strategies as st

from processors.synchronize.seen import SeenNumbers


@given(st.lists(st.integers(0, 40)))
def test_it_tells_what_a_set_would_tell(numbers) -> None:
    seen, known = SeenNumbers(), set()
    for number in numbers:
        assert seen.add(number) == (number not in known)
        known.add(number)
    assert [*seen] == sorted(known)
    assert seen.count == len(known)
    assert seen.last == max(known, default=-1)
    holes = {n for first, count in seen.holes() for n in range(first, first + count)}
    assert holes == set(range(seen.last + 1)) - known
    assert all((n in seen) == (n in known) for n in range(45))


def test_numbers_far_apart_cost_nothing() -> None:
    seen = SeenNumbers()
    seen.add(2**60)
    assert [*seen.holes()] == [(0, 2**60)]
