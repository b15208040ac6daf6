"""The spool on the command line."""

import json
import signal
import subprocess
import sys

import pytest

from producers.spool.layout import segments
from producers.spool.listing import survey
from producers.spool.segment import cut
from producers.spool.spool import Spool
from saltwell.contracts.timeline import StreamEnded
from saltwell.errors import StopError

NOBODY = "127.0.0.1:9"


def saltwell(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "saltwell.cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=150)


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    return done.stderr.strip().splitlines()[-1]


def test_what_is_recorded_offline_is_listed(recordings, tmp_path) -> None:
    recording = str(recordings / "kuka_torque.mcap")
    spool = str(tmp_path / "spool")
    done = saltwell(
        "replay", recording, "--robot", "r", "--episode", "e", "--spool", spool, "--offline", "--speed", "max"
    )
    assert done.returncode == 0, done.stderr
    assert f"stay in {spool}; `saltwell replay {spool}` sends them" in done.stderr
    listed = saltwell("spool", "ls", spool, "--json")
    seen = json.loads(listed.stdout)
    assert [(e["site"], e["robot"], e["episode"], e["state"]) for e in seen["episodes"]] == [
        ("local", "r", "e", "stopped")
    ]
    assert seen["unacknowledged_bytes"] == seen["bytes"] > 0
    assert not seen["in_use"]
    assert "1 segments, 1 episodes" in saltwell("spool", "ls", spool).stdout


def test_a_full_spool_refuses_the_next_take_in_one_line(recordings, tmp_path) -> None:
    recording = str(recordings / "kuka_torque.mcap")
    flags = ["--robot", "r", "--spool", str(tmp_path / "spool"), "--offline", "--speed", "max"]
    assert saltwell("replay", recording, *flags).returncode == 0
    refused = saltwell("replay", recording, *flags, "--spool-cap-gb", "0.0001")
    assert refused.returncode == 1
    assert last_line(refused).startswith("saltwell: the spool is full")
    assert "new episodes are refused" in last_line(refused)
    assert len(survey(tmp_path / "spool").episodes) == 1


def test_a_recording_that_breaks_off_leaves_an_aborted_episode_with_the_reason(recordings, tmp_path) -> None:
    whole = (recordings / "station_composite_6s.mcap").read_bytes()
    broken = bytearray(whole)
    zstd = b"\x28\xb5\x2f\xfd"
    last = whole.rindex(zstd)
    broken[last : last + 4] = bytes(4)
    path = tmp_path / "broken.mcap"
    path.write_bytes(broken)
    done = saltwell("replay", str(path), "--robot", "r", "--spool", str(tmp_path / "s"), "--offline", "--speed", "max")
    assert done.returncode == 1
    assert last_line(done).startswith("saltwell: ")
    [episode] = survey(tmp_path / "s").episodes
    assert episode.state == "aborted"
    assert "damaged" in episode.reason


def test_ctrl_c_ends_the_episode(kit, recordings, tmp_path) -> None:
    spool = tmp_path / "spool"
    command = [sys.executable, "-m", "saltwell.cli.main", "replay", str(recordings / "station_composite_6s.mcap")]
    recorder = subprocess.Popen([*command, "--robot", "r", "--episode", "e", "--spool", str(spool), "--offline"])
    kit.until(lambda: sum(path.stat().st_size for path in segments(spool)) > 10_000_000, deadline_s=150)
    recorder.send_signal(signal.SIGINT)
    assert recorder.wait(30) == 130
    [episode] = survey(spool).episodes
    assert (episode.state, episode.reason) == ("aborted", "the replay was interrupted")
    broker = kit.Broker()
    with Spool(spool, room=kit.PLENTY) as opened:
        opened.log.close()
        kit.send_everything(spool, opened.log, broker)
    kit.account_is_whole(broker.records(), ("local", "r", "e"))
    assert not [r for _, r in broker.records() if isinstance(r, StreamEnded) and r.missing]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("spool", "ls", "{empty}"), "no spool"),
        (("replay", "{spool}", "--robot", "r"), "sent under its own names"),
        (("replay", "{spool}", "{spool}", "--spool", "{spool}"), "sent under its own names"),
        (("replay", "{recording}", "--robot", "r", "--offline"), "give --spool DIR"),
    ],
)
def test_what_can_not_be_done_is_said_in_one_line(arguments, said, recordings, tmp_path) -> None:
    places = {"empty": tmp_path / "empty", "spool": tmp_path / "spool", "recording": recordings / "kuka_torque.mcap"}
    places["empty"].mkdir()
    places["spool"].mkdir()
    (places["spool"] / "spool.lock").touch()
    done = saltwell(*(a.format(**places) for a in arguments))
    assert done.returncode == 1
    assert said in last_line(done)


def test_one_spool_has_one_owner(kit, tmp_path) -> None:
    with Spool(tmp_path / "spool", room=kit.PLENTY):
        with pytest.raises(StopError, match="another process"):
            Spool(tmp_path / "spool", room=kit.PLENTY)
        assert survey(tmp_path / "spool").in_use
    Spool(tmp_path / "spool", room=kit.PLENTY).close()


def test_a_torn_spool_is_listed_as_it_is_and_left_as_it_is(kit, spooling) -> None:
    log = spooling.log()
    kit.Take(episode="stopped").record(kit.outbox(log))
    kit.Take(episode="open").record(kit.outbox(log), upto=30, flush_every=10)
    log.close()
    [path] = segments(spooling.folder)
    cut(path, kit.data_end(path) - 300)
    before = path.read_bytes()
    seen = survey(spooling.folder)
    assert {e.episode: e.state for e in seen.episodes} == {"stopped": "stopped", "open": "open"}
    assert seen.segments[0].torn_bytes > 0
    assert path.read_bytes() == before
