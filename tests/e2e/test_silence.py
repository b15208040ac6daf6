"""A robot that dies, or is cut off, in mid-episode: its episode ends, and what comes later is not lost."""

import json
import signal
import subprocess
import time

import pytest

from saltwell.bus.reading import read_to_end
from saltwell.contracts.codec import Codec
from saltwell.contracts.timeline import EpisodeStarted, FramesIndexed
from saltwell.local.demo import Plan, replay_command

pytestmark = pytest.mark.slow

CLEAN = "station_composite_6s.mcap"
DEADLINE_S = 150


def _begin(pipeline, recording, robot: str) -> tuple[subprocess.Popen[bytes], str]:
    """A robot that is well into its episode: a second of it is in the log."""
    playing = subprocess.Popen(
        replay_command(Plan([recording], robot, 1, "1"), pipeline.bootstrap), stdout=subprocess.PIPE
    )
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        events = [Codec().decode(raw.value) for raw in read_to_end(pipeline.bootstrap, "timeline", range(2))]
        mine = [event for event in events if event.robot == robot]
        if sum(isinstance(event, FramesIndexed) for event in mine) > 10:
            assert playing.poll() is None, "the replay was over before it could be disturbed"
            return playing, next(event.episode for event in mine if isinstance(event, EpisodeStarted))
    raise AssertionError("the robot does not begin")


def test_the_episode_of_a_robot_that_died_is_finished_with_what_is_there(hasty_pipeline, recordings, run) -> None:
    playing, name = _begin(hasty_pipeline, recordings / CLEAN, "dies")
    playing.kill()
    playing.wait()
    [episode] = hasty_pipeline.finished([{"id": name}])

    assert episode.decision in {"review", "reject"}, "what it had announced and not sent yet is lost"
    assert "aborted" in {reason.code for reason in episode.reasons}
    assert any("silent for 5 s" in reason.text for reason in episode.reasons)
    assert all(s.sent == s.written + s.lost for s in episode.streams)
    assert sum(s.written for s in episode.streams if s.stream == "/head/color") >= 20
    done = run("episodes", "verify", name, "--store", str(hasty_pipeline.store))
    assert done.returncode == 0, done.stderr


def test_what_a_robot_sends_after_its_episode_was_ended_makes_a_whole_episode(hasty_pipeline, recordings, run) -> None:
    playing, name = _begin(hasty_pipeline, recordings / CLEAN, "cut-off")
    playing.send_signal(signal.SIGSTOP)
    [ended] = hasty_pipeline.finished([{"id": name}])
    assert "aborted" in {reason.code for reason in ended.reasons}
    playing.send_signal(signal.SIGCONT)
    out, _ = playing.communicate(timeout=DEADLINE_S)
    assert [e["id"] for e in json.loads(out)["episodes"]] == [name]

    where = ("--bootstrap", hasty_pipeline.bootstrap, "--json")
    _wait_for_late(run, where, name, {"frames.color", "frames.joints", "timeline"})
    done = run("late", "recover", name, *where)
    assert done.returncode == 0, done.stderr
    recovered = json.loads(done.stdout)
    [whole] = hasty_pipeline.finished([{"id": recovered["episode"]}])

    assert recovered["episode"] == f"{name}-r"
    assert whole.decision == "accept", whole
    assert all(s.sent == s.written and s.lost == s.duplicates == 0 for s in whole.streams)
    assert {s.stream: s.written for s in whole.streams}["/head/color"] == 180
    again = run("late", "recover", name, *where)
    assert again.returncode == 1
    assert f"there is an episode {name}-r already" in again.stderr


def test_an_episode_of_which_nothing_came_late_can_not_be_recovered(hasty_pipeline, run) -> None:
    done = run("late", "recover", "never-was", "--bootstrap", hasty_pipeline.bootstrap)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "saltwell: nothing came late of episode never-was; `saltwell late ls` lists what did"
    )


def _wait_for_late(run, where: tuple[str, ...], name: str, topics: set[str]) -> None:
    """Wait until something of each topic was set aside; the rest may still be on its way there."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        done = run("late", "ls", *where)
        assert done.returncode == 0, done.stderr
        late = {heap["topic"] for heap in json.loads(done.stdout) if heap["episode"] == name}
        if late >= topics:
            return
    raise AssertionError(f"of {topics} only {late} came late")
