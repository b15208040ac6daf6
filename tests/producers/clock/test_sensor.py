import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.clock import ClockReading, SensorCalibration, SensorClock

MS = 1_000_000
T0 = 1_767_225_600 * 10**9
CALIBRATED = SensorCalibration(latency_ns=30 * MS)


def frames(seconds: float, *, rate_hz=30.0, offset_ms=0.0, ppm=0.0, queue_ms=1.0, seed=1, lost=0.0):
    """Stamps and arrivals of a sensor whose clock is behind by `offset_ms` and fast by `ppm`; latency 30 ms."""
    rng = np.random.default_rng(seed)
    true_ns = (np.arange(int(seconds * rate_hz)) / rate_hz * 1e9).astype(np.int64)
    true_ns = true_ns[rng.random(true_ns.size) >= lost]
    queue_ns = (rng.exponential(queue_ms, true_ns.size) * MS).astype(np.int64)
    arrived = np.maximum.accumulate(true_ns + 30 * MS + queue_ns)
    stamps = true_ns - int(offset_ms * MS) + (true_ns * ppm * 1e-6).astype(np.int64)
    return (T0 + stamps).tolist(), (T0 + arrived).tolist()


def reading(stamps, arrivals, calibration=None) -> ClockReading:
    clock = SensorClock(calibration)
    for stamp, arrival in zip(stamps, arrivals, strict=True):
        clock.add(stamp, arrival)
    return clock.reading()


def set_clock(stamps, at: int, by_ms: float):
    return [*stamps[:at], *(stamp + round(by_ms * MS) for stamp in stamps[at:])]


@pytest.mark.parametrize("offset_ms", [0.0, 258.0, -258.0, 1e9])
def test_a_calibrated_clock_is_known_to_a_tenth_of_a_millisecond(offset_ms) -> None:
    found = reading(*frames(60, offset_ms=offset_ms, ppm=30.0), CALIBRATED)
    drifted_ms = 30e-6 * 60e3
    assert found.source == "calibrated"
    assert found.offset_ns / MS == pytest.approx(offset_ms - drifted_ms, abs=0.1)
    assert found.rate_ppm == pytest.approx(30.0, abs=3.0)
    assert found.residual_ns < 0.1 * MS


def test_stamps_near_their_arrival_are_used_as_they_are() -> None:
    found = reading(*frames(8))
    assert (found.source, found.offset_ns, found.jumps) == ("kept", 0, 0)


def test_a_drift_is_taken_off_stamps_near_their_arrival_once_it_is_certain() -> None:
    found = reading(*frames(60, ppm=30.0))
    assert found.offset_ns / MS == pytest.approx(-1.8, abs=0.1)


def test_a_stamp_in_the_future_of_its_arrival_is_put_right() -> None:
    stamps, arrivals = frames(8, offset_ms=-34.5)
    found = reading(stamps, arrivals)
    assert found.offset_ns / MS == pytest.approx(-4.5, abs=0.2)
    assert all(
        stamp + found.offset_ns <= arrival + found.residual_ns for stamp, arrival in zip(stamps, arrivals, strict=True)
    )


def test_a_clock_that_counts_from_its_boot_gets_the_least_delay_as_offset() -> None:
    found = reading(*frames(8, offset_ms=1e9))
    assert (found.source, found.offset_ns / MS) == ("foreign", pytest.approx(1e9 + 30, abs=0.2))


def test_hardware_stamps_are_used_as_they_are_and_watched_all_the_same() -> None:
    stamps, arrivals = frames(20, offset_ms=100.0)
    found = reading(set_clock(stamps, 300, 50), arrivals, SensorCalibration(stamps="hardware"))
    assert (found.source, found.offset_ns, found.jumps) == ("hardware", 0, 1)


@pytest.mark.parametrize("by_ms", [-30_000, -250, -50, -10, 10, 50, 250, 30_000])
def test_a_clock_that_is_set_is_followed_and_told(by_ms) -> None:
    stamps, arrivals = frames(20, ppm=20.0)
    found = reading(set_clock(stamps, 300, by_ms), arrivals)
    assert found.jumps == 1
    assert found.jump_ns / MS == pytest.approx(by_ms, abs=1.0)
    assert found.jump_at_ns == stamps[300] + by_ms * MS
    assert found.offset_ns / MS == pytest.approx(-by_ms, abs=1.0)


def test_a_jump_forward_is_followed_within_two_frames_and_one_back_within_a_second_and_a_tenth() -> None:
    stamps, arrivals = frames(20)
    for by_ms, limit in ((50, 2), (-50, 33)):
        clock, noticed = SensorClock(), 0
        for i, pair in enumerate(zip(set_clock(stamps, 300, by_ms), arrivals, strict=True)):
            if clock.add(*pair):
                noticed = i
        assert 300 < noticed <= 300 + limit


def test_a_queue_that_fills_is_no_jump_when_the_stamps_go_on_evenly() -> None:
    stamps, arrivals = frames(20)
    stalled = arrivals[:300] + [max(a, arrivals[300] + 3_000 * MS) + 80 * MS for a in arrivals[300:]]
    assert reading(stamps, stalled).jumps == 0


def test_a_queue_that_drains_is_no_jump() -> None:
    stamps, arrivals = frames(20)
    filled = [a + 200 * MS for a in arrivals[:300]] + arrivals[300:]
    assert reading(stamps, filled).jumps == 0


def test_a_frame_that_overtook_others_is_no_jump() -> None:
    stamps, arrivals = frames(20, rate_hz=100.0)
    stamps[1000:1004] = reversed(stamps[1000:1004])
    found = reading(stamps, arrivals)
    assert (found.jumps, found.offset_ns) == (0, 0)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), lost=st.sampled_from([0.0, 0.01, 0.1]), queue_ms=st.sampled_from([0.1, 1.0, 6.0]))
def test_losses_and_queues_are_never_taken_for_jumps(seed, lost, queue_ms) -> None:
    assert reading(*frames(20, seed=seed, lost=lost, queue_ms=queue_ms)).jumps == 0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**63 - 1)), max_size=80))
def test_absurd_times_give_a_reading_and_no_error(pairs) -> None:
    arrivals = sorted(arrival for _, arrival in pairs)
    found = reading([stamp for stamp, _ in pairs], arrivals)
    assert all(-(2**63) <= ns < 2**63 for ns in (found.offset_ns, found.residual_ns, found.jump_ns, found.jump_at_ns))
