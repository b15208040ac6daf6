"""What is wrong with the frames of a depth camera, told against the camera's own usual numbers. Pure."""

from collections.abc import Iterator, Mapping

import numpy as np

from processors.judge.criteria import Measured
from processors.judge.series import Bools, StreamScores, longest_run, share, spread, usual

_DEVIATIONS = 6.0


def depth_measures(stream: str, scores: StreamScores, settings: Mapping[str, float]) -> Iterator[Measured]:
    """Shares of bad frames, and the readings of the whole episode."""
    times = scores.times_ns()
    for code, bad in depth_faults(scores, settings).items():
        yield Measured(code, stream, "depth", share(bad), *longest_run(times, bad)[1:])
    _, valid = scores.known("valid_share")
    if valid.size:
        yield Measured("blind", stream, "depth", float(np.median(valid)))


def depth_faults(scores: StreamScores, settings: Mapping[str, float]) -> dict[str, Bools]:
    """Which frames are bad, by what is wrong with them."""
    valid = scores.metric("valid_share")
    if not np.isfinite(valid).any():
        return {}
    saturated, flying = (_filled(scores, name) for name in ("saturated_share", "flying_share"))
    near = _filled(scores, "near_share")
    noise = _filled(scores, "noise_mm") / np.maximum(_filled(scores, "median_mm") / 1000, 0.1) ** 2
    far = saturated - usual(saturated) > settings["saturated_share"]
    return {
        "saturated": far,
        "holes": (valid < settings["holes_ratio"] * usual(valid)) & ~far,
        "near": near - usual(near) > settings["near_share"],
        # A triangulating camera's noise grows with the square of the distance.
        "noisy_depth": (noise > settings["depth_noise_ratio"] * usual(noise))
        & (noise > usual(noise) + settings["depth_noise_mm"]),
        "flying": _strayed(flying, settings["flying_share"]),
    }


def _filled(scores: StreamScores, name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    values = scores.filled(name)
    return np.nan_to_num(values) if values.size else np.zeros(len(scores.times_ns()))


def _strayed(values: np.ndarray[tuple[int], np.dtype[np.float64]], limit: float) -> Bools:
    strayed = values - usual(values)
    return np.asarray((strayed > limit) & (strayed > _DEVIATIONS * spread(strayed)))
