"""Which frame of a stream belongs to a step, and when that can be said for good. Pure."""

from typing import NamedTuple

from processors.synchronize.track import Track

EXACT, INTERPOLATED, HELD, MISSING = range(4)

EARLY_SHARE = 0.95
"""The next frame can't come earlier than this share of a period after the last one (rate-bound early emit)."""

FOREVER_NS = 2**63 - 1


class Match(NamedTuple):
    """One stream's frame(s) for one step; -1 = none. Times in ns; skew = frame time minus step time.

    Between two frames, span = their distance, and since = how far behind the first the step lies.
    """

    kind: int
    seq: int = -1
    seq_next: int = -1
    skew_ns: int = 0
    span_ns: int = 0
    since_ns: int = 0


_NONE = Match(MISSING)


def final_ns(track: Track, t_ref_ns: int, *, anchored_ns: int) -> int:
    """From what edge time on the match at t_ref stands for good, as far as the frames that are here tell.

    A frame between two that follow each other by number can't come any more; where a number is missing, it may for
    `reorder_ns`. FOREVER_NS = a frame must come first. `anchored_ns` = when the step's own frame arrived.
    """
    if track.ended:
        return 0
    before, after = track.around(t_ref_ns)
    if before is not None and track.times_ns[before] == t_ref_ns:
        return 0
    if after is not None:
        return 0 if track.follows(before, after) else track.arrived_ns[after] + track.policy.reorder_ns
    if track.policy.match == "hold":
        return anchored_ns + track.policy.reorder_ns
    if before is not None and track.policy.match == "nearest" and _nothing_closer(track, t_ref_ns, before):
        return 0
    return FOREVER_NS


def _nothing_closer(track: Track, t_ref_ns: int, last: int) -> bool:
    since_ns = t_ref_ns - track.times_ns[last]
    return EARLY_SHARE * track.period_ns() - since_ns >= since_ns


def match(track: Track, t_ref_ns: int) -> Match:
    """The stream's match at t_ref by its policy."""
    policy = track.policy
    before, after = track.around(t_ref_ns)
    if before is not None and track.times_ns[before] == t_ref_ns:
        return Match(EXACT, track.seqs[before])
    bound_ns = policy.max_gap_periods * track.period_ns()
    if policy.match in {"linear", "slerp"}:
        if before is not None and after is not None:
            span = track.times_ns[after] - track.times_ns[before]
            if not bound_ns or span <= bound_ns:
                since = t_ref_ns - track.times_ns[before]
                return Match(INTERPOLATED, track.seqs[before], track.seqs[after], 0, span, since)
        bound_ns = track.period_ns()
    return _nearest(track, t_ref_ns, before, None if policy.match == "hold" else after, bound_ns)


def _nearest(track: Track, t_ref_ns: int, before: int | None, after: int | None, bound_ns: float) -> Match:
    if before is None and after is None:
        return _NONE
    best = after if before is None else before
    if before is not None and after is not None and _is_nearer(track, t_ref_ns, before, after):
        best = after
    skew = track.times_ns[best or 0] - t_ref_ns
    if (bound_ns and abs(skew) > bound_ns) or (track.policy.tolerance_ns and abs(skew) > track.policy.tolerance_ns):
        return _NONE
    return Match(HELD, track.seqs[best or 0], -1, skew, 0)


def _is_nearer(track: Track, t_ref_ns: int, before: int, after: int) -> bool:
    return track.times_ns[after] - t_ref_ns < t_ref_ns - track.times_ns[before]
