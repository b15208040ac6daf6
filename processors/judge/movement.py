"""How the robot moved over an episode: idleness, smoothness, length of its way. Pure."""

from collections.abc import Iterator, Mapping

import numpy as np

from processors.judge.criteria import Measured
from processors.judge.series import StreamScores, longest_run
from saltwell.contracts.columns import Float64s, Int64s

_RATE_HZ = 50.0
_LEAST_SECONDS = 1.0
_CUTOFF_HZ = 10.0
_LEAST_AMPLITUDE = 0.05
_PADDING = 4


def movement_measures(stream: str, scores: StreamScores, settings: Mapping[str, float]) -> Iterator[Measured]:
    """Of a joint stream: idle share, stillness before the first move, SPARC, log dimensionless jerk, way."""
    times, speed = scores.known("speed")
    if not speed.size:
        return
    still = speed < settings["still_rad_s"]
    yield Measured("idle", stream, "joints", float(still.mean()), *longest_run(times, still)[1:])
    moves = times[~still]
    first_ns = int(moves[0]) if len(moves) else int(times[-1])
    yield Measured("late_start", stream, "joints", (first_ns - int(times[0])) / 1e9, int(times[0]), first_ns)
    yield Measured("path", stream, "joints", float(scores.known("path_rad")[1].sum()))
    profile = speed_profile(*scores.known("path_rad"))
    if len(profile) >= _LEAST_SECONDS * _RATE_HZ and profile.any():
        yield Measured("sparc", stream, "joints", sparc(profile, rate_hz=_RATE_HZ))
        yield Measured("ldlj", stream, "joints", log_dimensionless_jerk(profile, rate_hz=_RATE_HZ))


def speed_profile(times_ns: Int64s, path_rad: Float64s) -> Float64s:
    """Speed through joint space at 50 Hz, rad/s, from the ways of the blocks; empty when there are too few."""
    order = np.argsort(times_ns, kind="stable")
    seconds, way = times_ns[order] / 1e9, np.cumsum(path_rad[order])
    if len(seconds) < 2 or seconds[-1] <= seconds[0]:  # noqa: PLR2004  # two ends of an interval
        return np.empty(0)
    grid = np.arange(seconds[0], seconds[-1], 1 / _RATE_HZ)
    return np.asarray(np.maximum(0.0, np.diff(np.interp(grid, seconds, way)) * _RATE_HZ))


def sparc(speed: Float64s, *, rate_hz: float) -> float:
    """Spectral arc length, without unit; 0 = smoothest, about -1.6 for one smooth reach, less for jerky motion.

    Balasubramanian et al., "On the analysis of movement smoothness", J NeuroEng Rehabil 12:112, 2015: the length of
    the speed's spectrum, scaled to its value at 0 Hz, up to 10 Hz or the last frequency above 0.05.
    """
    size = 2 ** (int(np.ceil(np.log2(len(speed)))) + _PADDING)
    spectrum = np.abs(np.fft.rfft(speed, size))
    frequency_hz = np.fft.rfftfreq(size, 1 / rate_hz)
    spectrum = spectrum / spectrum[0]
    inside = np.flatnonzero((frequency_hz <= _CUTOFF_HZ) & (spectrum >= _LEAST_AMPLITUDE))
    band = slice(0, inside[-1] + 1)
    along = np.diff(frequency_hz[band]) / max(frequency_hz[band][-1], 1e-9)
    return -float(np.sqrt(along**2 + np.diff(spectrum[band]) ** 2).sum())


def log_dimensionless_jerk(speed: Float64s, *, rate_hz: float) -> float:
    """Logarithm of the mean squared jerk made free of units, negative; nearer 0 = smoother (same source as SPARC)."""
    jerk = np.diff(speed, n=2) * rate_hz**2
    seconds = len(speed) / rate_hz
    dimensionless = float((jerk**2).sum()) / rate_hz * seconds**3 / float(speed.max()) ** 2
    return -float(np.log(max(dimensionless, 1e-12)))
