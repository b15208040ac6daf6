from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from saltwell.contracts.timeline import SeqRange
from sinks.episodes.commit import commit
from sinks.episodes.layout import marker_key
from sinks.episodes.manifest import Manifest
from sinks.episodes.verify import Report, verify
from sinks.store import Store, open_store

MakeTake = Callable[..., Any]
COLOR, JOINTS = "/head/color", "/joint_states"


@pytest.fixture
def folder_store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"), create=True)


def committed(store: Store, take: Any) -> str:
    """Key of the MCAP file."""
    return f"{commit(store, take.manifest, take.file).folder}/episode.mcap"


def verdict_on(store: Store, manifest: Manifest, path: Path) -> Report:
    with path.open("rb") as file:
        commit(store, manifest, file)
    return verify(store, manifest.episode)


def ledger_changed(manifest: Manifest, stream: str, **changes: Any) -> Manifest:
    entry = manifest.streams[stream]
    changed = replace(entry, ledger=replace(entry.ledger, **changes))
    return replace(manifest, streams={**manifest.streams, stream: changed})


def test_a_whole_episode_has_no_problems(store: Store, make_take: MakeTake) -> None:
    take = make_take()
    key = committed(store, take)
    read: list[int] = []

    report = verify(store, take.manifest.episode, advance=read.append)

    assert report.problems == ()
    assert report.messages == {
        COLOR: 29,
        JOINTS: 30,
        "/saltwell/alignment": 29,
        "/saltwell/verdict": 1,
    }
    assert report.bytes == sum(read) == take.path.stat().st_size
    assert report.uri == store.uri(key.rpartition("/")[0])


@pytest.mark.parametrize("keep", [0, 7, 20, 3_000, -1])
def test_a_truncated_file_is_caught(store: Store, make_take: MakeTake, keep: int) -> None:
    take = make_take()
    key = committed(store, take)
    store.put(key, take.path.read_bytes()[:keep])

    report = verify(store, take.manifest.episode)

    assert "bytes, the manifest says" in report.problems[0]
    assert "episode.mcap can't be read beyond byte" in report.problems[1]


def test_a_file_that_grew_is_caught(store: Store, make_take: MakeTake) -> None:
    take = make_take()
    key = committed(store, take)
    store.put(key, take.path.read_bytes() + b"\0")

    (problem,) = verify(store, take.manifest.episode).problems
    assert "the manifest says" in problem


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_a_flipped_byte_is_caught_wherever_it_is(
    folder_store: Store, make_take: MakeTake, place: float, flip: int
) -> None:
    take = make_take(frames=10)
    key = committed(folder_store, take)
    data = bytearray(take.path.read_bytes())
    data[int(place * len(data))] ^= flip
    folder_store.put(key, bytes(data))

    problems = verify(folder_store, take.manifest.episode).problems

    assert "SHA-256" in problems[0]
    folder_store.put(key, take.path.read_bytes())


def test_a_missing_file_is_caught(store: Store, make_take: MakeTake) -> None:
    take = make_take()
    marker = commit(store, take.manifest, take.file)
    store.remove(f"{marker.folder}/episode.mcap")

    (problem,) = verify(store, take.manifest.episode).problems
    assert problem.startswith(f"can't open {marker.folder}/episode.mcap")


def test_a_changed_manifest_is_caught(store: Store, make_take: MakeTake) -> None:
    take = make_take()
    marker = commit(store, take.manifest, take.file)
    store.put(marker.manifest, replace(take.manifest, decision="accept").encode())

    (problem,) = verify(store, take.manifest.episode).problems
    assert "manifest.json is not the one that the marker names" in problem


def test_a_marker_that_names_another_episode_is_caught(store: Store, make_take: MakeTake) -> None:
    take = make_take()
    marker = commit(store, take.manifest, take.file)
    store.put(marker_key("other"), marker.encode())

    (problem,) = verify(store, "other").problems
    assert "leads elsewhere, to 'episodes/g1-04/20260101T000000-g1-04-aa0001/" in problem


@pytest.mark.parametrize(
    ("stream", "ledger", "says"),
    [
        (JOINTS, {"sent": 31, "written": 31}, "/joint_states has 30 frames, the ledger says 31 written"),
        (
            COLOR,
            {"missing": (SeqRange(8, 1, "log"),)},
            "/head/color has frames that the ledger lists as lost: 8",
        ),
        (
            COLOR,
            {"sent": 29, "lost": 0, "missing": ()},
            "/head/color has frames beyond the 29 sent: 29",
        ),
    ],
)
def test_a_ledger_that_does_not_tell_what_is_in_the_file_is_caught(
    folder_store: Store, make_take: MakeTake, stream: str, ledger: dict[str, Any], says: str
) -> None:
    take = make_take()

    report = verdict_on(folder_store, ledger_changed(take.manifest, stream, **ledger), take.path)

    assert says in report.problems


def test_a_frame_that_is_in_the_file_twice_is_caught(folder_store: Store, make_take: MakeTake) -> None:
    take = make_take(twice=[3, 4])

    report = verdict_on(folder_store, take.manifest, take.path)

    assert "/head/color has 2 frames twice" in report.problems
    assert "/head/color has 31 frames, the ledger says 29 written" in report.problems


def test_a_step_that_refers_to_a_lost_frame_is_caught(folder_store: Store, make_take: MakeTake) -> None:
    take = make_take(refer_to=range(12))

    report = verdict_on(folder_store, take.manifest, take.path)

    assert report.problems == ("/saltwell/alignment refers to frames of /head/color that are not in the file: 7",)


def test_both_frames_of_an_interpolated_step_must_be_there(folder_store: Store, make_take: MakeTake) -> None:
    take = make_take(joints_after=30)

    report = verdict_on(folder_store, take.manifest, take.path)

    assert report.problems == ("/saltwell/alignment refers to frames of /joint_states that are not in the file: 30",)


def test_steps_that_are_not_all_there_are_caught(folder_store: Store, make_take: MakeTake) -> None:
    take = make_take()

    report = verdict_on(folder_store, replace(take.manifest, steps=30), take.path)

    assert report.problems == ("/saltwell/alignment has 29 different steps, the manifest says 30",)


def test_a_message_that_can_not_be_decoded_is_named(
    folder_store: Store, make_take: MakeTake, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("saltwell.messages.motion.JointState.encode", lambda _: b"\x00\x01\x00\x00rubbish")
        take = make_take()

    report = verdict_on(folder_store, take.manifest, take.path)

    assert report.problems[0].startswith("/joint_states message 0: ")


def test_a_message_of_a_stream_that_is_carried_as_it_came_is_not_decoded(
    folder_store: Store, make_take: MakeTake, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("saltwell.messages.motion.JointState.encode", lambda _: b"\x00\x00\x00\x00big-endian")
        take = make_take()
    entry = take.manifest.streams[JOINTS]
    carried = replace(take.manifest, streams={**take.manifest.streams, JOINTS: replace(entry, kind="other")})

    assert verdict_on(folder_store, carried, take.path).problems == ()
