"""How a stream kept time over an episode. Pure."""

from collections.abc import Sequence

import numpy as np

from processors.synchronize.matching import EXACT, HELD, INTERPOLATED, MISSING, Match
from processors.synchronize.track import Track
from saltwell.contracts.results import StreamTiming

FLAGGED_GAP_NS = 100_000_000
"""Gaps above are flagged (Azure reference architecture #220, facts section 4)."""

_GAP_PERIODS = 3
_MAD_TO_SIGMA = 1.4826


def stream_timing(track: Track, matches: Sequence[Match]) -> StreamTiming:
    """Intervals, gaps, clock and skew of one stream."""
    times = np.asarray(track.times_ns, dtype=np.int64)
    gaps = times[1:] - times[:-1]
    period = float(np.median(gaps)) if gaps.size else 0.0
    longest = int(gaps.argmax()) if gaps.size else -1
    kinds = np.bincount([m.kind for m in matches], minlength=4) if matches else np.zeros(4, dtype=np.int64)
    skew = np.abs([m.skew_ns for m in matches if m.kind != MISSING] or [0]).astype(float)
    p50, p95, p99 = np.percentile(skew, [50, 95, 99]).tolist()
    return StreamTiming(
        stream=track.name,
        kind=track.kind,
        count=len(track.seqs),
        period_ns=period,
        jitter_share=_jitter_share(gaps.astype(float), period),
        longest_gap_ns=int(gaps[longest]) if gaps.size else 0,
        longest_gap_from_ns=track.times_ns[longest] - track.clock_offset_ns if gaps.size else 0,
        gaps_over_100_ms=int(np.sum((gaps > FLAGGED_GAP_NS) & (gaps > int(_GAP_PERIODS * period)))),
        out_of_order=track.out_of_order,
        clock_steps=track.clock_steps,
        largest_clock_step_ns=track.largest_step_ns,
        clock_step_at_ns=track.first_step_at_ns,
        clock_offset_ns=track.clock_offset_ns,
        exact=int(kinds[EXACT]),
        interpolated=int(kinds[INTERPOLATED]),
        held=int(kinds[HELD]),
        missing=int(kinds[MISSING]),
        skew_p50_ns=p50,
        skew_p95_ns=p95,
        skew_p99_ns=p99,
        skew_max_ns=float(skew.max()),
    )


def _jitter_share(gaps_ns: np.ndarray[tuple[int, ...], np.dtype[np.float64]], period_ns: float) -> float:
    """Robust sigma of the intervals (median absolute deviation) over their median."""
    if not gaps_ns.size or period_ns <= 0:
        return 0.0
    return float(_MAD_TO_SIGMA * np.median(np.abs(gaps_ns - period_ns)) / period_ns)
