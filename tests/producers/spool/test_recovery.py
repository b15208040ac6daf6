"""After a cut at any place, what is whole is kept, what was open is ended, and what is lost is listed."""

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.spool.layout import segments
from producers.spool.recovery import recover
from producers.spool.segment import cut
from producers.spool.spool import CUT_OFF
from saltwell.contracts.timeline import EpisodeAborted, EpisodeStarted
from saltwell.metrics import SPOOL_TORN_TAILS

IDENTITY = ("site", "robot", "episode")
SAMPLES = 80


def half_recorded(kit, folder: Path, *, chunks: int = 8) -> Path:
    """An episode without an end, in chunks of some records each; the segment as a crash leaves it."""
    spooling = kit.Spooling(folder)
    log = spooling.log(durable_ms=100_000)
    outbox = kit.outbox(log)
    take = kit.Take(frames=40)
    publisher = take.begin(outbox)
    for i, sample in enumerate(take.samples()[:SAMPLES]):
        publisher.publish(sample)
        if i % (SAMPLES // chunks) == 0:
            log.flush()
    log.close()
    [path] = segments(folder)
    cut(path, kit.data_end(path))  # a crash leaves no summary
    return path


@pytest.fixture(scope="module")
def crashed(kit, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("crashed")
    half_recorded(kit, folder)
    return folder


def copy_of(crashed: Path, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("copy") / "spool"
    shutil.copytree(crashed, folder)
    return folder


def sent_from(kit, folder: Path):
    """Recover the spool, end what is open, send everything."""
    log = kit.Spooling(folder).log()
    log.end_open(CUT_OFF)
    log.close()
    broker = kit.Broker()
    kit.send_everything(folder, log, broker)
    return broker.records()


@settings(max_examples=60, deadline=None)
@given(share=st.floats(0, 1))
def test_a_segment_cut_at_any_byte_is_recovered_to_its_last_whole_chunk(kit, crashed, tmp_path_factory, share) -> None:
    folder = copy_of(crashed, tmp_path_factory)
    [path] = segments(folder)
    cut(path, int(path.stat().st_size * share))
    records = sent_from(kit, folder)
    whole = kit.Take(frames=40).records()
    there = [r for _, r in records if not isinstance(r, EpisodeAborted)]
    if not any(isinstance(r, EpisodeStarted) for r in there):
        assert records == []
        return
    kit.account_is_whole(records, IDENTITY)
    assert isinstance(records[-1][1], EpisodeAborted)
    kept = kit.frames(records)
    assert kept == kit.frames(whole)[: len(kept)], "what is kept is the beginning, in order"


@settings(max_examples=40, deadline=None)
@given(share=st.floats(0, 1), junk=st.binary(min_size=1, max_size=200))
def test_what_a_power_loss_leaves_behind_the_cut_does_no_harm(kit, crashed, tmp_path_factory, share, junk) -> None:
    folder = copy_of(crashed, tmp_path_factory)
    [path] = segments(folder)
    cut(path, int(path.stat().st_size * share))
    with path.open("ab") as file:
        file.write(junk + bytes(5000))
    records = sent_from(kit, folder)
    if records:
        kit.account_is_whole(records, IDENTITY)
        assert isinstance(records[-1][1], EpisodeAborted)


def test_a_torn_tail_is_told_and_counted(kit, crashed, tmp_path_factory, caplog) -> None:
    folder = copy_of(crashed, tmp_path_factory)
    [path] = segments(folder)
    cut(path, path.stat().st_size - 300)
    before = SPOOL_TORN_TAILS._value.get()
    assert recover(folder).torn_bytes > 0
    assert SPOOL_TORN_TAILS._value.get() == before + 1
    assert "recovered to the last whole chunk" in caplog.text
    assert recover(folder).torn_bytes == 0, "a second look finds nothing torn"


def test_an_episode_is_ended_once_even_if_the_recovery_is_cut_off(kit, crashed, tmp_path_factory) -> None:
    folder = copy_of(crashed, tmp_path_factory)
    log = kit.Spooling(folder).log()
    log.end_open(CUT_OFF)
    log.close()
    assert recover(folder).accounts.episodes == {}
    records = sent_from(kit, folder)
    assert sum(isinstance(r, EpisodeAborted) for _, r in records) == 1


def test_a_segment_whose_begin_is_not_whole_is_set_aside(kit, crashed, tmp_path_factory, caplog) -> None:
    folder = copy_of(crashed, tmp_path_factory)
    torn = folder / "spool-00000002.mcap"
    torn.write_bytes(segments(folder)[0].read_bytes()[:1000])
    recovered = recover(folder)
    assert set(recovered.accounts.episodes) == {IDENTITY}
    assert torn.with_suffix(".damaged").exists()
    assert "set aside" in caplog.text


def test_a_chunk_damaged_in_the_middle_is_passed_over_and_told(kit, crashed, tmp_path_factory, caplog) -> None:
    folder = copy_of(crashed, tmp_path_factory)
    [path] = segments(folder)
    data = bytearray(path.read_bytes())
    middle = data.index(b"saltwell", len(data) // 2) if b"saltwell" in data[len(data) // 2 :] else len(data) // 2
    data[middle] ^= 0xFF
    path.write_bytes(data)
    records = sent_from(kit, folder)
    assert isinstance(records[-1][1], EpisodeAborted)
    assert "passed over" in caplog.text
    assert len(kit.numbers(records, kit.COLOR)) < len(
        kit.numbers(sent_from(kit, copy_of(crashed, tmp_path_factory)), kit.COLOR)
    )


def test_episodes_begun_in_segments_that_are_gone_are_ended_too(kit, spooling) -> None:
    log = spooling.log(segment_bytes=150_000)
    kit.Take(frames=40, size=50_000).record(kit.outbox(log), upto=60, flush_every=5)
    log.close()
    found = segments(spooling.folder)
    assert len(found) > 3
    for path in found[:-1]:
        path.unlink()
    [(identity, episode)] = recover(spooling.folder).accounts.episodes.items()
    assert identity == IDENTITY
    assert episode.streams[kit.COLOR].last > 0
    assert episode.streams[kit.COLOR].missing == {}
    assert episode.next_ordinal > 1
