from dataclasses import replace

from saltwell.conformance import Measure, conformance
from saltwell.contracts.results import StreamLedger, StreamTiming
from saltwell.contracts.timeline import SeqRange

LEDGER = StreamLedger("/head/color", "color", sent=1000, written=1000, lost=0, duplicates=0, dead=0, missing=())
TIMING = StreamTiming(
    stream="/head/color",
    kind="color",
    count=1000,
    period_ns=33e6,
    jitter_share=0.01,
    longest_gap_ns=0,
    longest_gap_from_ns=0,
    gaps_over_100_ms=0,
    out_of_order=0,
    clock_steps=0,
    largest_clock_step_ns=0,
    clock_step_at_ns=0,
    clock_offset_ns=0,
    exact=0,
    interpolated=1000,
    held=0,
    missing=0,
    skew_p50_ns=0.0,
    skew_p95_ns=0.0,
    skew_p99_ns=0.0,
    skew_max_ns=0.0,
    jitter_sigma_share=0.02,
    clock_source="calibrated",
    clock_residual_ns=40_000,
)


def outcomes(ledger=LEDGER, timing=TIMING) -> dict[str, str]:
    return {clause.name: clause.outcome for clause in conformance([Measure(ledger, timing)])}


def test_an_even_calibrated_stream_passes_all_that_can_be_measured() -> None:
    assert outcomes() == {
        "jitter sigma": "pass",
        "consecutive loss": "pass",
        "alignment": "pass",
        "fields missing": "pass",
        "motion blur": "not measurable",
    }


def test_each_clause_fails_by_its_own_number() -> None:
    assert outcomes(timing=replace(TIMING, jitter_sigma_share=0.11))["jitter sigma"] == "fail"
    assert outcomes(timing=replace(TIMING, skew_max_ns=970_000.0))["alignment"] == "fail"
    assert outcomes(timing=replace(TIMING, missing=60, interpolated=940))["fields missing"] == "fail"
    runs = (SeqRange(10, 6, "source"), SeqRange(16, 5, "undelivered"))
    assert outcomes(replace(LEDGER, written=989, lost=11, missing=runs))["consecutive loss"] == "fail"


def test_losses_apart_are_no_consecutive_loss() -> None:
    apart = tuple(SeqRange(n, 1, "source") for n in range(0, 40, 2))
    assert outcomes(replace(LEDGER, written=980, lost=20, missing=apart))["consecutive loss"] == "pass"


def test_an_alignment_by_stamps_of_unknown_latency_is_not_called_passed() -> None:
    assert outcomes(timing=replace(TIMING, clock_source="kept"))["alignment"] == "not measurable"
    assert outcomes(timing=replace(TIMING, clock_source="kept", skew_max_ns=2e6))["alignment"] == "fail"


def test_an_optional_stream_misses_nothing() -> None:
    optional = replace(TIMING, missing=60, interpolated=940, required=False)
    assert outcomes(timing=optional)["fields missing"] == "pass"


def test_without_streams_nothing_is_measurable() -> None:
    assert {clause.outcome for clause in conformance([])} == {"not measurable"}


def test_stamps_that_nobody_measured_pass_nothing_that_is_about_time() -> None:
    derived = outcomes(timing=replace(TIMING, clock_source="derived"))
    assert derived == {**outcomes(), "jitter sigma": "not measurable", "alignment": "not measurable"}
    late = outcomes(timing=replace(TIMING, clock_source="derived", skew_max_ns=5e6))
    assert late["alignment"] == "not measurable"
