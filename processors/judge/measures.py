"""Numbers about one episode that the criteria have limits for. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from processors.judge.criteria import Measured
from saltwell.contracts.columns import Float64s, Int64s, f64, i64
from saltwell.contracts.results import ScoreBlock, StreamLedger, StreamTiming

_ROLLING_FRAMES = 61
_EMPTY = np.empty(0)


@dataclass(slots=True)
class StreamScores:
    """All score blocks of one stream, joined."""

    captured_ns: list[Int64s] = field(default_factory=list)
    columns: dict[str, list[Float64s]] = field(default_factory=dict)

    def add(self, block: ScoreBlock) -> None:
        """Take the next block."""
        self.captured_ns.append(i64(block.captured_ns))
        for metric in block.metrics:
            self.columns.setdefault(metric.name, []).append(f64(metric.values))

    def times_ns(self) -> Int64s:
        """Capture times of all frames."""
        return np.concatenate(self.captured_ns) if self.captured_ns else np.empty(0, dtype=np.int64)

    def metric(self, name: str) -> Float64s:
        """One metric over all frames; empty when it was not measured."""
        return np.concatenate(self.columns[name]) if name in self.columns else _EMPTY


def ledger_measures(ledger: StreamLedger) -> Iterator[Measured]:
    """Loss and unreadable frames."""
    if ledger.sent:
        yield Measured("loss", ledger.stream, ledger.kind, ledger.lost / ledger.sent)
    yield Measured("unreadable", ledger.stream, ledger.kind, ledger.dead)


def timing_measures(timing: StreamTiming) -> Iterator[Measured]:
    """Gaps, clock steps, coverage and jitter."""
    name, kind = timing.stream, timing.kind
    gap_from = timing.longest_gap_from_ns
    stepped = (
        timing.clock_steps > 0 and abs(timing.longest_gap_ns - timing.largest_clock_step_ns) < timing.period_ns * 3
    )
    if timing.gaps_over_100_ms and not stepped:
        yield Measured("gap", name, kind, timing.longest_gap_ns / 1e6, gap_from, gap_from + timing.longest_gap_ns)
    if timing.clock_steps:
        yield Measured("clock_step", name, kind, timing.largest_clock_step_ns / 1e6, timing.clock_step_at_ns)
    steps = timing.exact + timing.interpolated + timing.held + timing.missing
    if steps:
        yield Measured("coverage", name, kind, 1 - timing.missing / steps)
    yield Measured("jitter", name, kind, timing.jitter_share)


def score_measures(
    stream: str, kind: str, scores: StreamScores, *, settings: Mapping[str, float], moving: "Motion"
) -> Iterator[Measured]:
    """What the metrics of a stream's frames come to."""
    times = scores.times_ns()
    if (repeat := scores.metric("repeat")).size:
        yield _freeze(stream, kind, times, repeat, moving)
        yield Measured("repeats", stream, kind, float(np.nanmean(repeat)))
    if (sharpness := scores.metric("sharpness")).size:
        ratio = sharpness / rolling_median(sharpness)
        yield Measured("blur", stream, kind, float(np.mean(ratio < settings["blurred_ratio"])))
    if (undecodable := scores.metric("undecodable")).size:
        yield Measured("undecodable", stream, kind, float(np.nansum(undecodable)))
    if (clipped := scores.metric("clipped_share")).size:
        yield Measured("clipping", stream, kind, float(np.nanmedian(clipped)))
    if (returns := scores.metric("valid_returns")).size:
        thin = returns < settings["thin_ratio"] * np.median(returns)
        yield Measured("thin_cloud", stream, kind, *_longest_run(times, thin))
    if (spike := scores.metric("torque_spike_nm")).size and np.isfinite(spike).any():
        worst = int(np.nanargmax(spike))
        yield Measured("torque_spike", stream, kind, float(spike[worst]), int(times[worst]), int(times[worst]))
    if (nan := scores.metric("nan_count")).size:
        yield Measured("not_a_number", stream, kind, float(np.nansum(nan)))
    if kind == "joints" and (speed := scores.metric("speed")).size:
        known = speed[np.isfinite(speed)]
        yield Measured("idle", stream, kind, float(np.mean(known < settings["still_rad_s"])) if known.size else 0.0)


@dataclass(frozen=True, slots=True)
class Motion:
    """When the robot's joints moved, from the joint streams' speeds."""

    times_ns: Int64s
    speed: Float64s
    still_rad_s: float

    def moved(self, from_ns: int, to_ns: int) -> bool:
        """Whether some joint moved in the interval; True when there are no joints to tell."""
        inside = (self.times_ns >= from_ns) & (self.times_ns <= to_ns) & np.isfinite(self.speed)
        return not inside.any() or bool((self.speed[inside] >= self.still_rad_s).any())


def rolling_median(values: Float64s) -> Float64s:
    """Centred median over about two seconds of frames; the window shrinks at the ends."""
    half = _ROLLING_FRAMES // 2
    padded = np.pad(values, half, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1)
    return np.asarray(np.nanmedian(windows, axis=1))


def _freeze(stream: str, kind: str, times_ns: Int64s, repeat: Float64s, moving: Motion) -> Measured:
    seconds, from_ns, to_ns = _longest_run(times_ns, repeat > 0)
    return Measured("freeze", stream, kind, seconds if moving.moved(from_ns, to_ns) else 0.0, from_ns, to_ns)


def _longest_run(times_ns: Int64s, bad: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> tuple[float, int, int]:
    """Longest run of bad frames: seconds (from the frame before to the last bad one), begin and end."""
    best, best_from, best_to = 0.0, 0, 0
    begin: int | None = None
    for i, is_bad in enumerate(bad.tolist()):
        if not is_bad:
            begin = None
            continue
        begin = max(i - 1, 0) if begin is None else begin
        seconds = float(times_ns[i] - times_ns[begin]) / 1e9
        if seconds > best:
            best, best_from, best_to = seconds, int(times_ns[begin]), int(times_ns[i])
    return best, best_from, best_to
