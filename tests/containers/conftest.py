"""The pipeline as containers, started once for all its tests."""

from collections.abc import Iterator

import pytest

from bench import floor as containers


@pytest.fixture(scope="module")
def floor(go_tool, tmp_path_factory) -> Iterator[containers.Floor]:
    """The running floor."""
    if not containers.daemon_answers():
        pytest.skip("no Docker daemon answers: start one, or `source tests/containers/docker.sh FOLDER`")
    with containers.floor(tmp_path_factory.mktemp("containers")) as running:
        yield running
