from typing import Any

import pytest

from saltwell.bus.processor import Arrival, Effect
from saltwell.contracts.results import EpisodeFinished, Review
from saltwell.errors import RetryError, StopError
from sinks.dataset import processor as module
from sinks.dataset.processor import Datasets
from sinks.dataset.shelf import trained_episodes
from sinks.episodes.finished import load_episode
from sinks.episodes.gone import Erased, put_erased
from sinks.store import Store


def _effect(store, tmp_path) -> Effect:
    finished = EpisodeFinished("site", "robot", "take", "sort", "accept", [], "", "", 0, 0, 0, [], [])
    sink = Datasets(store, tmp_path, codec="h264", decisions=("accept",))
    (effect,) = sink.on_record(Arrival("episodes.finished", 0, 0, 0, finished))
    assert isinstance(effect, Effect)
    return effect


def _of_review(store, tmp_path, decision: str, episode: str) -> list[Any]:
    review = Review("zigong", "g1-04", episode, "ana", 1, decision, "", "")
    sink = Datasets(store, tmp_path, codec="h264", decisions=("accept",))
    return [*sink.on_record(Arrival("reviews", 0, 0, 0, review))]


def test_what_people_accept_gets_training_files(folder_store, tmp_path, record) -> None:
    record(folder_store, tmp_path, "take-1")
    assert _of_review(folder_store, tmp_path, "reject", "take-1") == []
    (effect,) = _of_review(folder_store, tmp_path, "accept", "take-1")
    [*effect.run()]
    assert [*trained_episodes(folder_store)] == ["take-1"]


def test_an_episode_erased_while_its_files_are_made_keeps_none(
    folder_store, tmp_path, record, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(folder_store, tmp_path, "take-1")
    manifest = load_episode(folder_store, "take-1").manifest
    create = Store.create

    def erased_meanwhile(self: Store, *args: Any) -> bool:
        put_erased(self, Erased("take-1", manifest.site, manifest.robot, 1, 1, "", complete=True))
        return create(self, *args)

    monkeypatch.setattr(Store, "create", erased_meanwhile)
    (effect,) = _of_review(folder_store, tmp_path, "accept", "take-1")

    assert [*effect.run()] == []
    assert [*folder_store.list("training"), *folder_store.list("trained")] == []


def test_a_damaged_marker_of_training_files_does_not_stop_the_shard(folder_store, tmp_path, record) -> None:
    record(folder_store, tmp_path, "take-1")
    folder_store.put("trained/take-1.json", b"{}")
    (effect,) = _of_review(folder_store, tmp_path, "accept", "take-1")

    assert [*effect.run()] == []


@pytest.mark.parametrize("episode", ["unknown", "", "x" * 300])
def test_a_word_on_what_is_not_in_the_store_is_passed_over(folder_store, tmp_path, episode) -> None:
    (effect,) = _of_review(folder_store, tmp_path, "accept", episode)
    assert [*effect.run()] == []


def _raising(error: Exception) -> Any:
    def train(*_: Any, **__: Any) -> None:
        raise error

    return train


def test_a_defect_that_one_episode_meets_does_not_stop_the_shard(
    folder_store, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "train", _raising(ValueError("cannot reshape array of size 5")))
    assert [*_effect(folder_store, tmp_path).run()] == []


def test_a_store_that_is_away_is_tried_again(folder_store, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "train", _raising(RetryError("the store is away")))
    with pytest.raises(RetryError):
        [*_effect(folder_store, tmp_path).run()]


def _announced(store, tmp_path, uri: str) -> Effect:
    finished = EpisodeFinished("site", "robot", "take", "sort", "accept", [], uri, "", 0, 0, 0, [], [])
    (effect,) = Datasets(store, tmp_path, codec="h264", decisions=("accept",)).on_record(
        Arrival("episodes.finished", 0, 0, 0, finished)
    )
    assert isinstance(effect, Effect)
    return effect


def test_an_episode_that_was_removed_since_does_not_stop_the_shard(folder_store, tmp_path) -> None:
    effect = _announced(folder_store, tmp_path, folder_store.uri("episodes/robot/take/0123456789abcdef"))
    assert [*effect.run()] == []


def test_a_wrong_store_stops_the_sink(folder_store, tmp_path) -> None:
    effect = _announced(folder_store, tmp_path, "s3://another/episodes/robot/take/0123456789abcdef")
    with pytest.raises(StopError, match="no finished episode take"):
        [*effect.run()]
