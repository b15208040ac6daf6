"""What is wrong with the frames of a camera, told against the camera's own usual numbers. Pure."""

from collections.abc import Iterator, Mapping

import numpy as np

from processors.judge.criteria import Measured
from processors.judge.series import Bools, StreamScores, longest_run, share, spread, usual
from saltwell.contracts.columns import Float64s

QUARTERS: tuple[str, ...] = ("upper_left", "upper_right", "lower_left", "lower_right")

_ONSET_FRAMES = 2
_DEVIATIONS = 6.0
"""A frame that differs by fewer robust deviations of its own camera differs as its frames always do."""


def color_measures(stream: str, scores: StreamScores, settings: Mapping[str, float]) -> Iterator[Measured]:
    """Shares of bad frames, and what holds for the whole episode."""
    times = scores.times_ns()
    for code, bad in color_faults(scores, settings).items():
        yield Measured(code, stream, "color", share(bad), *longest_run(times, bad)[1:])
    for code, name in (
        ("dark", "brightness"),
        ("clipping", "clipped_share"),
        ("flat", "flat_share"),
        ("unfocused", "detail"),
        ("coarse", "quantisation"),
    ):
        _, values = scores.known(name)
        if values.size:
            yield Measured(code, stream, "color", float(np.median(values)))


def color_faults(scores: StreamScores, settings: Mapping[str, float]) -> dict[str, Bools]:
    """Which frames are bad, by what is wrong with them. Of several signs of one fault only its own counts."""
    if not scores.known("brightness")[1].size:
        return {}
    exposed = _exposed(scores, settings["exposure_ratio"])
    compressed = _compressed(scores, settings)
    flat, detail = scores.metric("flat_share"), _ratio(scores.metric("detail"))
    light = scores.metric("brightness") + 1
    sharp, noise = _ratio(scores.metric("sharpness") / light**2), _ratio(scores.metric("noise") / light)
    covered = (flat - usual(flat) > settings["covered_share"]) & ~exposed & ~compressed
    covered = abrupt(covered, flat, settings["covered_onset"])
    return {
        "covered": covered,
        "exposure": exposed & ~covered,
        "compression": compressed,
        "blur": (sharp < settings["blurred_ratio"]) & (detail < settings["blurred_detail_ratio"]) & ~covered,
        "noise": _above(noise, settings["noise_ratio"]) & ~compressed,
        "cast": _cast(scores, settings) & ~exposed & ~covered,
        "motion_blur": sharp < settings["motion_blur_ratio"],
    }


def abrupt(bad: Bools, values: Float64s, onset: float) -> Bools:
    """Those runs of bad frames that begin or end with a step of at least `onset` within two frames.

    A camera that moves, on a wrist above all, sees walls and colours come up close; that takes longer.
    """
    kept = np.zeros(len(bad), dtype=np.bool_)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], bad, [False]]).astype(np.int8)))
    for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        into = values[max(0, begin - _ONSET_FRAMES) : begin + _ONSET_FRAMES]
        out = values[max(0, end - _ONSET_FRAMES) : end + _ONSET_FRAMES]
        if max(_step(into), _step(out)) >= onset:
            kept[begin:end] = True
    return kept


def _step(values: Float64s) -> float:
    """Largest change within two frames; 0 when nothing is known."""
    known = values[np.isfinite(values)]
    steps = [np.abs(known[lag:] - known[:-lag]).max() for lag in (1, 2) if len(known) > lag]
    return float(max(steps, default=0.0))


def _ratio(values: Float64s) -> Float64s:
    with np.errstate(all="ignore"):
        return np.asarray(values / usual(values))


def _above(ratio: Float64s, limit: float) -> Bools:
    """Above the limit, and further than the stream strays by itself."""
    with np.errstate(all="ignore"):
        strayed = np.log(ratio)
    return (ratio > limit) & (strayed > _DEVIATIONS * spread(strayed))


def _exposed(scores: StreamScores, limit: float) -> Bools:
    """Frames of which every quarter is darker, or brighter, than usual: the light or the exposure changed."""
    with np.errstate(all="ignore"):
        strayed = np.array([np.log(_ratio(scores.filled(name) + 1)) for name in QUARTERS])
    return np.asarray((strayed.min(axis=0) > np.log(limit)) | (strayed.max(axis=0) < -np.log(limit)))


def _compressed(scores: StreamScores, settings: Mapping[str, float]) -> Bools:
    """Frames whose blocks show, or whose quantisation is coarser, more than usual."""
    blocks, table = scores.metric("blockiness"), scores.metric("quantisation")
    found = np.zeros(len(scores.times_ns()), dtype=np.bool_)
    if blocks.size:
        strayed = blocks - usual(blocks)
        found |= (strayed > settings["blocky_levels"]) & (strayed > _DEVIATIONS * spread(strayed))
    if table.size:
        found |= _ratio(table) > settings["quantisation_ratio"]
    return found


def _cast(scores: StreamScores, settings: Mapping[str, float]) -> Bools:
    found = np.zeros(len(scores.times_ns()), dtype=np.bool_)
    for name in ("red_green", "blue_green"):
        if (values := scores.metric(name)).size:
            strayed = np.abs(values - usual(values))
            tinted = (strayed > settings["cast_log_ratio"]) & (strayed > _DEVIATIONS * spread(strayed))
            found |= abrupt(tinted, values, settings["cast_onset"])
    return found
