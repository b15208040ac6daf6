"""What is usual for a task and for a device, learned from accepted episodes and kept in a versioned file.

A verdict names the version of the baselines it was made with, so the log and the file give it again. See
docs/decisions/015-baselines-are-a-file.md for why they are no topic.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from processors.judge.criteria import Measured
from processors.judge.images import QUARTERS
from processors.judge.series import StreamScores
from saltwell.contracts.results import AlignmentEnded
from saltwell.errors import StopError

LEAST_EPISODES = 5
"""Of fewer nothing is said: their spread is chance."""

_FORMAT = "saltwell-baselines/1"
_MAX_BYTES = 64 * 1024 * 1024
_HASH_DIGITS = 12
_SIGMA_OF_MAD = 1.4826
_SAME_SHARE = 0.003
_PARTS = 8
_LEAST_OFF = 10.0

_OF_DEVICES: Mapping[str, Mapping[str, float]] = {
    "color": {"brightness": 8.0, "detail": 0.03, "red_green": 0.03, "blue_green": 0.03, **dict.fromkeys(QUARTERS, 8.0)},
    "depth": {"valid_share": 0.02},
    "cloud": {"valid_returns": 0.0, "range_p50_m": 0.1},
}
_DELAY, _DELAY_SPREAD_MS = "delay_ms", 3.0
"""Metrics compared with a device's usual, by kind, and the spread they have at the least (rooms change a little)."""

_OF_TASKS: Mapping[str, float] = {"duration_s": 0.0, "path": 0.0, "sparc": 0.05, "ldlj": 0.1}
_LEAST_SHARE = 0.02  # of the median, as spread


@dataclass(frozen=True, slots=True)
class Usual:
    """Median and robust standard deviation of a number over so many accepted episodes."""

    median: float
    spread: float
    episodes: int

    def deviations(self, value: float) -> float:
        """How far a value lies off, in robust standard deviations, with its sign."""
        return (value - self.median) / max(self.spread, 1e-9)


@dataclass(frozen=True, slots=True)
class Facts:
    """Of one episode: numbers by key, see `facts_of`; and its way through joint space in eighths, rad."""

    episode: str
    robot: str
    task: str
    numbers: Mapping[str, float]
    way: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Baselines:
    """Usual numbers by key, and the ways of the episodes learned from, by episode."""

    version: str
    usual: Mapping[str, Usual]
    ways: Mapping[str, tuple[float, ...]]

    def measures(self, facts: Facts) -> Iterator[Measured]:
        """How an episode differs from what is usual; nothing about what fewer than 5 episodes tell."""
        if (duration := self._known(_task(facts.task, "", "duration_s"))) and duration.median > 0:
            ratio = facts.numbers[_task(facts.task, "", "duration_s")] / duration.median
            yield Measured("duration", "", "episode", ratio)
        for key, value in facts.numbers.items():
            usual = self._known(key)
            about, _, stream, name = key.split("|")
            if usual is not None and about == "task" and stream:
                yield Measured(f"unusual_{name}", stream, "joints", usual.deviations(value))
        yield from self._devices(facts)
        yield from self._swapped(facts)
        yield from self._repeated(facts)

    def _known(self, key: str) -> Usual | None:
        usual = self.usual.get(key)
        return usual if usual is not None and usual.episodes >= LEAST_EPISODES else None

    def _devices(self, facts: Facts) -> Iterator[Measured]:
        """Each stream's worst number."""
        worst: dict[tuple[str, str], tuple[float, str]] = {}
        for key, value in facts.numbers.items():
            about, _, stream, name = key.split("|")
            usual = self._known(key)
            if about == "device" and usual is not None:
                kind, name = name.split(":")
                worst[stream, kind] = max(worst.get((stream, kind), (0.0, "")), (abs(usual.deviations(value)), name))
        for (stream, kind), (deviations, name) in sorted(worst.items()):
            yield Measured("unlike_usual", stream, kind, deviations, note=name)

    def _swapped(self, facts: Facts) -> Iterator[Measured]:
        """Cameras that show what another one usually shows, all along."""
        looks: dict[str, dict[str, float]] = {}
        for key, value in facts.numbers.items():
            about, _, stream, name = key.split("|")
            if about == "device" and name.startswith("color:") and not name.endswith(_DELAY) and self._known(key):
                looks.setdefault(stream, {})[name] = value
        for one, other in combinations(sorted(looks), 2):
            own = self._off(facts.robot, one, looks[one]) + self._off(facts.robot, other, looks[other])
            crossed = self._off(facts.robot, one, looks[other]) + self._off(facts.robot, other, looks[one])
            if own > _LEAST_OFF and crossed < own / 2:
                yield Measured("swapped", one, "color", 1.0)
                yield Measured("swapped", other, "color", 1.0)

    def _off(self, robot: str, stream: str, look: Mapping[str, float]) -> float:
        """How far a look lies off a camera's usual, in deviations, summed."""
        usual = ((self.usual.get(_key("device", robot, stream, name)), value) for name, value in look.items())
        return sum(abs(one.deviations(value)) for one, value in usual if one is not None)

    def _repeated(self, facts: Facts) -> Iterator[Measured]:
        """An earlier episode with the same way, part by part, as no person moves twice."""
        for episode, way in sorted(self.ways.items()):
            if episode != facts.episode and len(way) == len(facts.way) > 0 and _same(way, facts.way):
                yield Measured("near_duplicate", "", "episode", 1.0, note=episode)
                return

    def encode(self) -> str:
        """Text of the file."""
        usual = {key: [u.median, u.spread, u.episodes] for key, u in sorted(self.usual.items())}
        ways = {episode: list(way) for episode, way in sorted(self.ways.items())}
        body = {"format": _FORMAT, "version": self.version, "usual": usual, "ways": ways}
        return json.dumps(body, indent=1, ensure_ascii=False) + "\n"


