import errno
import json
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest

from saltwell.errors import RetryError, SkipRecordError, StopError
from sinks import patience
from sinks.episodes import commit as protocol
from sinks.episodes.commit import ConflictError, ErasedError, Marker, commit, read_marker
from sinks.episodes.finished import DamagedEpisode, list_episodes, load_episode, load_episodes
from sinks.episodes.gone import Erased, put_erased
from sinks.episodes.layout import marker_key
from sinks.store import Store

MakeTake = Callable[..., Any]


def contents(store: Store) -> dict[str, bytes]:
    return {key: store.get(key) for folder in ("episodes", "finished", "conflicts") for key in store.list(folder)}


def test_a_committed_episode_is_found_whole(store: Store, make_take: MakeTake) -> None:
    take = make_take()

    marker = commit(store, take.manifest, take.file)

    assert list(list_episodes(store)) == [take.manifest.episode]
    episode = load_episode(store, take.manifest.episode)
    assert episode.manifest == take.manifest
    assert episode.marker == marker
    assert episode.uri == store.uri(marker.folder)
    assert store.get(f"{marker.folder}/episode.mcap") == take.path.read_bytes()


def test_keys_are_named_by_content(store: Store, make_take: MakeTake) -> None:
    take = make_take(robot="unit/7", episode="e 1")

    marker = commit(store, take.manifest, take.file)

    assert marker.folder == f"episodes/unit%2F7/e%201/{marker.manifest_sha256[:16]}"
    assert contents(store).keys() == {
        f"{marker.folder}/episode.mcap",
        f"{marker.folder}/manifest.json",
        "finished/e%201.json",
    }
    assert list(list_episodes(store)) == ["e 1"]


