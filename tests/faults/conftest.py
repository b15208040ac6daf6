"""The pipeline of the fault harness: real broker, real S3 server, real processes, and the hands that break them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.faults.recordings import recordings
from bench.faults.rig import Rig, running
from bench.faults.rounds import Recorded, Runner, recorded
from bench.go_tool import BUILD_S

_BUILT = Path("build/bench")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test that needs the S3 server may have to build it."""
    for item in items:
        if "rig" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(BUILD_S))


@pytest.fixture(scope="session")
def played() -> dict[str, Recorded]:
    """The small recordings that the robots play."""
    return recorded(recordings(_BUILT))


@pytest.fixture(scope="session")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running(tmp_path_factory.mktemp("faults"), brokers=1, registry=True) as rig:
        yield rig


@pytest.fixture(scope="session")
def runner(rig: Rig, played: dict[str, Recorded]) -> Runner:
    """Has played every recording undisturbed, and knows what comes of it."""
    runner = Runner(rig, dict(played))
    assert runner.undisturbed().all() == []
    return runner
