"""The lower convex hull of delays over time: what is left of them when the queues are taken away. Pure.

Time runs along x and delays along y, both in ns. No line under the points touches more than the hull.
"""

import bisect

Line = tuple[int, int, float]
"""A point on the line, and its slope."""


class LowerHull:
    """Lower convex hull of points whose x does not decrease; each costs O(1) on the whole."""

    def __init__(self) -> None:
        self._x: list[int] = []
        self._y: list[int] = []
        self._count = 0
        self._sum_x = 0
        self._sum_y = 0

    def add(self, x: int, y: int) -> None:
        """Take the next point."""
        self._count += 1
        self._sum_x += x
        self._sum_y += y
        xs, ys = self._x, self._y
        if xs and x == xs[-1]:
            if y >= ys[-1]:
                return
            xs.pop()
            ys.pop()
        while len(xs) > 1 and _turns_right(xs, ys, x, y):
            xs.pop()
            ys.pop()
        xs.append(x)
        ys.append(y)

    def span(self) -> int:
        """Distance of the last point from the first."""
        return self._x[-1] - self._x[0]

    def slope_at(self, share: float) -> float:
        """Slope of the edge over a place between the first point (0) and the last (1)."""
        after = self._edge(self._x[0] + share * self.span())
        return (self._y[after] - self._y[after - 1]) / (self._x[after] - self._x[after - 1])

    def support(self, slope: float) -> Line:
        """The highest line of this slope that lies under all points."""
        x0 = self._x[0]
        lowest = min(range(len(self._x)), key=lambda i: self._y[i] - slope * (self._x[i] - x0))
        return self._x[lowest], self._y[lowest], slope

    def height_at(self, share: float, line: Line) -> float:
        """How far the hull lies above a line at a place between the first point (0) and the last (1)."""
        x = self._x[0] + share * self.span()
        if len(self._x) == 1:
            return self._y[0] - value(line, x)
        after = self._edge(x)
        edge = (self._x[after], self._y[after], self.slope_at(share))
        return value(edge, x) - value(line, x)

    def mean_above(self, line: Line) -> float:
        """Mean distance of all points from a line below them."""
        return self._sum_y / self._count - value(line, self._sum_x / self._count)

    @property
    def count(self) -> int:
        """Points taken."""
        return self._count

    def _edge(self, x: float) -> int:
        """Index of the right end of the edge over x; needs two points."""
        return min(max(bisect.bisect_right(self._x, x), 1), len(self._x) - 1)


def value(line: Line, x: float) -> float:
    """Height of a line at x."""
    return line[1] + line[2] * (x - line[0])


def _turns_right(xs: list[int], ys: list[int], x: int, y: int) -> bool:
    """Whether the last point lies on or above the chord from the one before it to a new one."""
    return (xs[-1] - xs[-2]) * (y - ys[-2]) <= (ys[-1] - ys[-2]) * (x - xs[-2])
