import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.clock.hull import LowerHull, value

POINTS = st.lists(st.tuples(st.integers(0, 10**11), st.integers(-(10**12), 10**12)), min_size=1, max_size=60)


def hull_of(points) -> LowerHull:
    hull = LowerHull()
    for x, y in sorted(points, key=lambda p: p[0]):
        hull.add(x, y)
    return hull


def test_the_published_case_has_offset_0_and_rate_three_quarters() -> None:
    hull = hull_of([(0, 0), (1, 1), (2, 1.5), (3, 3)])
    rate = hull.slope_at(0.5)
    assert rate == 0.75
    assert value(hull.support(rate), 0) == 0


@given(POINTS, st.floats(-1e-3, 1e-3))
def test_no_point_lies_below_a_supporting_line_and_one_lies_on_it(points, slope) -> None:
    line = hull_of(points).support(slope)
    heights = [y - value(line, x) for x, y in points]
    assert min(heights) == pytest.approx(0, abs=1e-3)


@given(POINTS, st.floats(0.01, 0.99))
def test_no_point_lies_below_an_edge(points, share) -> None:
    hull = hull_of(points)
    if hull.span() == 0:
        return
    x0 = min(x for x, _ in points) + share * hull.span()
    edge = (x0, hull.height_at(share, (0, 0, 0.0)), hull.slope_at(share))
    assert min(y - value(edge, x) for x, y in points) > -0.1
