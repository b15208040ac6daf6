"""What is handed over is on disk in time; without room nothing is lost silently."""

import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from producers.spool.account_text import accounts_from_text
from producers.spool.layout import segments
from producers.spool.recovery import account_of, recover
from producers.spool.room import FLOOR_BYTES, Room, SpoolFull
from producers.spool.scan import SegmentReader
from saltwell.contracts.frames import ImageFrame
from saltwell.contracts.timeline import EpisodeAborted, EpisodeStarted, StreamEnded
from saltwell.contracts.topics import MAX_RECORD_BYTES
from saltwell.errors import RetryError
from saltwell.metrics import SPOOL_ABORTED, SPOOL_REFUSED

IDENTITY = ("site", "robot", "episode")


def room(cap_bytes: int, *, reserve_bytes: int = 0) -> Room:
    return Room(cap_bytes, reserve_bytes, floor_bytes=0)


def sent(kit, spooling):
    log = spooling.log()
    log.close()
    broker = kit.Broker()
    kit.send_everything(spooling.folder, log, broker)
    return broker.records()


def test_a_record_is_on_disk_within_the_bound_although_nobody_asks(kit, spooling) -> None:
    waited: list[float] = []
    log = spooling.log(durable_ms=200, observe=waited.append)
    kit.Take(frames=3).begin(kit.outbox(log))
    outbox = kit.outbox(log)
    topic, record = kit.Take().records()[1]
    began_s = time.monotonic()
    outbox.send(topic, record)
    kit.until(lambda: len(waited) == 2)
    assert time.monotonic() - began_s < 5
    assert waited[-1] >= 0.05, "records are collected for a quarter of the bound"


def test_segments_stay_below_their_size_and_each_begins_with_the_account_of_what_is_open(kit, spooling) -> None:
    take = kit.Take(frames=60, size=20_000, source_drops=frozenset({20, 21}))
    log = spooling.log(segment_bytes=200_000)
    take.record(kit.outbox(log), upto=150, flush_every=5)
    log.close()
    found = segments(spooling.folder)
    assert len(found) > 3
    summary_bytes = 60_000
    assert all(path.stat().st_size < 200_000 + summary_bytes for path in found)
    for before, behind in pairwise(found):
        with SegmentReader(behind) as reader:
            assert accounts_from_text(reader.preamble.accounts).episodes == account_of(before).episodes


def test_a_frame_that_is_too_large_is_not_kept_and_the_account_says_why(kit, spooling) -> None:
    log = spooling.log()
    outbox = kit.outbox(log)
    publisher = kit.Take().begin(outbox)
    for i in range(3):
        publisher.publish(kit.image(i, size=MAX_RECORD_BYTES if i == 1 else 100))
    log.flush()
    log.close()
    stream = recover(spooling.folder).accounts.episodes[IDENTITY].streams[kit.COLOR]
    assert stream.missing == {1: "too_large"}


def test_a_message_that_could_not_be_read_keeps_its_cause_over_a_crash(kit, spooling) -> None:
    log = spooling.log()
    publisher = kit.Take().begin(kit.outbox(log))
    publisher.publish(kit.image(0))
    publisher.malformed(kit.COLOR, kit.image(1).arrived_ns)
    publisher.publish(kit.image(2))
    log.flush()
    log.close()
    stream = recover(spooling.folder).accounts.episodes[IDENTITY].streams[kit.COLOR]
    assert (stream.last, stream.missing) == (2, {1: "malformed"})


def test_a_stamp_before_1970_is_kept_as_it_is(kit, spooling) -> None:
    log = spooling.log()
    publisher = kit.Take().begin(kit.outbox(log))
    publisher.publish(replace(kit.image(0), captured_ns=-5))
    publisher.stop(stopped_ns=kit.image(1).arrived_ns)
    log.close()
    [frame] = [r for t, r in sent(kit, spooling) if isinstance(r, ImageFrame)]
    assert frame.captured_ns == -5


def test_a_new_episode_is_refused_at_the_reserve_with_a_reason_in_one_line(kit, spooling) -> None:
    before = SPOOL_REFUSED._value.get()
    log = spooling.log(room=room(1_000_000, reserve_bytes=600_000))
    kit.Take(frames=30, size=20_000).record(kit.outbox(log))
    with pytest.raises(SpoolFull, match=r"the spool is full.*new episodes are refused.*--spool-cap-gb") as refused:
        kit.Take(episode="next").begin(kit.outbox(log))
    assert isinstance(refused.value, RetryError)
    assert "\n" not in str(refused.value)
    assert SPOOL_REFUSED._value.get() == before + 1
    log.close()
    assert {r.episode for _, r in sent(kit, spooling)} == {"episode"}


def test_a_running_episode_may_use_the_reserve(kit, spooling) -> None:
    take = kit.Take(frames=30, size=20_000)
    log = spooling.log(room=room(1_000_000, reserve_bytes=900_000))
    take.record(kit.outbox(log))
    assert log.used_bytes > 100_000
    log.close()
    assert sent(kit, spooling) == take.records()


def test_at_the_cap_a_running_episode_is_aborted_loudly_and_its_losses_are_listed(kit, spooling, caplog) -> None:
    before = SPOOL_ABORTED._value.get()
    log = spooling.log(room=room(400_000))
    with pytest.raises(SpoolFull, match="the episode is aborted"):
        kit.Take(frames=60, size=20_000).record(kit.outbox(log))
    log.close()
    assert SPOOL_ABORTED._value.get() == before + 1
    assert "episode: the spool is full" in caplog.text
    records = sent(kit, spooling)
    kit.account_is_whole(records, IDENTITY)
    assert isinstance(records[-1][1], EpisodeAborted)
    assert "the spool is full" in records[-1][1].reason
    causes = {lost.cause for _, r in records if isinstance(r, StreamEnded) for lost in r.missing}
    assert causes == {"spool"}


