"""An edge that dies: what its spool has is a finished episode, with every loss in its ledger."""

import subprocess
import sys
import time

from producers.spool.layout import segments

ENOUGH_BYTES = 20_000_000


def test_an_episode_of_a_recorder_that_was_killed_is_finished_from_its_spool(pipeline, recordings, tmp_path, run):
    spool = tmp_path / "spool"
    names = ["--robot", "edge", "--episode", "cut-off", "--spool", str(spool), "--bootstrap", pipeline.bootstrap]
    recorder = subprocess.Popen(
        [sys.executable, "-m", "saltwell.cli.main", "replay", str(recordings / "station_composite_6s.mcap"), *names]
    )
    deadline_s = time.monotonic() + 150
    while sum(path.stat().st_size for path in segments(spool)) < ENOUGH_BYTES:
        assert time.monotonic() < deadline_s
        assert recorder.poll() is None, "the recorder was over before it was killed"
    recorder.kill()
    recorder.wait()

    sent = run("replay", str(spool), "--bootstrap", pipeline.bootstrap)
    assert sent.returncode == 0, sent.stderr
    assert "cut-off  edge  local  aborted" in sent.stdout
    assert segments(spool) == []

    [episode] = pipeline.finished([{"id": "cut-off"}])
    assert episode.decision != "accept"
    assert any("recorder ended in mid-episode" in str(reason) for reason in episode.reasons), episode.reasons
    for stream in episode.streams:
        assert stream.sent == stream.written + stream.lost
        assert stream.lost == sum(lost.count for lost in stream.missing)
        assert {lost.cause for lost in stream.missing} <= {"spool"}
    assert sum(stream.written for stream in episode.streams) > 100


def test_an_episode_through_the_spool_is_the_same_as_without(pipeline, recordings, tmp_path):
    recording = recordings / "station_composite_6s.mcap"
    through = pipeline.replay(recording, robot="same", speed="max", spool=str(tmp_path / "spool"))
    [episode] = pipeline.finished(through)
    assert episode.decision == "accept"
    assert [s for s in episode.streams if s.lost or s.duplicates or s.sent != s.written] == []
