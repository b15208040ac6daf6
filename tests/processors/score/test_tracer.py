from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from processors.score.tracer import MIN_SPACING_NS, Tracer
from saltwell.contracts.columns import f32, i64

MS = 1_000_000


def add(tracer, times_ms, labels=("a", "b")):
    times_ns = np.asarray(times_ms, dtype=np.int64) * MS
    tracer.add(labels, times_ns, np.stack([times_ns / MS] * len(labels), axis=1))


def kept_ms(tracer):
    return [time_ns // MS for trace in tracer.take() for time_ns in i64(trace.captured_ns).tolist()]


def test_fast_streams_are_thinned_and_slow_ones_are_not():
    fast, slow = Tracer(), Tracer()
    for begin in range(0, 1000, 20):
        add(fast, range(begin, begin + 20))
    add(slow, range(0, 1000, 10))

    assert kept_ms(fast) == list(range(0, 1000, 8))
    assert kept_ms(slow) == list(range(0, 1000, 10))


def test_copies_and_late_samples_are_left_out():
    tracer = Tracer()
    add(tracer, [0, 10, 20])
    add(tracer, [10, 20, 30])
    add(tracer, [5])

    assert kept_ms(tracer) == [0, 10, 20, 30]


def test_values_stay_with_their_times():
    tracer = Tracer()
    add(tracer, [0, 4, 10])

    (trace,) = tracer.take()

    assert trace.labels == ("a", "b")
    assert f32(trace.values, 2).tolist() == [[0, 0], [10, 10]]
    assert tracer.take() == []


def test_another_layout_begins_another_trace():
    tracer = Tracer()
    add(tracer, [0, 10])
    add(tracer, [20], labels=("a", "b", "c"))

    assert [trace.labels for trace in tracer.take()] == [("a", "b"), ("a", "b", "c")]


def test_samples_that_do_not_fit_their_labels_are_left_out():
    tracer = Tracer()
    tracer.add(("a", "b"), np.array([0]), np.zeros((1, 3)))

    assert tracer.take() == []


@given(st.lists(st.lists(st.integers(-(2**62), 2**62), max_size=5), max_size=8))
def test_times_only_rise_whatever_comes(blocks):
    tracer = Tracer()
    for block in blocks:
        tracer.add(("a",), np.asarray(block, dtype=np.int64), np.zeros((len(block), 1)))

    times = [time_ns for trace in tracer.take() for time_ns in i64(trace.captured_ns).tolist()]

    assert all(later - earlier >= MIN_SPACING_NS for earlier, later in pairwise(times))
