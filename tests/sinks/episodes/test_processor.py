"""The sink on a log in memory: what it makes of good records, of bad ones, and of being interrupted."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.fuzz.records import FRAMES, IDENTITY, START_NS, STREAMS, episode
from saltwell.bus.memory import MemoryBus
from saltwell.contracts.columns import i64, pack_i64
from saltwell.contracts.frames import ImageFrame, JointBlock, MessageFrame, SampledCloud
from saltwell.contracts.timeline import StreamEnded
from sinks.episodes.finished import list_episodes, load_episode
from sinks.episodes.layout import marker_key
from sinks.episodes.manifest import MAX_NAMED
from sinks.episodes.processor import Episodes
from sinks.episodes.verify import verify
from sinks.store import Store, open_store

EPISODE = IDENTITY[2]
Story = list[tuple[str, Any]]


@pytest.fixture
def folder_store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"), create=True)


def bus_with(*stories: Story) -> MemoryBus:
    bus = MemoryBus()
    for story in stories:
        for topic, record in story:
            bus.append(topic, record)
    return bus


def contents(store: Store) -> dict[str, bytes]:
    return {key: store.get(key) for folder in ("episodes", "finished", "conflicts") for key in store.list(folder)}


def changed(change: Callable[[Any], Any]) -> Story:
    """The episode with some records changed; None leaves one out."""
    story = [(topic, change(record)) for topic, record in episode()]
    return [(topic, record) for topic, record in story if record is not None]


def ledger_of(store: Store, kind: str) -> Any:
    return load_episode(store, EPISODE).manifest.streams[STREAMS[kind][0]].ledger


def test_a_complete_episode_is_stored_whole_and_told(folder_store: Store, tmp_path: Path) -> None:
    bus = bus_with([*episode()])

    driver = bus.run(Episodes(folder_store, tmp_path))

    assert verify(folder_store, EPISODE).problems == ()
    [told] = bus.records("episodes.finished")
    assert told.uri == load_episode(folder_store, EPISODE).uri
    for ledger in told.streams:
        assert (ledger.sent, ledger.written, ledger.lost) == (FRAMES + 2, FRAMES, 2)
    assert not driver.open_episodes()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), stop_after=st.integers(0, 80))
def test_any_interleaving_and_any_interruption_make_the_same_bytes(
    seed: int, stop_after: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("sink")
    plain, cut = (open_store(str(folder / name), create=True) for name in ("plain", "cut"))
    bus_with([*episode()]).run(Episodes(plain, folder))

    bus = bus_with([*episode()])
    bus.run(Episodes(cut, folder), seed=seed, stop_after=stop_after).close()
    bus.run(Episodes(cut, folder), seed=seed + 1)

    assert contents(cut) == contents(plain)
    assert not [path for path in folder.iterdir() if path.name not in ("plain", "cut")]


def test_a_frame_that_can_not_be_read_is_listed_and_the_others_are_kept(folder_store: Store, tmp_path: Path) -> None:
    def spoil(record: Any) -> Any:
        match record:
            case ImageFrame(stream="/head/color", seq=2):
                return replace(record, payload=b"no picture")
            case ImageFrame(stream="/chest/depth", seq=3):
                return replace(record, height=-4)
            case MessageFrame(seq=4):
                return replace(record, captured_ns=-1)
            case JointBlock():
                return replace(record, captured_ns=pack_i64(i64(record.captured_ns) - 2**61))  # 1879
            case _:
                return record

    bus_with(changed(spoil)).run(Episodes(folder_store, tmp_path))

    assert verify(folder_store, EPISODE).problems == ()
    for kind, dead in (("color", 1), ("depth", 1), ("other", 1), ("joints", FRAMES), ("pose", 0)):
        ledger = ledger_of(folder_store, kind)
        assert (ledger.sent, ledger.written) == (FRAMES + 2, FRAMES - dead)
        assert sum(r.count for r in ledger.missing if r.cause == "unreadable") == dead
    named = load_episode(folder_store, EPISODE).manifest.streams["/joint_states"].unreadable
    assert [frame.seq for frame in named] == list(range(FRAMES))


def test_of_very_many_unreadable_frames_the_first_are_explained_and_all_are_listed(
    folder_store: Store, tmp_path: Path
) -> None:
    extra = [
        (
            "frames.color",
            ImageFrame(*IDENTITY, "/head/color", seq, START_NS, START_NS, "", True, "jpeg", 1, 1, 0, False, b""),
        )
        for seq in range(FRAMES + 2, MAX_NAMED + 100)
    ]
    story = [*episode()]
    at = next(
        n for n, (topic, record) in enumerate(story) if topic == "frames.color" and isinstance(record, StreamEnded)
    )

    bus_with([*story[:at], *extra, *story[at:]]).run(Episodes(folder_store, tmp_path))

    entry = load_episode(folder_store, EPISODE).manifest.streams["/head/color"]
    assert len(entry.unreadable) == MAX_NAMED
    assert entry.ledger.lost == len(extra) + 2
    assert verify(folder_store, EPISODE).problems == ()


@pytest.mark.parametrize(
    "stray",
    [
        (
            "frames.color",
            ImageFrame(*IDENTITY, "/nobody", 0, START_NS, START_NS, "", True, "jpeg", 1, 1, 0, False, b""),
        ),
        (
            "frames.color",
            ImageFrame(*IDENTITY, "/joint_states", 0, START_NS, START_NS, "", True, "jpeg", 1, 1, 0, False, b""),
        ),
        ("frames.color", StreamEnded(*IDENTITY, "/nobody", "color", -1, 3, 4, ())),
        ("frames.color", StreamEnded(*IDENTITY, "/joint_states", "color", -1, 3, 4, ())),
        (
            "clouds.sampled",
            SampledCloud(*IDENTITY, "/nobody", 0, START_NS, "", "voxels", 0.05, 1, 1, 0.001, b"", b"", b""),
        ),
    ],
    ids=["frame-of-nobody", "frame-of-another-kind", "end-of-nobody", "end-of-another-kind", "cloud-of-nobody"],
)
def test_what_belongs_to_no_stream_of_the_episode_changes_nothing(
    stray: tuple[str, Any], folder_store: Store, tmp_path: Path
) -> None:
    (tmp_path / "plain").mkdir()
    plain = open_store(str(tmp_path / "plain"))
    bus_with([*episode()]).run(Episodes(plain, tmp_path))

    first, *rest = episode()
    bus_with([first, stray, *rest]).run(Episodes(folder_store, tmp_path))

    assert contents(folder_store) == contents(plain)


def test_an_episode_that_can_not_be_stored_is_told_to_be_dead_and_the_next_one_is_stored(
    folder_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the reason: a manifest beyond all measure, say. It must not stop the robots beside it."""
    monkeypatch.setattr("sinks.episodes.manifest.MAX_MANIFEST_BYTES", 20_000)
    too_much = changed(lambda r: replace(r, task="x" * 50_000) if type(r).__name__ == "AlignmentEnded" else r)
    fine = changed(lambda r: replace(r, episode="the-next-one"))
    bus = bus_with(too_much, fine)

    driver = bus.run(Episodes(folder_store, tmp_path))

    assert list(list_episodes(folder_store)) == ["the-next-one"]
    [dead] = bus.records("dead")
    assert (dead.by, dead.robot, dead.episode) == ("episodes", IDENTITY[1], EPISODE)
    assert dead.reason.startswith("the whole episode can't be stored: manifest has ")
    assert not driver.open_episodes()
    assert not [path for path in tmp_path.iterdir() if path.name != "store"]


def test_an_episode_whose_marker_is_damaged_is_kept_aside_and_told_to_be_dead(
    folder_store: Store, tmp_path: Path
) -> None:
    folder_store.put(marker_key(EPISODE), b"")
    bus = bus_with([*episode()])

    bus.run(Episodes(folder_store, tmp_path))

    [dead] = bus.records("dead")
    assert EPISODE in dead.reason
    assert bus.records("episodes.finished") == []
    assert len(list(folder_store.list("episodes"))) == 2


def test_a_second_content_is_set_aside_and_the_first_is_told_again(folder_store: Store, tmp_path: Path) -> None:
    bus_with([*episode()]).run(Episodes(folder_store, tmp_path))
    before = load_episode(folder_store, EPISODE)

    bus = bus_with(changed(lambda r: replace(r, task="something else") if type(r).__name__ == "AlignmentEnded" else r))
    bus.run(Episodes(folder_store, tmp_path))

    [told] = bus.records("episodes.finished")
    assert told.manifest_sha256 == before.marker.manifest_sha256
    assert load_episode(folder_store, EPISODE) == before
    assert len(list(folder_store.list("conflicts"))) == 1
