"""Recordings in, a data set that loads out: every part as a real process."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from sinks.review.command import review

CLEAN, DOUBTFUL = "station_composite_6s.mcap", "g1_pick_bottle_29.mcap"
pytestmark = pytest.mark.slow

DEADLINE_S = 150


def test_what_the_verdict_or_a_person_accepts_becomes_a_dataset(pipeline, recordings, run, tmp_path) -> None:
    command = [sys.executable, "-m", "saltwell.cli.main", "sink", "dataset", "--decision", "accept"]
    where = ["--bootstrap", pipeline.bootstrap, "--store", str(pipeline.store), "--instance", "only-one"]
    making = subprocess.Popen([*command, *where])
    try:
        [episode] = pipeline.replay(recordings / CLEAN, robot="trainer", speed="max")
        [doubtful] = pipeline.replay(recordings / DOUBTFUL, robot="reviewed", speed="max")
        assert [one.decision for one in pipeline.finished([episode, doubtful])] == ["accept", "review"]
        words = ["--accept", "--by", "ana", "--store", str(pipeline.store), "--bootstrap", pipeline.bootstrap]
        assert CliRunner().invoke(review, [doubtful["id"], *words]).exit_code == 0
        deadline = time.monotonic() + DEADLINE_S
        while not all((pipeline.store / "trained" / f"{one['id']}.json").exists() for one in (episode, doubtful)):
            assert making.poll() is None
            assert time.monotonic() < deadline, "no training files"
            time.sleep(0.1)
    finally:
        making.terminate()
        making.wait(30)
    options = ("--to", str(tmp_path), "--store", str(pipeline.store), "--json")
    done = run("dataset", "publish", "--name", "two", "--robot", "reviewed", *options)
    assert json.loads(done.stdout)["episodes"] == 1, done.stderr
    done = run("dataset", "publish", "--name", "one", "--robot", "trainer", *options)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"] == 180
    checked = run("dataset", "check", str(tmp_path / "one"), "--json")
    assert json.loads(checked.stdout) == {"episodes": 1, "rows": 180, "problems": []}
    assert checked.returncode == 0
    assert complaints(tmp_path / "two") == []  # on the other one it fails itself


def complaints(dataset: Path) -> list[str]:
    """What lerobot-doctor finds wrong."""
    command = [str(Path(sys.executable).with_name("lerobot-doctor")), "check", str(dataset), "--json"]
    report = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert (report["total_episodes"], report["format_version"]) == (1, "v3")
    said = (message for check in report["checks"] for message in check["messages"])
    return [message["message"] for message in said if message["severity"] == "FAIL"]
