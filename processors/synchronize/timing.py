"""How a stream kept time over an episode, and how it was matched: the sync report. Pure."""

from processors.synchronize.matching import EXACT, HELD, INTERPOLATED, MISSING
from processors.synchronize.steps import Tally
from processors.synchronize.track import Track
from saltwell.contracts.results import StreamTiming


def stream_timing(track: Track, tally: Tally) -> StreamTiming:
    """Intervals, gaps, clock, losses and skew of one stream; the track is closed."""
    kept, clock = track.close(), track.clock
    p50, p95, p99, most = tally.skew_ns.absolute_quantiles([0.5, 0.95, 0.99, 1.0])
    signed = tally.skew_ns.quantiles([0.0, 0.5, 0.95, 0.99, 1.0])
    delays = kept.delays_ns([0.0, 0.5, 0.99, 1.0])
    return StreamTiming(
        stream=track.name,
        kind=track.kind,
        count=track.seen.count,
        period_ns=kept.period_ns(),
        jitter_share=kept.jitter_share(),
        longest_gap_ns=kept.longest_gap_ns,
        longest_gap_from_ns=kept.longest_gap_from_ns,
        gaps_over_100_ms=kept.flagged_gaps(),
        out_of_order=kept.out_of_order,
        clock_steps=clock.jumps,
        largest_clock_step_ns=clock.largest_jump_ns(),
        clock_step_at_ns=clock.first_jump_at_ns,
        clock_offset_ns=clock.offset_ns(),
        exact=tally.kinds[EXACT],
        interpolated=tally.kinds[INTERPOLATED],
        held=tally.kinds[HELD],
        missing=tally.kinds[MISSING],
        skew_p50_ns=p50,
        skew_p95_ns=p95,
        skew_p99_ns=p99,
        skew_max_ns=most,
        required=track.policy.required,
        dropped=track.seen.last + 1 - track.seen.count,
        late=kept.late,
        duplicates=kept.duplicates,
        jitter_sigma_share=kept.sigma_share(),
        signed_skew_min_ns=signed[0],
        signed_skew_p50_ns=signed[1],
        signed_skew_p95_ns=signed[2],
        signed_skew_p99_ns=signed[3],
        signed_skew_max_ns=signed[4],
        delay_min_ns=delays[0],
        delay_p50_ns=delays[1],
        delay_p99_ns=delays[2],
        delay_max_ns=delays[3],
        clock_source=clock.source,
        clock_rate_ppm=clock.rate_ppm,
        clock_residual_ns=clock.residual_ns,
    )
