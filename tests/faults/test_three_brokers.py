"""Of three brokers any one may die: nothing is lost, and output goes on while it is away."""

from collections.abc import Iterator
from random import Random

import pytest

from bench.faults.kinds.processes import KillBroker
from bench.faults.rig import Rig, running
from bench.faults.rounds import Recorded, Runner
from bench.faults.schedule import Event

AWAY_S = 20.0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running(tmp_path_factory.mktemp("cluster"), brokers=3, registry=False) as rig:
        yield rig


@pytest.fixture(scope="module")
def cluster_runner(cluster: Rig, played: dict[str, Recorded]) -> Runner:
    return Runner(cluster, {"plain": played["plain"]})


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", range(3))  # each leads some partitions, and one of them the cluster itself
def test_a_killed_broker_loses_nothing_and_output_goes_on_without_it(cluster_runner, number, record_property):
    fault = KillBroker(Random(number), str(number))

    outcome = cluster_runner.round(number, [Event(fault, 1.0, 1.0 + AWAY_S)])

    assert outcome.findings.all() == []
    assert outcome.broken == []
    assert fault.detail["next_output_s"] < AWAY_S
    record_property("next_output_s", fault.detail["next_output_s"])