def facts_of(alignment: AlignmentEnded, scores: Mapping[str, StreamScores], measured: Iterable[Measured]) -> Facts:
    """The numbers that baselines are about; keys are `about|of|stream|name`.

    task|TASK||duration_s; task|TASK|STREAM|path, sparc and ldlj; device|ROBOT|STREAM|KIND:METRIC, medians. A delay
    from stamp to arrival that is not the usual one is a clock that was set, which stamps and arrivals of one episode
    can't tell.
    """
    numbers = {_task(alignment.task, "", "duration_s"): (alignment.stopped_ns - alignment.started_ns) / 1e9}
    for one in measured:
        if one.code in _OF_TASKS:
            numbers[_task(alignment.task, one.stream, one.code)] = one.value
    for timing in alignment.streams:
        key = _key("device", alignment.robot, timing.stream, f"{timing.kind}:{_DELAY}")
        numbers[key] = timing.delay_p50_ns / 1e6
    ways = []
    for stream, of in sorted(scores.items()):
        for name in _OF_DEVICES.get(of.kind, ()):
            _, values = of.known(name)
            if values.size:
                numbers[_key("device", alignment.robot, stream, f"{of.kind}:{name}")] = float(np.median(values))
        _, steps = of.known("path_rad")
        if of.kind == "joints" and len(steps) >= _PARTS:
            ways.append([float(part.sum()) for part in np.array_split(steps, _PARTS)])
    way = tuple(ways[0]) if ways and min(ways[0]) > 0 else ()
    return Facts(alignment.episode, alignment.robot, alignment.task, numbers, way)


def learn(episodes: Iterable[Facts]) -> Baselines:
    """Baselines of accepted episodes; their order leaves no trace."""
    values: dict[str, list[float]] = {}
    ways: dict[str, tuple[float, ...]] = {}
    for facts in episodes:
        for key, value in facts.numbers.items():
            values.setdefault(key, []).append(value)
        if facts.way:
            ways[facts.episode] = facts.way
    usual = {key: _usual(key, np.array(sorted(found))) for key, found in values.items()}
    draft = Baselines("", usual, ways)
    version = hashlib.sha256(draft.encode().encode()).hexdigest()[:_HASH_DIGITS]
    return Baselines(version, usual, ways)


def load_baselines(path: Path) -> Baselines:
    """Baselines of a file; StopError in one line when it is not one that `learn` wrote."""
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise StopError(f"{path}: baselines are larger than {_MAX_BYTES} bytes; learn from fewer episodes")
        body = json.loads(data)
        if body["format"] != _FORMAT:
            raise StopError(f"{path}: baselines of format {body['format']!r}, not {_FORMAT!r}; learn them again")
        usual = {str(key): Usual(float(m), float(s), int(n)) for key, (m, s, n) in body["usual"].items()}
        ways = {str(key): tuple(map(float, way)) for key, way in body["ways"].items()}
        return _checked(path, Baselines(str(body["version"]), usual, ways))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StopError(f"{path}: no valid baselines: {error}; make them with saltwell baselines learn") from error


def _checked(path: Path, found: Baselines) -> Baselines:
    """The file's own version is the hash of its content, so an edited one is seen to."""
    content = Baselines("", found.usual, found.ways).encode().encode()
    if hashlib.sha256(content).hexdigest()[:_HASH_DIGITS] != found.version:
        raise StopError(f"{path}: these baselines were changed by hand; make them with saltwell baselines learn")
    if any(key.count("|") != 3 for key in found.usual):  # noqa: PLR2004  # about|of|stream|name
        raise StopError(f"{path}: a key is not about|of|stream|name; make them with saltwell baselines learn")
    return found


def _usual(key: str, values: np.ndarray[Any, np.dtype[np.float64]]) -> Usual:
    median = float(np.median(values))
    name = key.rsplit("|", 1)[1]
    kind, _, metric = name.partition(":")
    least = _DELAY_SPREAD_MS if metric == _DELAY else _OF_DEVICES[kind][metric] if metric else _OF_TASKS[name]
    spread = _SIGMA_OF_MAD * float(np.median(np.abs(values - median)))
    return Usual(median, max(spread, least, _LEAST_SHARE * abs(median)), len(values))


def _same(way: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return all(abs(a - b) <= _SAME_SHARE * max(a, b) for a, b in zip(way, other, strict=True))


def _task(task: str, stream: str, name: str) -> str:
    return _key("task", task, stream, name)


def _key(*parts: str) -> str:
    return "|".join(part.replace("|", "/") for part in parts)
