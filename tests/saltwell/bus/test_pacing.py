from hypothesis import given
from hypothesis import strategies as st

from saltwell.bus.pacing import AHEAD_MS, Pace

TOPICS = ["frames.color", "scores", "timeline"]


def test_a_topic_that_runs_ahead_waits_until_the_slowest_has_come_half_way() -> None:
    pace = Pace(["color", "timeline"], ahead_ms=1_000)
    pace.read("color", 0)
    pace.read("timeline", 1_000)
    assert pace.paused() == frozenset()
    pace.read("timeline", 1_001)
    assert pace.paused() == {"timeline"}
    pace.read("color", 500)
    assert pace.paused() == {"timeline"}, "resumed at once, it would stutter"
    pace.read("color", 501)
    assert pace.paused() == frozenset()


def test_nobody_waits_for_a_topic_that_holds_nothing_more() -> None:
    pace = Pace(["color", "cloud"])
    pace.read("color", 1_000_000)
    assert pace.paused() == {"color"}, "the other one has not been looked at yet"
    pace.reached_end("cloud")
    assert pace.paused() == frozenset()
    pace.read("cloud", 5)
    assert pace.paused() == {"color"}


def test_a_halted_topic_neither_reads_nor_is_waited_for() -> None:
    pace = Pace(["color", "timeline"])
    pace.read("timeline", 0)
    pace.halt("timeline")
    pace.read("color", 10 * AHEAD_MS)
    assert pace.paused() == {"timeline"}
    pace.release()
    assert pace.paused() == {"color"}


@given(
    st.lists(
        st.tuples(st.sampled_from(["read", "end", "halt", "release"]), st.sampled_from(TOPICS), st.integers(0, 20_000))
    )
)
def test_a_shard_never_stands_still(steps) -> None:
    """Whatever was read, some topic that is not halted may be read on."""
    pace, halted = Pace(TOPICS), set()
    for what, topic, at_ms in steps:
        match what:
            case "read":
                pace.read(topic, at_ms)
            case "end":
                pace.reached_end(topic)
            case "halt":
                pace.halt(topic)
                halted.add(topic)
            case "release":
                pace.release()
                halted.clear()
        assert pace.paused() >= halted
        if halted != set(TOPICS):
            assert set(TOPICS) - pace.paused()


@given(st.lists(st.tuples(st.sampled_from(TOPICS), st.integers(0, 300)), min_size=1))
def test_what_is_read_in_pace_is_never_far_ahead(steps) -> None:
    pace, times = Pace(TOPICS), dict.fromkeys(TOPICS, 0)
    for topic in TOPICS:
        pace.read(topic, 0)
    for topic, step_ms in steps:
        if topic not in pace.paused():
            times[topic] += step_ms
            pace.read(topic, times[topic])
    assert max(times.values()) - min(times.values()) <= AHEAD_MS + 300
