"""Numbers about one episode that the criteria have limits for. Pure."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from processors.judge.clouds import cloud_measures
from processors.judge.criteria import Measured
from processors.judge.depths import depth_measures
from processors.judge.images import color_measures
from processors.judge.joints import Motion, joint_measures
from processors.judge.poses import pose_measures
from processors.judge.series import Bools, StreamScores, longest_run
from saltwell.contracts.results import StreamLedger, StreamTiming

_BEYOND = 1.1
_FOREIGN = "foreign"
_DERIVED = "derived"

_BY_KIND = {
    "color": color_measures,
    "depth": depth_measures,
    "cloud": cloud_measures,
    "joints": joint_measures,
    "pose": pose_measures,
}


def ledger_measures(ledger: StreamLedger) -> Iterator[Measured]:
    """Loss and unreadable frames."""
    if ledger.sent:
        yield Measured("loss", ledger.stream, ledger.kind, ledger.lost / ledger.sent)
    else:
        yield Measured("silent", ledger.stream, ledger.kind, 1.0)
    yield Measured("unreadable", ledger.stream, ledger.kind, ledger.dead)


def timing_measures(timing: StreamTiming) -> Iterator[Measured]:
    """Gaps, clock steps, coverage, jitter, order, and how far a depth image lies from its step.

    Of stamps that nobody measured, only which steps have a frame.
    """
    if timing.clock_source == _DERIVED:
        yield from _coverage(timing)
        return
    name, kind = timing.stream, timing.kind
    gap_from = timing.longest_gap_from_ns
    step_ns = abs(timing.largest_clock_step_ns)
    stepped = timing.clock_steps > 0 and abs(timing.longest_gap_ns - step_ns) < timing.period_ns * 3
    if timing.gaps_over_100_ms and not stepped:
        yield Measured("gap", name, kind, timing.longest_gap_ns / 1e6, gap_from, gap_from + timing.longest_gap_ns)
    if timing.clock_steps:
        yield Measured("clock_step", name, kind, step_ns / 1e6, timing.clock_step_at_ns)
    yield from _clock_measures(timing)
    yield from _coverage(timing)
    if timing.held:
        yield Measured("untriggered", name, kind, timing.skew_p95_ns / 1e6)
    yield Measured("jitter", name, kind, timing.jitter_share)
    if timing.count:
        yield Measured("out_of_order", name, kind, timing.out_of_order / timing.count)


def _coverage(timing: StreamTiming) -> Iterator[Measured]:
    """Share of the steps that have a frame; where most are missing because frames came too late, their share.

    Steps are complete without a stream that is not required.
    """
    steps = timing.exact + timing.interpolated + timing.held + timing.missing
    if not steps or not timing.required:
        return
    missing, late = timing.missing / steps, timing.late / max(timing.count, 1)
    if late > missing / 2 > 0:
        yield Measured("late_frames", timing.stream, timing.kind, late)
    else:
        yield Measured("coverage", timing.stream, timing.kind, 1 - missing)


def _clock_measures(timing: StreamTiming) -> Iterator[Measured]:
    """A clock that runs away, one that is ahead of the edge's, and one that is far behind it or on a slow link.

    The edge follows rates of up to 90 ppm, and says how far its offset may be off: by more than the delays themselves
    spread only when the clock runs away faster. (Late bursts and slow links spread far, and leave the offset known.)
    """
    name, kind = timing.stream, timing.kind
    spread_ns = timing.delay_p99_ns - timing.delay_min_ns
    runs_away = timing.clock_residual_ns > _BEYOND * spread_ns
    yield Measured("clock_drift", name, kind, timing.clock_residual_ns / 1e6 if runs_away else 0.0)
    if timing.clock_source != _FOREIGN:
        yield Measured("future_stamps", name, kind, timing.delay_p50_ns / 1e6)
        yield Measured("old_stamps", name, kind, timing.delay_p50_ns / 1e6)


def origin_measures(timings: Iterable[StreamTiming]) -> Iterator[Measured]:
    """How many streams have stamps that nobody measured."""
    if derived := sum(timing.clock_source == _DERIVED for timing in timings):
        yield Measured("derived_stamps", "", "episode", derived)


def score_measures(
    stream: str, scores: StreamScores, *, settings: Mapping[str, float], moving: Motion
) -> Iterator[Measured]:
    """What the metrics of a stream's frames come to; `moving` in the stream's own clock."""
    times, kind = scores.times_ns(), scores.kind
    if (repeat := scores.metric("repeat")).size:
        yield _freeze(stream, kind, scores, settings, moving)
        yield Measured("repeats", stream, kind, float(np.nanmean(repeat)))
    if (undecodable := scores.metric("undecodable")).size:
        yield Measured("undecodable", stream, kind, float(np.nansum(undecodable)))
    if (nan := scores.metric("nan_count")).size:
        first = int(times[np.argmax(np.nan_to_num(nan) > 0)])
        yield Measured("not_a_number", stream, kind, float(np.nansum(nan)), first, first)
    if kind in _BY_KIND:
        yield from _BY_KIND[kind](stream, scores, settings)


def _freeze(stream: str, kind: str, scores: StreamScores, settings: Mapping[str, float], moving: Motion) -> Measured:
    seconds, from_ns, to_ns = longest_run(scores.times_ns(), _stands(scores, settings))
    return Measured("freeze", stream, kind, seconds if moving.moved(from_ns, to_ns) else 0.0, from_ns, to_ns)


def _stands(scores: StreamScores, settings: Mapping[str, float]) -> Bools:
    """Frames with the content of the one before: the same bytes, or a picture of which next to nothing changed.

    Black pictures are all the same: they have a reason of their own.
    """
    same, changed = scores.metric("repeat") > 0, scores.metric("changed_share")
    if not changed.size:
        return np.asarray(same)
    shows_something = scores.metric("brightness") > settings["black"]
    return np.asarray((same | (changed < settings["same_share"])) & shows_something)
