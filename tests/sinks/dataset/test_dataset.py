"""From finished episodes to a data set that a trainer reads: every row and every picture is the right one."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow.parquet as pq
import pytest

from saltwell.contracts.results import Review
from saltwell.errors import StopError
from sinks.dataset.processor import train
from sinks.dataset.publish import Wanted, publish
from sinks.dataset.reader import DatasetReader
from sinks.dataset.shelf import load_training
from sinks.episodes.reviews import put_review
from sinks.store import open_store

ANY = Wanted(("accept", "review", "reject"))
T0_NS = 1_767_225_600_000_000_000


def _publish(store, root: Path, tmp_path: Path, wanted: Wanted = ANY):
    return publish(store, wanted, open_store(str(root), create=True), tmp_path, advance=lambda _: None)


def _reader(root: Path) -> DatasetReader:
    return DatasetReader(open_store(str(root)))


def test_every_picture_and_every_value_belongs_to_its_row(published, numbers) -> None:
    reader = _reader(published)
    assert [*reader.problems()] == []
    for number, shown in enumerate(([*range(40)], [i for i in range(40) if i != 7])):
        rows = [*reader.rows(number)]
        assert [numbers(row.pictures["observation.images.head_color"]) for row in rows] == shown
        for row in rows:
            seconds = (row.values["observation.t_ref_ns"] - T0_NS) / 1e9
            assert row.values["observation.state"] == pytest.approx([seconds, -seconds], abs=1e-6)
            assert row.values["observation.torque"] == pytest.approx([10 * seconds, -10 * seconds], abs=1e-5)
            assert row.values["action"] == [1.0, 2.0]
            x, _, _, *turn = row.values["observation.pose.vr_left"]
            assert x == pytest.approx(seconds, abs=1e-6)
            assert turn == pytest.approx([0, 0, np.sin(seconds / 2), np.cos(seconds / 2)], abs=1e-5)
            assert row.values["observation.capture_ns.head_color"] == row.values["observation.t_ref_ns"]


def test_rows_are_numbered_through_the_whole_set(published) -> None:
    tables = [pq.read_table(path) for path in sorted(published.glob("data/*/*.parquet"))]
    assert [pq.ParquetFile(path).num_row_groups for path in sorted(published.glob("data/*/*.parquet"))] == [1, 1]
    assert tables[0]["index"].to_pylist() + tables[1]["index"].to_pylist() == list(range(79))
    assert set(tables[1]["episode_index"].to_pylist()) == {1}
    info = json.loads((published / "meta/info.json").read_text())
    assert (info["total_episodes"], info["total_frames"], info["total_tasks"]) == (2, 79, 2)
    assert pq.read_table(published / "meta/tasks.parquet")["task"].to_pylist() == ["sort", "stack"]


def test_torque_stands_beside_each_row_at_the_sensors_own_rate(published) -> None:
    row = next(_reader(published).rows(0))
    assert np.asarray(row.values["observation.torque_window.joint_states"]).shape == (17, 2)
    later = [*_reader(published).rows(0)][20].values
    newest = later["observation.torque_window.joint_states"][-1][0] / 10
    assert 0 <= (later["observation.t_ref_ns"] - T0_NS) / 1e9 - newest < 0.002


def test_statistics_are_those_of_all_rows(published) -> None:
    stats = json.loads((published / "meta/stats.json").read_text())
    rows = [r.values for n in range(2) for r in _reader(published).rows(n)]
    states = np.array([row["observation.state"] for row in rows])
    assert stats["observation.state"]["mean"] == pytest.approx(states.mean(axis=0).tolist(), abs=1e-6)
    assert stats["observation.state"]["std"] == pytest.approx(states.std(axis=0).tolist(), abs=1e-6)
    assert stats["observation.state"]["count"] == [79]
    assert np.asarray(stats["observation.images.head_color"]["mean"]).shape == (3, 1, 1)
    assert 0.0 <= stats["observation.images.head_color"]["min"][0][0][0] <= 1.0


def test_depth_is_kept_to_the_millimetre(published) -> None:
    import cv2

    rows = pq.read_table(published / "sidecars/depth/chunk-000/file-000.parquet").to_pylist()
    assert len(rows) == 40
    for row in rows:
        depth = cv2.imdecode(np.frombuffer(row["png"], np.uint8), cv2.IMREAD_UNCHANGED)
        assert (depth == 1_000 + row["seq"]).all()


def test_a_frame_that_is_missing_in_a_video_is_named_and_nothing_is_published(
    make_episode, folder_store, tmp_path
) -> None:
    make_episode()
    marker, _ = load_training(folder_store, "take-1")
    video = folder_store.folder / marker.folder / "head_color.mp4"
    _cut_out(video, 17)
    with pytest.raises(StopError, match=r"take-1: head_color.mp4: frame 17 is missing: frame 18 stands in its place"):
        _publish(folder_store, tmp_path / "set", tmp_path)
    assert not (tmp_path / "set" / "meta").exists()


def test_what_is_new_comes_behind_and_what_is_there_is_not_touched(make_episode, folder_store, tmp_path) -> None:
    root = tmp_path / "set"
    for name in ("take-2", "take-1", "take-3"):
        make_episode(name)
        before = {path: path.stat().st_mtime_ns for path in root.glob("*/**/file-*") if path.is_file()}
        done = _publish(folder_store, root, tmp_path)
        assert (done.added, done.begun_anew) == (1, False)
        assert all(path.stat().st_mtime_ns == at for path, at in before.items())
    reader = _reader(root)
    assert [episode["source/episode"] for episode in reader.episodes] == ["take-2", "take-1", "take-3"]
    assert [*reader.problems()] == []
    assert _publish(folder_store, root, tmp_path).added == 0


def test_other_wishes_begin_the_set_anew(make_episode, folder_store, tmp_path) -> None:
    root = tmp_path / "set"
    for name, task in (("take-1", "sort"), ("take-2", "stack")):
        make_episode(name, task=task)
    assert _publish(folder_store, root, tmp_path).episodes == 2
    done = _publish(folder_store, root, tmp_path, Wanted(ANY.decisions, task="stack"))
    assert (done.episodes, done.begun_anew) == (1, True)
    reader = _reader(root)
    assert [episode["tasks"] for episode in reader.episodes] == [["stack"]]
    assert [*reader.problems()] == []


def test_what_people_say_counts_more_than_the_verdict(make_episode, folder_store, tmp_path) -> None:
    root = tmp_path / "set"
    for name in ("take-1", "take-2"):
        make_episode(name)
    decision = load_training(folder_store, "take-1")[1].decision
    wanted = Wanted((decision,))
    assert _publish(folder_store, root, tmp_path, wanted).episodes == 2

    other = "reject" if decision != "reject" else "accept"
    word = Review("zigong", "g1-04", "take-1", "ana", 1, other, "", "it fell")
    put_review(folder_store, word)
    done = _publish(folder_store, root, tmp_path, wanted)
    assert (done.episodes, done.begun_anew) == (1, True)
    put_review(folder_store, replace(word, reviewer="bo", reviewed_ns=2))
    assert _publish(folder_store, root, tmp_path, wanted).begun_anew is False

    put_review(folder_store, replace(word, reviewed_ns=3, decision=decision, task="stack"))
    done = _publish(folder_store, root, tmp_path, wanted)
    assert (done.episodes, done.added, done.begun_anew) == (2, 1, False)
    episodes = _reader(root).episodes
    assert [(e["source/episode"], e["tasks"], e["quality/verdict"]) for e in episodes] == [
        ("take-2", ["sort"], decision),
        ("take-1", ["stack"], decision),
    ]
    assert [*_reader(root).problems()] == []


def test_media_are_linked_not_copied(make_episode, folder_store, tmp_path) -> None:
    make_episode()
    _publish(folder_store, tmp_path / "set", tmp_path)
    marker, _ = load_training(folder_store, "take-1")
    made = folder_store.folder / marker.folder / "head_color.mp4"
    assert made.samefile(tmp_path / "set/videos/observation.images.head_color/chunk-000/file-000.mp4")


def test_training_files_are_made_once(make_episode, folder_store, tmp_path) -> None:
    make_episode()
    first = load_training(folder_store, "take-1")
    train(folder_store, "take-1", tmp_path, codec="h264")
    assert load_training(folder_store, "take-1") == first


def test_another_folder_is_not_overwritten(make_episode, folder_store, tmp_path) -> None:
    make_episode()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(StopError, match="is not empty and no dataset of ours"):
        _publish(folder_store, tmp_path / "mine", tmp_path)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"


def _cut_out(video: Path, number: int) -> None:
    """Code a video again without one frame, as a tool that drops frames would."""
    with av.open(video) as file:
        frames: list[Any] = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    del frames[number]
    video.unlink()
    with av.open(video, "w") as file:
        stream: Any = file.add_stream("libx264", rate=30)
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], "yuv420p"
        for pixels in frames:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        file.mux(stream.encode())