def test_every_episode_that_runs_is_aborted_and_each_recorder_hears_of_it(kit, spooling) -> None:
    log = spooling.log(room=room(400_000))
    outbox = kit.outbox(log)
    publishers = [kit.Take(robot=name, episode=f"of-{name}").begin(outbox) for name in ("a", "b")]
    heard = set()
    for i in range(60):
        for n, publisher in enumerate(publishers):
            try:
                publisher.publish(kit.image(i, size=20_000))
                log.flush()
            except SpoolFull:
                heard.add(n)
    assert heard == {0, 1}
    log.close()
    records = sent(kit, spooling)
    assert {r.episode for _, r in records if isinstance(r, EpisodeAborted)} == {"of-a", "of-b"}


def test_when_there_is_room_again_the_next_episode_is_recorded(kit, spooling) -> None:
    log = spooling.log(room=room(400_000))
    with pytest.raises(SpoolFull):
        kit.Take(frames=60, size=20_000).record(kit.outbox(log))
    broker = kit.Broker()
    sender = kit.Sender(spooling.folder, log, broker.connect)
    sender.start()
    kit.until(lambda: any(isinstance(r, EpisodeAborted) for _, r in broker.records()))
    kit.until(lambda: log.used_bytes < 200_000)
    take = kit.Take(episode="next", frames=3)
    take.record(kit.outbox(log))
    log.close()
    kit.until(lambda: sender.wait(0.05))
    assert [(t, r) for t, r in broker.records() if r.episode == "next"] == take.records()


def test_the_floor_of_free_disk_counts_like_the_cap() -> None:
    limits = Room(cap_bytes=10**12, reserve_bytes=10**9)
    limits.go_on(used_bytes=0, free_bytes=FLOOR_BYTES)
    with pytest.raises(SpoolFull, match="new episodes are refused; free the disk"):
        limits.admit(used_bytes=0, free_bytes=FLOOR_BYTES)
    with pytest.raises(SpoolFull, match="the episode is aborted; free the disk"):
        limits.go_on(used_bytes=0, free_bytes=FLOOR_BYTES - 1)


def test_a_recorder_that_is_faster_than_the_disk_waits_and_memory_stays_bounded(kit, spooling, monkeypatch) -> None:
    monkeypatch.setattr("producers.spool.log.MAX_PENDING_BYTES", 100_000)
    gate = threading.Event()
    slow = os.fdatasync

    def stuck(fd: int) -> None:
        gate.wait(30)
        slow(fd)

    monkeypatch.setattr("producers.spool.segment._sync", stuck)
    log = spooling.log(durable_ms=1)
    take = kit.Take(frames=60, size=20_000)
    recorder = threading.Thread(target=lambda: take.record(kit.outbox(log)))
    recorder.start()
    recorder.join(0.3)
    assert recorder.is_alive(), "it waits for the disk"
    assert log._pending_bytes < 100_000 + 30_000
    gate.set()
    recorder.join(30)
    log.close()
    assert sent(kit, spooling) == take.records()


@pytest.fixture
def small_disk(tmp_path: Path):
    """A filesystem of 8 MB, in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        pytest.skip(f"no right to mount a small filesystem: {made.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_like_the_cap_and_the_end_still_finds_room(kit, small_disk) -> None:
    spooling = kit.Spooling(small_disk)
    log = spooling.log(room=Room(10**12, reserve_bytes=6_000_000, floor_bytes=0))
    with pytest.raises(SpoolFull, match=r"No space left on device.*the episode is aborted"):
        kit.Take(frames=300, size=20_000).record(kit.outbox(log), flush_every=1)  # leaves no room for a segment
    with pytest.raises(SpoolFull, match=r"disk is full.*new episodes are refused"):
        kit.Take(episode="next").begin(kit.outbox(log))
    log.close()
    records = sent(kit, spooling)
    kit.account_is_whole(records, IDENTITY)
    assert isinstance(records[-1][1], EpisodeAborted)
    assert len(kit.numbers(records, kit.COLOR)) > 5
    take = kit.Take(episode="next")
    log = spooling.log()
    take.record(kit.outbox(log))
    log.close()
    assert sent(kit, spooling) == take.records()


def test_a_file_that_may_not_grow_is_like_a_full_disk(kit, spooling) -> None:
    program = (
        "import importlib.util, sys, resource\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5_000_000, 5_000_000))\n"
        "spec = importlib.util.spec_from_file_location('kit', sys.argv[1])\n"
        "kit = importlib.util.module_from_spec(spec)\n"
        "sys.modules['kit'] = kit; spec.loader.exec_module(kit)\n"
        "from pathlib import Path\n"
        "from saltwell.errors import RetryError\n"
        "log = kit.Spooling(Path(sys.argv[2])).log()\n"
        "try:\n    kit.Take(frames=60, size=200_000).record(kit.outbox(log))\n"
        "except RetryError as error:\n    print(error)\n"
        "log.close()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, kit.__file__, spooling.folder],
        capture_output=True,
        text=True,
        check=True,
        timeout=150,
    )
    assert "File too large; the episode is aborted" in done.stdout
    records = sent(kit, spooling)
    kit.account_is_whole(records, IDENTITY)
    assert isinstance(records[-1][1], EpisodeAborted)


def test_an_episode_that_never_got_onto_the_disk_leaves_no_trace(kit, spooling) -> None:
    log = spooling.log(room=room(100))
    with pytest.raises(SpoolFull):
        kit.Take().begin(kit.outbox(log))
    log.close()
    assert not any(isinstance(r, EpisodeStarted) for _, r in sent(kit, spooling))
