"""What a picture of an episode is drawn from: a few pictures and some thousand numbers, however long the episode is."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from saltwell.errors import SkipRecordError
from saltwell.messages.motion import JointState
from sinks.dataset.pictures import Picture, depth_png, is_compressed, picture
from sinks.dataset.recorded import Recorded, RecordedFrame
from sinks.episodes.annotations import SCORES
from sinks.episodes.json_text import parse, typed

Floats = npt.NDArray[np.float64]

THUMBNAILS = 10
"""Pictures a camera."""

BINS = 1500
"""Parts of the episode that joints and skew are gathered in: about as many as the picture has points."""

_THUMBNAIL_PIXELS = 360
_FAR_MM = 4000.0
_GAP_SAMPLES = 5
_TOLD_BY = {"color": "sharpness", "depth": "valid_share", "cloud": "valid_returns"}
"""The score that stands for a kind of stream: what falls when its sensor is blocked, shaken or dying."""


@dataclass(frozen=True, slots=True)
class Filmstrip:
    """A camera's pictures; None = no frame that can be shown in that tenth of the episode."""

    stream: str
    pictures: Sequence[Picture | None]


@dataclass(frozen=True, slots=True)
class Envelope:
    """A quantity of a stream's joints: `times_s` (n,), `values` (n, joints); NaN parts what lies across a gap.

    Two values stand for each part of the episode, the least and the greatest: no peak is left out.
    """

    stream: str
    unit: str
    joints: Sequence[str]
    times_s: Floats
    values: Floats


@dataclass(frozen=True, slots=True)
class Skews:
    """Largest absolute skew of each stream in each part of the episode, ms (streams, BINS).

    NaN = no step there, infinite = a step without a match.
    """

    streams: Sequence[str]
    skew_ms: Floats


@dataclass(frozen=True, slots=True)
class Score:
    """A score of a stream over time, as a share of its own median."""

    stream: str
    metric: str
    times_s: Floats
    share: Floats


@dataclass(frozen=True, slots=True)
class _Metric:
    name: str
    value: float


@dataclass(frozen=True, slots=True)
class _Told:
    """A message of /saltwell/scores."""

    stream: str
    seq: int
    captured_ns: int
    metrics: Sequence[_Metric]


class Clock:
    """Seconds since the start of the episode; of sensors' stamps by one offset a stream, near enough to look at."""

    def __init__(self, recorded: Recorded) -> None:
        self._start_ns = recorded.manifest.started_ns
        timings = ((name, entry.timing) for name, entry in recorded.manifest.streams.items())
        self._offsets_ns = {name: timing.clock_offset_ns for name, timing in timings if timing is not None}
        self.duration_s = max((recorded.manifest.stopped_ns - self._start_ns) / 1e9, 1e-3)

    def site_s(self, time_ns: int) -> float:
        """Of a time in site time."""
        return (time_ns - self._start_ns) / 1e9

    def captured_s(self, stream: str, frame: RecordedFrame) -> float:
        """Of a frame's capture."""
        return self.site_s(frame.captured_ns + self._offsets_ns.get(stream, 0))

    def part(self, time_s: float, parts: int) -> int:
        """In which of so many equal parts of the episode a time lies; the nearest for one outside."""
        return min(max(int(time_s / self.duration_s * parts), 0), parts - 1)


def filmstrips(recorded: Recorded, clock: Clock) -> Iterator[Filmstrip]:
    """The pictures of each camera, depth cameras last."""
    for kind, decode in (("color", _color), ("depth", _depth)):
        for stream in recorded.of_kind(kind):
            yield Filmstrip(stream, _pictures(recorded, stream, clock, decode))


def torques(recorded: Recorded, clock: Clock) -> Iterator[Envelope]:
    """Torque of each joint stream's joints; velocity, or else position, of a stream that gives none."""
    for stream in recorded.states():
        if (found := _envelope(recorded, stream, clock)) is not None:
            yield found


def skews(recorded: Recorded, clock: Clock) -> Skews:
    """Skew of all streams but text and the like, which is held for minutes."""
    timed = [name for name, entry in sorted(recorded.manifest.streams.items()) if entry.kind != "other"]
    rows = {name: number for number, name in enumerate(timed)}
    skew_ms = np.full((len(timed), BINS), np.nan)
    for step in recorded.steps:
        at = clock.part(clock.site_s(step.t_ref_ns), BINS)
        for match in step.streams:
            if (row := rows.get(match.stream)) is not None:
                value = np.inf if match.kind == "missing" else abs(match.skew_ns) / 1e6
                skew_ms[row, at] = np.fmax(skew_ms[row, at], value)
    return Skews(timed, skew_ms)


