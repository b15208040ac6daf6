"""A real recorder, killed in mid-episode."""

import subprocess
import sys
from pathlib import Path

import pytest

from producers.replay.player import Part, play
from producers.spool.layout import segments
from producers.spool.room import Room
from producers.spool.spool import CUT_OFF, Spool
from saltwell.contracts.codec import Codec
from saltwell.contracts.timeline import EpisodeAborted

IDENTITY = ("local", "robot", "take")


def recorder(recording: Path, folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "saltwell.cli.main", "replay", str(recording), "--robot", "robot"]
    return subprocess.Popen([*command, "--episode", "take", "--spool", str(folder), "--offline"])


@pytest.mark.parametrize("share", [0.15, 0.5, 0.85])
def test_a_recorder_killed_in_mid_episode_leaves_an_episode_that_is_whole(kit, recordings, tmp_path, share) -> None:
    recording, folder = recordings / "station_composite_6s.mcap", tmp_path / "spool"
    process = recorder(recording, folder)
    whole_bytes = 44_000_000
    kit.until(lambda: sum(p.stat().st_size for p in segments(folder)) > share * whole_bytes, deadline_s=150)
    process.kill()
    process.wait()

    broker = kit.Broker()
    with Spool(folder, room=Room(10**12, 0, 0)) as spool:
        spool.log.close()
        kit.send_everything(folder, spool.log, broker)
    records = broker.records()
    kit.account_is_whole(records, IDENTITY)
    assert isinstance(records[-1][1], EpisodeAborted)
    assert records[-1][1].reason == CUT_OFF
    undisturbed = kit.Collected()
    part = Part("robot", "take")
    play(recording, undisturbed, [part], site="local", task=None, real_time=False, on_message=lambda: None)
    codec = Codec()
    all_frames = [(t, codec.decode(codec.encode(r))) for t, r in kit.frames(undisturbed.sent)]
    kept = kit.frames(records)
    assert kept == all_frames[: len(kept)]
    assert len(kept) > 0.8 * share * len(all_frames)
