"""Pictures of a real recording with known faults, and of episodes that lack what pictures are made of."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from processors.downsample.processor import Downsample, Settings
from processors.judge.criteria import load_criteria
from processors.judge.processor import Judge
from processors.score.processor import Score
from processors.synchronize.processor import Synchronize
from producers.memory import MemoryOutbox
from producers.replay.player import Part, play
from saltwell.bus.memory import MemoryBus
from saltwell.contracts.results import Review
from saltwell.errors import StopError
from sinks.dataset.recorded import Recorded
from sinks.episodes.command import episodes
from sinks.episodes.commit import commit
from sinks.episodes.finished import FinishedEpisode, load_episode
from sinks.episodes.layout import archive_key
from sinks.episodes.processor import Episodes
from sinks.episodes.reviews import put_review
from sinks.plot.picture import draw_episode
from sinks.plot.series import BINS, THUMBNAILS, Clock, filmstrips, scores, skews, torques
from sinks.store import Store, open_store

GREEN, AMBER, RED = (42, 138, 87), (201, 133, 0), (200, 55, 45)


@pytest.fixture(scope="module")
def faulty(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, FinishedEpisode]:
    """Six seconds with a pause of the head camera from 0.97 s, a torque jump at 2.26 s, a blur from 3.63 s."""
    folder = tmp_path_factory.mktemp("faulty")
    store, bus = open_store(str(folder)), MemoryBus()
    play(
        recordings / "station_composite_faults.mcap",
        MemoryOutbox(bus),
        [Part("g1-04", "faulty")],
        site="zigong",
        task=None,
        real_time=False,
        on_message=lambda: None,
    )
    for processor in (Synchronize(), Downsample(Settings()), Score(), Judge(load_criteria()), Episodes(store, folder)):
        bus.run(processor)
    return store, load_episode(store, "faulty")


@pytest.fixture(scope="module")
def recorded(faulty: tuple[Store, FinishedEpisode]) -> Recorded:
    store, one = faulty
    return Recorded(store.open(archive_key(one.marker.folder)), one.manifest)


def pixels(png: bytes) -> np.ndarray[Any, Any]:
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def badge(picture: np.ndarray[Any, Any]) -> tuple[int, ...]:
    """The most frequent colour of the upper right corner that is not white."""
    colors, counts = np.unique(picture[:60, -200:].reshape(-1, 3), axis=0, return_counts=True)
    return tuple(map(int, colors[np.argsort(counts)[-2]]))


def test_a_peak_of_one_sample_is_in_the_picture(recorded: Recorded) -> None:
    (torque,) = torques(recorded, Clock(recorded))
    assert torque.unit == "torque, Nm"
    usual = np.nanmedian(torque.values, axis=0)
    at, joint = np.unravel_index(np.nanargmax(np.abs(torque.values - usual)), torque.values.shape)
    assert torque.joints[joint] == "lwr_arm_3_joint"
    assert torque.times_s[at] == pytest.approx(2.24, abs=0.05)
    assert torque.values[at, joint] - usual[joint] > 50


def test_where_no_camera_set_a_step_there_is_no_skew(recorded: Recorded) -> None:
    clock = Clock(recorded)
    found = skews(recorded, clock)
    assert "/task" not in found.streams
    pause = slice(clock.part(1.0, BINS), clock.part(1.2, BINS))
    assert np.isnan(found.skew_ms[:, pause]).all()
    assert np.isinf(found.skew_ms[found.streams.index("/torso/points")]).any()
    assert np.nanmax(found.skew_ms[found.streams.index("/head/color")]) == np.inf


def test_pictures_stand_at_their_time(recorded: Recorded) -> None:
    strips = {strip.stream: strip.pictures for strip in filmstrips(recorded, Clock(recorded))}
    assert [*strips] == ["/chest/color", "/head/color", "/chest/depth"]
    for pictures in strips.values():
        assert {picture.shape[1] for picture in pictures if picture is not None} <= {320, 360}
        assert len({picture.tobytes() for picture in pictures}) >= THUMBNAILS - 1  # the depth camera froze


def test_a_blur_shows_in_the_scores(recorded: Recorded) -> None:
    (head,) = (one for one in scores(recorded, Clock(recorded)) if one.stream == "/head/color")
    assert head.metric == "sharpness"
    blurred = head.share[(head.times_s > 3.7) & (head.times_s < 4.2)]
    assert blurred.max() < 0.5
    assert np.median(head.share) == pytest.approx(1.0)


def test_the_picture_wears_the_verdict_and_what_people_said(
    faulty: tuple[Store, FinishedEpisode], tmp_path: Path
) -> None:
    store, one = faulty
    before = draw_episode(store, one)
    assert pixels(before).shape[1] == 1760
    assert badge(pixels(before)) == RED
    put_review(store, Review("zigong", "g1-04", "faulty", "ana", 1, "accept", "", ""))
    assert badge(pixels(draw_episode(store, one))) == GREEN


def test_an_episode_without_anything_to_see_is_drawn_too(make_take: Callable[..., Any], tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"), create=True)
    take = make_take(episode="odd", task="put $x^{ into\n the \x1b[2J 箱子", robot="g1")
    commit(store, replace(take.manifest, reasons=()), take.file)
    path = tmp_path / "odd.png"

    result = CliRunner().invoke(episodes, ["plot", "odd", "--out", str(path), "--store", store.url])

    assert result.output == f"{path}\n"
    assert badge(pixels(path.read_bytes())) == AMBER
    refused = CliRunner().invoke(episodes, ["plot", "odd", "--out", "/nowhere/odd.png", "--store", store.url])
    assert isinstance(refused.exception, StopError)
