"""What happens follows from the seed, and every kind of fault comes."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from bench.faults.schedule import KINDS, Event, rounds_for_all, schedule


def told(rounds: list[list[Event]]) -> list[tuple[str, str, float, float, float]]:
    return [(e.fault.kind, e.fault.target, e.act_s, e.heal_s, e.fault.rng.random()) for r in rounds for e in r]


@given(st.integers(0, 2**32))
def test_the_same_seed_gives_the_same_faults_at_the_same_times(seed):
    assert told(schedule(seed, rounds=4)) == told(schedule(seed, rounds=4))


def test_another_seed_gives_others():
    assert told(schedule(1, rounds=4)) != told(schedule(2, rounds=4))


@given(st.integers(0, 2**32))
def test_faults_of_a_round_never_hit_the_same_victim(seed):
    for events in schedule(seed, rounds=6):
        victims = [v for e in events for v in e.fault.victims_of(e.fault.target)]
        assert len(set(victims)) == len(victims)
        assert len(events) == 3


@given(st.integers(0, 2**32))
def test_every_kind_comes_with_every_target(seed):
    rounds = schedule(seed, rounds=rounds_for_all(seed))

    assert {(type(e.fault), e.fault.target) for r in rounds for e in r} == {(k, t) for k in KINDS for t in k.targets}


def test_a_fault_draws_nothing_but_from_its_seed():
    for kind in KINDS:
        one, two = (kind(Random(1), kind.targets[0]) for _ in range(2))
        assert one.rng.random() == two.rng.random()
