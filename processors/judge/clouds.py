"""What is wrong with the scans of a lidar, told against the lidar's own usual numbers. Pure."""

from collections.abc import Iterator, Mapping

import numpy as np

from processors.judge.criteria import Measured
from processors.judge.series import Bools, StreamScores, longest_run, share, spread

_DEVIATIONS = 6.0


def cloud_measures(stream: str, scores: StreamScores, settings: Mapping[str, float]) -> Iterator[Measured]:
    """How long, or how often, scans were bad."""
    times = scores.times_ns()
    for code, bad in cloud_faults(scores, settings).items():
        seconds, from_ns, to_ns = longest_run(times, bad)
        value = seconds if code in _BY_TIME else share(bad)
        yield Measured(code, stream, "cloud", value, from_ns, to_ns)


_BY_TIME = frozenset({"thin_cloud", "empty_sector"})


def cloud_faults(scores: StreamScores, settings: Mapping[str, float]) -> dict[str, Bools]:
    """Which scans are bad, by what is wrong with them. A sector that is gone takes its returns along."""
    returns, sector = scores.metric("valid_returns"), scores.metric("empty_sector_deg")
    if not np.isfinite(returns).any():
        return {}
    gone = sector > np.nanmedian(sector) + settings["empty_sector_deg"]
    return {
        "empty_sector": gone,
        "thin_cloud": (returns < settings["thin_ratio"] * np.nanmedian(returns)) & ~gone,
        "ranges": _shifted(scores, settings["range_ratio"]) & ~gone,
    }


def _shifted(scores: StreamScores, limit: float) -> Bools:
    """Scans whose distances are other than usual: the lidar moved, or its clock or gain is off."""
    found = np.zeros(len(scores.times_ns()), dtype=np.bool_)
    for name in ("range_p50_m", "range_p95_m"):
        values = scores.metric(name)
        if values.size:
            with np.errstate(all="ignore"):
                strayed = np.abs(np.log(values / np.nanmedian(values)))
            found |= (strayed > np.log(limit)) & (strayed > _DEVIATIONS * spread(strayed))
    return found
