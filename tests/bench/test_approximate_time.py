"""The 12 cases of ROS 2 message_filters' test of ApproximateTime, as numbers: (stamp, topic) in, sets out."""

import pytest

from bench.sync.approximate_time import ApproximateTime

RATE_IN = [(0, 0), (1, 1), (3, 0), (4, 1), (6, 0), (7, 1)]
DROP_IN = [(0, 0), (1, 1), (3, 1), (4, 0), (7, 1), (8, 0), (10, 0), (11, 1), (13, 0), (14, 1)]
LONG_IN = [*((n, 0) for n in range(9)), (3, 1), (9, 0), (10, 0), (11, 0), (12, 0), (10, 1), (13, 0)]
FOUR_IN = [(0, 0), (1, 1), (2, 2), (3, 3), (5, 0), (5, 3), (6, 1), (6, 2), (8, 0), (9, 1), (10, 2), (11, 3)]

CASES = {
    "exact match": (10, (), [(0, 0), (0, 1), (3, 0), (3, 1), (6, 0), (6, 1)], [(0, 0), (3, 3), (6, 6)]),
    "perfect match": (10, (), RATE_IN, [(0, 1), (3, 4)]),
    "imperfect match": (10, (), [(0, 0), (1, 1), (2, 0), (3, 0), (5, 1), (6, 0), (7, 1)], [(0, 1), (6, 5)]),
    "acceleration": (10, (), [(0, 0), (7, 1), (12, 0), (15, 1), (17, 0), (18, 1)], [(12, 7), (17, 18)]),
    "a queue of one is too small": (1, (), DROP_IN, [(4, 3), (10, 11)]),
    "a queue of two is just enough": (2, (), DROP_IN, [(0, 1), (4, 3), (8, 7), (10, 11)]),
    "long queue": (5, (), LONG_IN, [(10, 10)]),
    "double publish": (10, (), [(0, 0), (1, 1), (3, 1), (3, 0)], [(0, 1), (3, 3)]),
    "four topics": (
        10,
        (),
        [*FOUR_IN, (10, 0), (13, 0), (14, 1)],
        [(0, 1, 2, 3), (5, 6, 6, 5), (10, 9, 10, 11)],
    ),
    "early publish": (10, (), [(0, 0), (1, 1), (2, 2), (3, 3), (7, 0)], [(0, 1, 2, 3)]),
    "a rate bound of 1.5": (10, (1.5, 0), RATE_IN, [(0, 1), (3, 4)]),
    "a rate bound of 2": (10, (2, 0), RATE_IN, [(0, 1), (3, 4), (6, 7)]),
}


@pytest.mark.parametrize("case", CASES)
def test_it_gives_the_published_sets(case) -> None:
    queue, bounds, messages, expected = CASES[case]
    policy = ApproximateTime(len(expected[0]), queue=queue, bounds=bounds)
    assert [found for stamp, topic in messages for found in policy.add(topic, stamp)] == expected
