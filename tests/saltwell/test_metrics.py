"""What alerts look at is there before anything is counted."""

from prometheus_client import REGISTRY

from saltwell.metrics import begin_at_zero


def test_counters_are_served_at_zero_so_that_their_first_count_is_a_rise():
    begin_at_zero("of-a-test", ["timeline"])
    labels = {"part": "of-a-test", "topic": "timeline"}
    for name in ("dead_letters", "late_records", "log_truncated"):
        assert REGISTRY.get_sample_value(f"saltwell_{name}_total", labels) == 0
    assert REGISTRY.get_sample_value("saltwell_transactions_total", {"part": "of-a-test", "end": "failed"}) == 0
    assert REGISTRY.get_sample_value("saltwell_verdicts_total", {"decision": "reject"}) is not None
    assert REGISTRY.get_sample_value("saltwell_episodes_finished_total", {"decision": "accept"}) is not None
