"""What is wrong with the frames of a camera, told against the camera's own usual numbers. Pure."""

from collections.abc import Iterator, Mapping

import numpy as np

from processors.judge.criteria import Measured
from processors.judge.series import Bools, StreamScores, beside, longest_run, share, spread, usual
from processors.judge.shifts import shifted
from saltwell.contracts.columns import Float64s

QUARTERS: tuple[str, ...] = ("upper_left", "upper_right", "lower_left", "lower_right")

_FAINT = 0.01  # grey levels: below, noise and sharpness are rounding
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
    exposed = _exposed(scores, settings)
    noisy = beside(_noisy(scores, settings), exposed)
    compressed = _coarser(scores, settings) | beside(_blocky(scores, settings), noisy)
    covered = beside(_covered(scores.metric("flat_share"), settings["covered_share"]), exposed, compressed, noisy)
    sharpness = _sharpness(scores)
    with np.errstate(all="ignore"):
        turned = np.exp(sharpness - usual(sharpness)) < settings["motion_blur_ratio"]
    return {
        "covered": covered,
        "exposure": exposed,
        "compression": compressed,
        "noise": noisy,
        "blur": beside(_blurred(scores, sharpness, settings), covered, noisy),
        "cast": beside(_cast(scores, settings["cast_log_ratio"]), exposed, covered),
        "motion_blur": beside(turned, covered, exposed),
    }


def _covered(flat: Float64s, limit: float) -> Bools:
    """Only by step: a camera that comes close to a wall sees flat blocks, too."""
    return np.asarray(shifted(flat, limit=limit) & (flat - usual(flat) > limit / 2))


def _log(values: Float64s) -> Float64s:
    with np.errstate(all="ignore"):
        return np.asarray(np.log(values))


def _sharpness(scores: StreamScores) -> Float64s:
    """Logarithm of the sharpness at equal light: contrast goes with the light, and the variance with its square."""
    return _log(scores.metric("sharpness") + _FAINT) - 2 * _log(scores.metric("brightness") + 1)


def _blurred(scores: StreamScores, sharpness: Float64s, settings: Mapping[str, float]) -> Bools:
    """Less sharp and with less of its detail fine: by level for a camera that stands, by step for one that moves."""
    detail = _log(scores.metric("detail"))
    soft, coarse = -np.log(settings["blurred_ratio"]), -np.log(settings["blurred_detail_ratio"])
    by_level = (sharpness - usual(sharpness) < -soft) & (detail - usual(detail) < -coarse)
    return np.asarray(by_level | (shifted(-sharpness, limit=soft) & (detail - usual(detail) < 0)))


def _noisy(scores: StreamScores, settings: Mapping[str, float]) -> Bools:
    """More noise at equal light than usual, beyond what the camera strays by itself, or from one frame to the next.

    White noise is finer than any scene, so detail rises, too. What is only less blurred than before lies at the usual.
    Strong compression takes most of the noise away, and leaves blocks: what is noisy by a step is no fault of those.
    """
    noise = _log(scores.metric("noise") + _FAINT) - _log(scores.metric("brightness") + 1)
    level, step = np.log(settings["noise_ratio"]), np.log(settings["noise_step_ratio"])
    detail = _log(scores.metric("detail"))
    more = (noise - usual(noise) > step / 2) & (detail > usual(detail))
    return np.asarray((_strayed(noise, level) | shifted(noise, limit=step)) & more)


def _strayed(values: Float64s, limit: float) -> Bools:
    """Above usual by the limit, and further than the stream strays by itself."""
    strayed = values - usual(values)
    return np.asarray((strayed > limit) & (strayed > _DEVIATIONS * spread(strayed)))


def _exposed(scores: StreamScores, settings: Mapping[str, float]) -> Bools:
    """Frames of which every quarter is darker, or brighter, than usual, or much more of which is clipped."""
    limit = np.log(settings["exposure_ratio"])
    light = np.array([_log(scores.filled(name) + 1) for name in QUARTERS])
    strayed = light - np.array([usual(quarter) for quarter in light])
    by_level = (strayed.min(axis=0) > limit) | (strayed.max(axis=0) < -limit)
    common = _common_light(scores)
    brighter, darker = shifted(common, limit=limit), shifted(-common, limit=limit)
    clipped = shifted(scores.metric("clipped_share"), limit=settings["clipped_more_share"])
    return np.asarray(by_level | brighter | darker | clipped)


def _common_light(scores: StreamScores) -> Float64s:
    """Logarithm of the light as far as all quarters change alike, summed up; NaN where they were not measured.

    When the scene changes, by motion, quarters go up and down; when the light does, they go together.
    """
    light = np.array([_log(scores.metric(name) + 1) for name in QUARTERS])
    known = np.flatnonzero(np.isfinite(light).all(axis=0))
    steps = np.diff(light[:, known], axis=1)
    least = np.abs(steps).min(axis=0, initial=np.inf)
    together = np.where((steps > 0).all(axis=0), least, np.where((steps < 0).all(axis=0), -least, 0.0))
    common = np.full(light.shape[1], np.nan)
    common[known] = np.concatenate([np.zeros(min(1, len(known))), np.cumsum(together)])
    return common


def _coarser(scores: StreamScores, settings: Mapping[str, float]) -> Bools:
    """Frames whose quantisation is coarser than usual."""
    table = _log(scores.metric("quantisation"))
    if not table.size:
        return np.zeros(len(scores.times_ns()), dtype=np.bool_)
    return np.asarray(table - usual(table) > np.log(settings["quantisation_ratio"]))


def _blocky(scores: StreamScores, settings: Mapping[str, float]) -> Bools:
    """Frames whose JPEG blocks show more than usual."""
    blocks, limit = scores.metric("blockiness"), settings["blocky_levels"]
    if not blocks.size:
        return np.zeros(len(scores.times_ns()), dtype=np.bool_)
    return _strayed(blocks, limit) | shifted(blocks, limit=limit)


def _cast(scores: StreamScores, limit: float) -> Bools:
    """Only by step: a camera that comes close to a coloured thing sees its colour, too."""
    found = np.zeros(len(scores.times_ns()), dtype=np.bool_)
    for name in ("red_green", "blue_green"):
        if (values := scores.metric(name)).size:
            found |= shifted(values, limit=limit) | shifted(-values, limit=limit)
    return found