def scores(recorded: Recorded, clock: Clock) -> list[Score]:
    """One score of each camera and lidar."""
    metrics = {
        name: _TOLD_BY[entry.kind] for name, entry in recorded.manifest.streams.items() if entry.kind in _TOLD_BY
    }
    found: dict[str, list[tuple[float, float]]] = {}
    for frame in recorded.frames(SCORES):
        told = typed(_Told, parse(frame.data, "score"), "score")
        value = {one.name: one.value for one in told.metrics}.get(metrics.get(told.stream, ""))
        if value is not None:
            found.setdefault(told.stream, []).append((clock.captured_s(told.stream, frame), value))
    return [_share(stream, metrics[stream], np.array(sorted(pairs))) for stream, pairs in sorted(found.items())]


def _share(stream: str, metric: str, pairs: Floats) -> Score:
    median = float(np.median(pairs[:, 1]))
    return Score(stream, metric, pairs[:, 0], pairs[:, 1] / median if median else pairs[:, 1])


def _pictures(
    recorded: Recorded, stream: str, clock: Clock, decode: Callable[..., Picture]
) -> Sequence[Picture | None]:
    """For each tenth of the episode the frame nearest to its middle."""
    nearest: dict[int, tuple[float, RecordedFrame]] = {}
    for frame in recorded.frames(stream):
        at_s = clock.captured_s(stream, frame)
        part = clock.part(at_s, THUMBNAILS)
        off_s = abs(at_s - (part + 0.5) * clock.duration_s / THUMBNAILS)
        if part not in nearest or off_s < nearest[part][0]:
            nearest[part] = (off_s, frame)
    compressed = is_compressed(recorded, stream)
    return [_small(nearest[part][1], compressed, decode) if part in nearest else None for part in range(THUMBNAILS)]


def _small(frame: RecordedFrame, compressed: bool, decode: Callable[..., Picture]) -> Picture | None:  # noqa: FBT001 - handed through
    try:
        pixels = decode(frame, compressed=compressed)
    except (SkipRecordError, ValueError, cv2.error):  # a frame that can't be decoded is one that can't be shown
        return None
    shrink = min(1.0, _THUMBNAIL_PIXELS / pixels.shape[1])
    small = cv2.resize(pixels, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def _color(frame: RecordedFrame, *, compressed: bool) -> Picture:
    return picture(frame, compressed=compressed)


def _depth(frame: RecordedFrame, *, compressed: bool) -> Picture:
    """Near is bright, 4 m and more is dark, and what was not seen is black."""
    depth = cv2.imdecode(np.frombuffer(depth_png(frame, compressed=compressed), np.uint8), cv2.IMREAD_UNCHANGED)
    if depth is None:
        raise SkipRecordError(f"frame {frame.seq} can't be decoded")
    near = 255 - np.clip(depth.astype(np.float32) * (220.0 / _FAR_MM), 0, 220).astype(np.uint8)
    shown = cv2.cvtColor(cv2.applyColorMap(near, cv2.COLORMAP_VIRIDIS), cv2.COLOR_BGR2RGB)
    shown[depth == 0] = 0
    return np.asarray(shown, np.uint8)


def _envelope(recorded: Recorded, stream: str, clock: Clock) -> Envelope | None:
    names: tuple[str, ...] = ()
    quantity, unit = "", ""
    low = high = np.empty((0, 0))
    for frame in recorded.frames(stream):
        message = JointState.decode(frame.data)
        if not names:
            names, (quantity, unit) = message.names, _given(message)
            low, high = (np.full((BINS, len(names)), value) for value in (np.inf, -np.inf))
        values = getattr(message, quantity)
        if values.shape != (len(names),):
            continue  # the verdict says so: joints that come and go
        at = clock.part(clock.captured_s(stream, frame), BINS)
        low[at], high[at] = np.fmin(low[at], values), np.fmax(high[at], values)
    if not np.isfinite(low).any():
        return None
    return Envelope(stream, unit, names, *_drawn(low, high, clock))


def _drawn(low: Floats, high: Floats, clock: Clock) -> tuple[Floats, Floats]:
    """Times and values of a line through the least and the greatest of each part, broken where samples are missing."""
    there = np.flatnonzero(np.isfinite(low).any(axis=1))
    middle_s = (there + 0.5) * clock.duration_s / BINS
    values = np.stack([low[there], high[there]], axis=1).reshape(-1, low.shape[1])
    values[~np.isfinite(values)] = np.nan
    steps = np.diff(there)
    gaps = np.flatnonzero(steps > max(2, _GAP_SAMPLES * np.median(steps))) if len(steps) else steps
    at = 2 * (gaps + 1)
    return np.insert(np.repeat(middle_s, 2), at, middle_s[gaps]), np.insert(values, at, np.nan, axis=0)


def _given(message: JointState) -> tuple[str, str]:
    """What a stream says of its joints, and its unit."""
    for quantity, unit in (("effort", "torque, Nm"), ("velocity", "velocity, rad/s")):
        values = getattr(message, quantity)
        if values.size and np.isfinite(values).any():
            return quantity, unit
    return "position", "position, rad"
