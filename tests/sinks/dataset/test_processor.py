from typing import Any

import pytest

from saltwell.bus.processor import Arrival, Effect
from saltwell.contracts.results import EpisodeFinished
from saltwell.errors import RetryError
from sinks.dataset import processor as module
from sinks.dataset.processor import Datasets


def _effect(store, tmp_path) -> Effect:
    finished = EpisodeFinished("site", "robot", "take", "sort", "accept", [], "", "", 0, 0, 0, [], [])
    sink = Datasets(store, tmp_path, codec="h264", decisions=("accept",))
    (effect,) = sink.on_record(Arrival("episodes.finished", 0, 0, 0, finished))
    assert isinstance(effect, Effect)
    return effect


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
