import re

from saltwell.contracts.results import SetAside
from saltwell.contracts.timeline import EpisodeStopped
from saltwell.contracts.trace import trace_header

STOPPED = EpisodeStopped("zigong", "g1-04", "take-1", 9, 5, None)


def test_all_records_of_an_episode_carry_the_same_trace():
    [(name, value)] = trace_header(STOPPED)
    assert name == "traceparent"
    assert re.fullmatch(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-01", value)
    assert trace_header(EpisodeStopped("zigong", "g1-04", "take-1", 10, 6, success=True)) == [(name, value)]
    assert trace_header(EpisodeStopped("zigong", "g1-05", "take-1", 9, 5, None)) != [(name, value)]


def test_what_belongs_to_no_known_episode_has_no_trace():
    assert trace_header(SetAside("timeline", 0, 7, "score", "random bytes", "g1-04", "", "", -1, None, b"x")) == []
