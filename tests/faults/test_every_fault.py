"""Every kind of fault, in a fixed schedule, against the real pipeline: nothing lost, doubled, torn or unseen."""

import pytest

from bench.faults.report import Report
from bench.faults.schedule import rounds_for_all, schedule

SEED = 1
ROUNDS = schedule(SEED, rounds=rounds_for_all(SEED, brief=True), brief=True)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(1, len(ROUNDS) + 1))
def test_nothing_is_lost_doubled_torn_or_unseen(runner, number):
    outcome = runner.round(number, ROUNDS[number - 1])

    assert outcome.findings.all() == []
    assert outcome.broken == []


@pytest.mark.slow
def test_no_later_fault_touched_an_episode_and_no_process_crashed(runner, rig):
    report = Report(seed=SEED, brokers=1, end=runner.check_all(), exits=list(rig.fleet.exits))

    assert report.problems() == []