def test_the_same_episode_again_is_a_success_that_uploads_nothing(
    store: Store, make_take: MakeTake, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = make_take()
    first = commit(store, take.manifest, take.file)
    before = contents(store)
    monkeypatch.setattr(Store, "put_file", lambda *_: pytest.fail("uploaded again"))

    assert commit(store, take.manifest, take.file) == first
    assert contents(store) == before


def test_a_different_content_is_set_aside_and_nothing_is_overwritten(store: Store, make_take: MakeTake) -> None:
    kept, other = make_take(), make_take(task="something else", frames=20)
    marker = commit(store, kept.manifest, kept.file)
    before = contents(store)

    for _ in range(2):  # the log is read again after a crash: the same answer, no further traces
        with pytest.raises(ConflictError, match=r"finished with another content: kept .*, the new one lies aside at"):
            commit(store, other.manifest, other.file)

    after = contents(store)
    assert before.items() <= after.items()
    assert load_episode(store, kept.manifest.episode).manifest == kept.manifest
    added = after.keys() - before.keys()
    assert sorted(key.rpartition("/")[2] for key in added)[1:] == ["episode.mcap", "manifest.json"]
    (note,) = (json.loads(after[key]) for key in added if key.startswith("conflicts/"))
    assert note["kept"] == json.loads(marker.encode())
    assert store.get(note["set_aside"]["manifest"]) == other.manifest.encode()


@pytest.mark.parametrize("marker", [b"", b"{}", b"\0" * 200])
def test_a_marker_that_can_not_be_read_stays_and_the_new_content_is_kept_aside(
    store: Store, make_take: MakeTake, marker: bytes
) -> None:
    take = make_take()
    store.put(marker_key(take.manifest.episode), marker)

    for _ in range(2):
        with pytest.raises(
            ConflictError, match=r"has a marker that can't be read: .* stays, the new one lies aside"
        ) as e:
            commit(store, take.manifest, take.file)

    assert e.value.kept is None
    assert store.get(marker_key(take.manifest.episode)) == marker
    assert store.get(f"{e.value.aside}/episode.mcap") == take.path.read_bytes()
    (note,) = (json.loads(store.get(key)) for key in store.list("conflicts"))
    assert note["kept"] is None


def test_a_conflict_tells_what_is_kept_so_that_the_loop_can_go_on(store: Store, make_take: MakeTake) -> None:
    kept, other = make_take(), make_take(frames=20)
    marker = commit(store, kept.manifest, kept.file)

    with pytest.raises(SkipRecordError) as caught:
        commit(store, other.manifest, other.file)

    assert isinstance(caught.value, ConflictError)
    assert caught.value.kept == marker


def test_contents_with_the_same_mcap_do_not_share_a_manifest(store: Store, make_take: MakeTake) -> None:
    take = make_take()
    commit(store, take.manifest, take.file)

    with pytest.raises(ConflictError):
        commit(store, replace(take.manifest, task="relabelled"), take.file)

    assert load_episode(store, take.manifest.episode).manifest == take.manifest


class Crash(Exception):
    pass


@pytest.mark.parametrize("step", ["put_file", "put", "create"])
@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_a_crash_at_any_step_leaves_no_episode_or_a_whole_one(
    store: Store,
    make_take: MakeTake,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    done: bool,  # noqa: FBT001 - pytest passes by name
) -> None:
    take = make_take()
    real = getattr(Store, step)

    def crash(*args: Any) -> None:
        if done:
            real(*args)
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(Store, step, crash)
        with pytest.raises(Crash):
            commit(store, take.manifest, take.file)

    visible = list(list_episodes(store))
    assert visible == ([take.manifest.episode] if step == "create" and done else [])
    for episode in visible:
        assert load_episode(store, episode).manifest == take.manifest

    commit(store, take.manifest, take.file)  # the log is read again
    assert load_episode(store, take.manifest.episode).manifest == take.manifest
    assert len(contents(store)) == 3


def test_already_exists_is_believed_only_when_the_marker_can_be_read(
    store: Store, make_take: MakeTake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3 answers 409 to one of two writers at once, and may have written neither's."""
    take = make_take()
    real, answers = Store.create, iter([False, False])
    monkeypatch.setattr(Store, "create", lambda self, *args: next(answers, None) is None and real(self, *args))
    monkeypatch.setattr(protocol, "_FIRST_PAUSE_S", 0.001)

    commit(store, take.manifest, take.file)

    assert load_episode(store, take.manifest.episode).manifest == take.manifest


def test_a_marker_that_never_appears_is_worth_another_try(
    store: Store, make_take: MakeTake, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = make_take()
    monkeypatch.setattr(Store, "create", lambda *_: False)
    monkeypatch.setattr(protocol, "_FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(patience, "PAUSES_S", (0.001, 0.001))

    with pytest.raises(RetryError, match="exists, and does not give it"):
        commit(store, take.manifest, take.file)


def test_of_two_writers_at_once_one_wins_and_both_say_so(
    store: Store, make_take: MakeTake, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = make_take(), make_take(frames=20)
    real = Store.create

    def overtaken(self: Store, key: str, data: bytes) -> bool:
        monkeypatch.setattr(Store, "create", real)
        commit(self, theirs.manifest, theirs.file)
        return real(self, key, data)

    monkeypatch.setattr(Store, "create", overtaken)

    with pytest.raises(ConflictError):
        commit(store, ours.manifest, ours.file)
    assert load_episode(store, ours.manifest.episode).manifest == theirs.manifest


def test_an_episode_without_a_marker_does_not_exist(store: Store, make_take: MakeTake) -> None:
    take = make_take()
    marker = commit(store, take.manifest, take.file)
    store.put("episodes/g1-04/half/0123456789abcdef/manifest.json", take.manifest.encode())

    assert list(list_episodes(store)) == [take.manifest.episode]
    assert read_marker(store, "half") is None
    with pytest.raises(StopError, match="no finished episode half"):
        load_episode(store, "half")
    assert marker.archive_bytes == take.path.stat().st_size


def test_an_unknown_episode_is_answered_with_similar_names(store: Store, make_take: MakeTake) -> None:
    with pytest.raises(StopError, match="it holds no finished episode"):
        load_episode(store, "20260101T000000-g1-04-aa0002")
    take = make_take()
    commit(store, take.manifest, take.file)

    with pytest.raises(StopError, match="did you mean 20260101T000000-g1-04-aa0001") as caught:
        load_episode(store, "20260101T000000-g1-04-aa0002")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("marker", [b"", b"{}", b"\xff", b'{"manifest": 1, "manifest_sha256": "", "archive_bytes": 1}'])
def test_a_marker_that_is_none_is_damage(store: Store, marker: bytes) -> None:
    store.put(marker_key("e"), marker)

    with pytest.raises(DamagedEpisode, match="episode e: "):
        load_episode(store, "e")


def test_a_manifest_that_was_changed_or_lost_is_damage(store: Store, make_take: MakeTake) -> None:
    take = make_take()
    marker = commit(store, take.manifest, take.file)
    store.put(marker.manifest, replace(take.manifest, decision="accept").encode())
    with pytest.raises(DamagedEpisode, match="not the one that the marker names"):
        load_episode(store, take.manifest.episode)

    lost = Marker(f"episodes/r/gone/{'0' * 16}/manifest.json", "0" * 64, 1)
    store.put(marker_key("gone"), lost.encode())
    with pytest.raises(DamagedEpisode, match="a marker and no manifest"):
        load_episode(store, "gone")


def test_a_file_that_can_not_be_read_makes_nothing_visible(store: Store, make_take: MakeTake) -> None:
    class Broken(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(errno.EIO, "Input/output error")

    take = make_take()

    with pytest.raises(StopError, match=r"can't put episodes/.*/episode.mcap in .*: Input/output error"):
        commit(store, take.manifest, Broken())
    assert list(list_episodes(store)) == []


@pytest.mark.parametrize("place", ["put_file", "put", "create"])
@pytest.mark.parametrize("conflict", [False, True], ids=["first", "conflict"])
def test_an_episode_erased_while_it_is_brought_in_does_not_come_back(
    store: Store,
    make_take: MakeTake,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    conflict: bool,  # noqa: FBT001 - pytest passes by name
) -> None:
    take = make_take()
    if conflict:
        other = make_take(frames=20)
        commit(store, other.manifest, other.file)
    real = getattr(Store, place)

    def erased_meanwhile(self: Store, key: str, *args: Any) -> Any:
        monkeypatch.setattr(Store, place, real)
        done = real(self, key, *args)
        put_erased(store, tombstone(take))
        store.remove(marker_key(take.manifest.episode))
        return done

    monkeypatch.setattr(Store, place, erased_meanwhile)

    with pytest.raises(ErasedError, match="was erased"):
        commit(store, take.manifest, take.file)
    assert list(list_episodes(store)) == []
    assert not any(take.manifest.encode() == data for data in contents(store).values())
    assert not list(store.list("conflicts"))


def test_a_sink_that_died_behind_the_marker_of_an_erased_episode_takes_it_back_in_its_next_life(
    store: Store, make_take: MakeTake
) -> None:
    take = make_take()
    commit(store, take.manifest, take.file)
    put_erased(store, tombstone(take))

    for _ in range(2):
        with pytest.raises(ErasedError):
            commit(store, take.manifest, take.file)
        assert contents(store) == {}


def tombstone(take: Any) -> Erased:
    manifest = take.manifest
    return Erased(manifest.episode, manifest.site, manifest.robot, manifest.stopped_ns, 1, "asked for", complete=True)


def forged(marker: Marker, other: Marker) -> dict[str, Marker]:
    folder = marker.folder.replace("g1-04", "g1-05")
    return {
        "another episode's files": other,
        "a place that is none": replace(marker, manifest="../manifest.json"),
        "no place": replace(marker, manifest=""),
        "a folder of another robot": replace(marker, manifest=f"{folder}/manifest.json"),
        "a folder above": replace(marker, manifest="episodes/g1-04/manifest.json"),
        "another file of the folder": replace(marker, manifest=f"{marker.folder}/episode.mcap"),
        "another size": replace(marker, archive_bytes=1),
        "a number without measure": replace(marker, archive_bytes=2**64),
    }


@pytest.mark.parametrize("what", forged(*[Marker("episodes/g1-04/e/0/manifest.json", "", 1)] * 2))
def test_a_marker_that_is_not_its_episodes_is_damage_and_the_others_are_read(
    store: Store, make_take: MakeTake, what: str
) -> None:
    take, other = make_take(), make_take(episode="other")
    marker, of_other = (commit(store, one.manifest, one.file) for one in (take, other))
    wrong = forged(marker, of_other)[what]
    store.put(wrong.manifest, take.manifest.encode()) if what == "a folder of another robot" else None
    store.put(marker_key(take.manifest.episode), wrong.encode())

    loaded = list(load_episodes(store, [take.manifest.episode, "other"]))

    assert isinstance(loaded[0], DamagedEpisode)
    assert take.manifest.episode in str(loaded[0])
    assert "\n" not in str(loaded[0])
    assert not isinstance(loaded[1], DamagedEpisode)


@pytest.mark.parametrize("key", ["finished/big.json", "manifest"])
def test_an_object_that_is_too_large_is_damage_of_one_episode(
    store: Store, make_take: MakeTake, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = make_take()
    marker = commit(store, take.manifest, take.file)
    monkeypatch.setattr("sinks.episodes.finished.MAX_MANIFEST_BYTES", 70_000)
    store.put(marker.manifest if key == "manifest" else marker_key(take.manifest.episode), b" " * 70_001)

    (one,) = load_episodes(store, [take.manifest.episode])

    assert isinstance(one, DamagedEpisode)
    assert "has 70001 bytes" in str(one)
