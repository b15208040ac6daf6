"""Publishing is incremental: what the next episode costs does not hang on how many there are."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bench.dataset import growth
from bench.dataset.growth import measured
from sinks.store import Store


def test_the_next_episodes_need_as_many_requests_whatever_the_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests: Counter[str] = Counter()
    for name in ("get", "put", "put_file", "open", "remove", "list"):
        monkeypatch.setattr(Store, name, _counted(getattr(Store, name), name, requests))
    counts = []
    publish = growth._publish

    def counted_publish(*args: Any) -> float:
        requests.clear()
        seconds = publish(*args)
        counts.append(Counter(requests))
        return seconds

    monkeypatch.setattr(growth, "_publish", counted_publish)
    measured([3, 30], tmp_path)
    _, small, *_, small_nothing, _, large, _, _, _, _, large_nothing = counts
    assert small == large
    assert small_nothing == large_nothing
    assert sum(small_nothing.values()) < 20


def _counted(real: Any, name: str, requests: Counter[str]) -> Any:
    def call(*args: Any, **more: Any) -> Any:
        requests[name] += 1
        return real(*args, **more)

    return call
