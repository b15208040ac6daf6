"""Recordings in, a data set that loads out: every part as a real process."""

import json
import subprocess
import sys
import time

CLEAN = "station_composite_6s.mcap"
DEADLINE_S = 120


def test_a_recording_becomes_a_dataset(pipeline, recordings, run, tmp_path) -> None:
    command = [sys.executable, "-m", "saltwell.cli.main", "sink", "dataset", "--decision", "accept"]
    where = ["--bootstrap", pipeline.bootstrap, "--store", str(pipeline.store), "--instance", "only-one"]
    making = subprocess.Popen([*command, *where])
    try:
        [episode] = pipeline.replay(recordings / CLEAN, robot="trainer", speed="max")
        pipeline.finished([episode])
        marker = pipeline.store / "trained" / f"{episode['id']}.json"
        deadline = time.monotonic() + DEADLINE_S
        while not marker.exists():
            assert making.poll() is None
            assert time.monotonic() < deadline, "no training files"
            time.sleep(0.1)
    finally:
        making.terminate()
        making.wait(30)
    options = ("--store", str(pipeline.store), "--robot", "trainer", "--json")
    done = run("dataset", "publish", "--name", "one", "--to", str(tmp_path), *options)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"] == 180
    checked = run("dataset", "check", str(tmp_path / "one"), "--json")
    assert json.loads(checked.stdout) == {"episodes": 1, "rows": 180, "problems": []}
    assert checked.returncode == 0
