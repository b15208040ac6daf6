"""What has been published into a dataset so far: its episodes in order, and sums of their statistics. Pure.

It stands beside LeRobot's own files as meta/saltwell.json, so that publishing ten more episodes reads one small file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sinks.episodes.json_text import canonical, parse, typed
from sinks.episodes.reviews import Word

FORMAT = "saltwell-dataset/1"
MAX_BYTES = 1024 * 1024 * 1024


@dataclass(slots=True)
class Published:
    """The state of a dataset: names of its episodes in order; `passed_over` were looked at and are not wanted.

    `words` are what people had said by then of those it names.
    """

    fps: int
    robot_type: str
    features: Mapping[str, Any]
    wanted: str = ""
    passed_over: list[str] = field(default_factory=list)
    words: dict[str, Word] = field(default_factory=dict)
    tasks: list[str] = field(default_factory=list)
    episodes: list[str] = field(default_factory=list)
    rows: int = 0
    stats: dict[str, Any] = field(default_factory=dict)
    meta_files: int = 0
    format: str = FORMAT

    def task_index(self, task: str) -> int:
        """Number of a task; a new one comes behind the others."""
        if task not in self.tasks:
            self.tasks.append(task)
        return self.tasks.index(task)

    def encode(self) -> bytes:
        """Text of meta/saltwell.json."""
        return canonical(self)

    @classmethod
    def parse(cls, data: bytes, what: str) -> "Published":
        """Read it; SkipRecordError naming `what` when it is none."""
        read = typed(_Stored, parse(data, what), what)
        return cls(
            read.fps,
            read.robot_type,
            read.features,
            read.wanted,
            [*read.passed_over],
            {**read.words},
            [*read.tasks],
            [*read.episodes],
            read.rows,
            {**read.stats},
            read.meta_files,
            read.format,
        )


@dataclass(frozen=True, slots=True)
class _Stored:
    fps: int
    robot_type: str
    features: Mapping[str, Any]
    wanted: str
    passed_over: Sequence[str]
    words: Mapping[str, Word]
    tasks: Sequence[str]
    episodes: Sequence[str]
    rows: int
    stats: Mapping[str, Any]
    meta_files: int
    format: str


def merged(sums: Mapping[str, Any], stats: Mapping[str, Any]) -> dict[str, Any]:
    """Statistics of all episodes so far and one more, as LeRobot aggregates them.

    Mean and variance are exact. Quantiles are an envelope: q01, q10 and q50 the least of the episodes', q90 and q99 the
    greatest (lerobot compute_stats.aggregate_stats).
    """
    return {name: _merged(sums.get(name), of_feature) for name, of_feature in stats.items()}


def _merged(sums: Mapping[str, Any] | None, more: Mapping[str, Any]) -> dict[str, Any]:
    if sums is None:
        return dict(more)
    a = {name: np.asarray(values, dtype=np.float64) for name, values in sums.items()}
    b = {name: np.asarray(values, dtype=np.float64) for name, values in more.items()}
    n_a, n_b = a["count"][0], b["count"][0]
    mean = (n_a * a["mean"] + n_b * b["mean"]) / (n_a + n_b)
    spread = n_a * (a["std"] ** 2 + (a["mean"] - mean) ** 2) + n_b * (b["std"] ** 2 + (b["mean"] - mean) ** 2)
    found = {
        "min": np.minimum(a["min"], b["min"]),
        "max": np.maximum(a["max"], b["max"]),
        "mean": mean,
        "std": np.sqrt(spread / (n_a + n_b)),
        **{name: np.minimum(a[name], b[name]) for name in ("q01", "q10", "q50")},
        **{name: np.maximum(a[name], b[name]) for name in ("q90", "q99")},
    }
    return {**{name: values.tolist() for name, values in found.items()}, "count": [int(n_a + n_b)]}
