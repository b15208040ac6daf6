"""Whatever dies in mid-run, the same episodes come out."""

import json
import subprocess
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from mcap.reader import make_reader

from saltwell.local.demo import Plan, replay_command
from saltwell.local.stack import WORKERS

pytestmark = pytest.mark.slow

CLEAN = "station_composite_6s.mcap"
KILL_AFTER_S = 2.0


def alignment_of(uri: str) -> list[bytes]:
    with (Path(unquote(urlsplit(uri).path)) / "episode.mcap").open("rb") as file:
        return [m.data for _, _, m in make_reader(file).iter_messages(topics=["/saltwell/alignment"])]


@pytest.fixture(scope="module")
def undisturbed(pipeline, recordings) -> list[bytes]:
    [episode] = pipeline.finished(pipeline.replay(recordings / CLEAN, robot="undisturbed", speed="max"))
    return alignment_of(episode.uri)


@pytest.mark.parametrize("worker", WORKERS)
def test_a_worker_killed_in_mid_episode_loses_and_repeats_nothing(worker, pipeline, recordings, undisturbed):
    plan = Plan([recordings / CLEAN], f"kill-{worker}", 1, "1")
    playing = subprocess.Popen(replay_command(plan, pipeline.bootstrap), stdout=subprocess.PIPE)
    began_s = time.monotonic()
    while playing.poll() is None and time.monotonic() - began_s < KILL_AFTER_S:
        time.sleep(0.05)
    assert playing.poll() is None, "the replay was over before the kill"

    victim = pipeline.stack.workers[worker].process
    victim.kill()
    victim.wait()
    pipeline.stack.start_worker(worker)

    out, _ = playing.communicate(timeout=150)
    [episode] = pipeline.finished(json.loads(out)["episodes"])
    wrong = [s for s in episode.streams if s.sent != s.written or s.lost or s.duplicates]
    assert wrong == []
    assert episode.decision == "accept"
    assert alignment_of(episode.uri) == undisturbed
