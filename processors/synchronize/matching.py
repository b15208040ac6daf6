"""Which frame of a stream belongs to a step, and when that can be said for good. Pure."""

from dataclasses import dataclass

from processors.synchronize.track import Track

EXACT, INTERPOLATED, HELD, MISSING = range(4)

MAX_GAP_PERIODS = 3.0
"""Nothing is interpolated or held across a gap of more periods (facts, section 2)."""

EARLY_SHARE = 0.95
"""The next frame can't come earlier than this share of a period after the last one (rate-bound early emit)."""


@dataclass(frozen=True, slots=True)
class Match:
    """One stream's frame(s) for one step; -1 = none. Times in ns; skew = frame time minus step time."""

    kind: int
    seq: int = -1
    seq_next: int = -1
    skew_ns: int = 0
    span_ns: int = 0


_NONE = Match(MISSING)


def is_final(track: Track, t_ref_ns: int) -> bool:
    """Whether no frame still to come, in order, could change the match at t_ref."""
    if track.ended:
        return True
    mark = track.watermark_ns()
    if mark is None:
        return False
    period = track.period_ns()
    if track.match in {"linear", "slerp", "hold"}:
        return mark >= t_ref_ns
    if mark > t_ref_ns + period / 2:
        return True
    before, after = track.around(t_ref_ns)
    best = min(abs(track.times_ns[i] - t_ref_ns) for i in (before, after) if i is not None)
    return mark + EARLY_SHARE * period - t_ref_ns >= best


def match(track: Track, t_ref_ns: int) -> Match:
    """The stream's match at t_ref by its policy."""
    before, after = track.around(t_ref_ns)
    if before is not None and track.times_ns[before] == t_ref_ns:
        return Match(EXACT, track.seqs[before])
    bound_ns = MAX_GAP_PERIODS * track.period_ns()
    if track.match in {"linear", "slerp"}:
        return _between(track, t_ref_ns, before, after, bound_ns)
    candidates = [before] if track.match == "hold" else [before, after]
    return _nearest(track, t_ref_ns, candidates, bound_ns)


def _between(track: Track, t_ref_ns: int, before: int | None, after: int | None, bound_ns: float) -> Match:
    if before is not None and after is not None:
        span = track.times_ns[after] - track.times_ns[before]
        if span <= bound_ns:
            return Match(INTERPOLATED, track.seqs[before], track.seqs[after], 0, span)
    return _nearest(track, t_ref_ns, [before, after], bound_ns / MAX_GAP_PERIODS)


def _nearest(track: Track, t_ref_ns: int, candidates: list[int | None], bound_ns: float) -> Match:
    found = [i for i in candidates if i is not None]
    if not found:
        return _NONE
    best = min(found, key=lambda i: abs(track.times_ns[i] - t_ref_ns))
    skew = track.times_ns[best] - t_ref_ns
    if bound_ns and abs(skew) > bound_ns:
        return _NONE
    return Match(HELD, track.seqs[best], -1, skew, 0)
