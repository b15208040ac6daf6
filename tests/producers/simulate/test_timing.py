import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from producers.simulate.timing import Link, Pulse

seeds = st.integers(0, 2**32 - 1)


@given(seeds, st.sampled_from([10.0, 30.0, 90.0]))
def test_a_pulse_keeps_its_rate_and_gives_every_instant_once(seed: int, rate_hz: float) -> None:
    pulse = Pulse(rate_hz=rate_hz, phase_s=0.004, jitter_s=0.0002, rng=np.random.default_rng(seed))
    instants = [t for step in range(4000) for t in pulse.due(step * 1_000_000)]
    assert abs(len(instants) - 4 * rate_hz) <= 1
    gaps_ms = np.diff(instants) / 1e6
    assert np.abs(gaps_ms - 1000 / rate_hz).max() < 1.3
    assert pulse.due(3_999_000_000) == []


@given(seeds, st.lists(st.integers(0, 10**9), min_size=1, max_size=50))
def test_no_message_overtakes_another_of_its_topic_or_arrives_before_it_was_sent(seed: int, ready: list[int]) -> None:
    link = Link(latency_s=0.002, jitter_s=0.003, rng=np.random.default_rng(seed))
    arrivals = [link.arrival(t) for t in sorted(ready)]
    assert arrivals == sorted(arrivals)
    assert all(arrival - t >= 2_000_000 for arrival, t in zip(arrivals, sorted(ready), strict=True))
