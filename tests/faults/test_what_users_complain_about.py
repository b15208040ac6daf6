"""What users of today's tools complain about, each as a promise of ours (lerobot#2495, #2786, #3513, #3522, #4462)."""

import json
from pathlib import Path

import pytest

from bench.faults.checker import check
from bench.faults.held import read_held
from bench.faults.recordings import moved, rewritten
from bench.faults.robots import Take
from bench.faults.sent import Sent, frames_of
from saltwell.local.stack import WORKERS

DEADLINE_S = 150
LOST = ("/head/color", 12)
SLOWER = 1.5


@pytest.fixture
def play(rig):
    """Play a recording as an episode and wait until it is finished; gives what was sent."""

    def play(recording: Path, episode: str) -> Sent:
        robot = rig.play(Take(recording, "robot-1", episode))
        robot.wait(within_s=DEADLINE_S)
        rig.watch.wait(lambda seen: episode in seen.announced, f"{episode} to be finished", within_s=DEADLINE_S)
        return Sent("robot-1", episode, frames_of(recording))

    return play


@pytest.mark.slow
def test_a_sigkill_after_save_leaves_every_finished_episode_readable(rig, runner, play, played):
    saved = [play(played["plain"].path, f"saved-{n}") for n in range(2)]

    for worker in WORKERS:
        rig.fleet.kill(rig.fleet.member(worker))
    rig.s3.kill()
    rig.s3.restart()

    for sent in saved:
        held = read_held(rig.store, sent.episode)
        assert check(sent, held, rig.watch.seen.announced[sent.episode]).all() == []


@pytest.mark.slow
def test_one_lost_frame_does_not_shift_its_neighbours(rig, play, played, tmp_path):
    plain = played["plain"]
    short = rewritten(
        plain.path,
        tmp_path / "short.mcap",
        lambda stream, n, arrived_ns, data: None if (stream, n) == LOST else (arrived_ns, data),
    )

    episode = play(short, "one-lost").episode

    held = read_held(rig.store, episode)
    expected = {frame: data for frame, data in plain.frames.items() if frame != LOST}
    assert held is not None
    assert dict(held.frames) == expected  # every other frame under the number and with the bytes that it always has
    assert held.listed == {LOST: "source"}
    assert held.problems == []


@pytest.mark.slow
def test_recorded_slower_than_stamped_shows(rig, play, played, tmp_path):
    """A camera that gives fewer images than its stamps claim, as when stamps are made from a nominal frame rate."""
    first_ns: list[int] = []

    def slow(stream: str, n: int, arrived_ns: int, data: bytes) -> tuple[int, bytes]:
        first_ns.append(arrived_ns)
        late_ns = round((arrived_ns - first_ns[0]) * (SLOWER - 1))
        return arrived_ns + late_ns, data if stream == "/head/color" else moved(data, late_ns)

    episode = play(rewritten(played["plain"].path, tmp_path / "slow.mcap", slow), "slower").episode

    marker = json.loads(rig.store.get(f"finished/{episode}.json"))
    manifest = json.loads(rig.store.get(marker["manifest"]))
    timing = manifest["streams"]["/head/color"]["timing"]
    assert timing["delay_p99_ns"] - timing["delay_min_ns"] > 1e9  # in the manifest, as measured
    codes = {r["code"] for r in manifest["reasons"] if r["stream"] == "/head/color"}
    assert "clock_drift" in codes  # and in words, to the operator
    assert manifest["decision"] != "accept"
