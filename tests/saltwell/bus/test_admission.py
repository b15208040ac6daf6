from hypothesis import given
from hypothesis import strategies as st

from saltwell.bus.admission import HURRIED_MS, LIMIT_BYTES, PATIENCE_MS, Admission
from saltwell.bus.raw import Raw


def _raw(offset: int, *, event_ms: int = 0, value: bytes = b"x") -> Raw:
    return Raw("frames.color", 0, offset, b"robot", value, event_ms, event_ms)


def test_what_came_early_is_given_in_order_when_the_episode_begins() -> None:
    admission = Admission()
    for offset in range(3):
        admission.wait("take", _raw(offset))
    assert admission.waiting() == {"take"}
    assert not admission.has_begun("take")
    assert [raw.offset for raw in admission.begin("take")] == [0, 1, 2]
    assert admission.has_begun("take")
    assert admission.waiting() == frozenset()


def test_an_episode_is_given_up_when_the_timeline_has_long_passed_its_first_record() -> None:
    admission = Admission()
    admission.wait("tail", _raw(7, event_ms=1_000))
    assert admission.give_up(1_000 + PATIENCE_MS) == []
    [(episode, raws)] = admission.give_up(1_001 + PATIENCE_MS)
    assert (episode, [raw.offset for raw in raws]) == ("tail", [7])
    assert admission.waiting() == frozenset()


def test_what_waits_is_bounded_and_the_oldest_episode_goes_first() -> None:
    admission = Admission(limit_bytes=100)
    admission.wait("old", _raw(0, value=bytes(60)))
    admission.wait("new", _raw(1, value=bytes(60)))
    assert admission.give_up(HURRIED_MS) == [], "its beginning may be about to be read"
    assert [episode for episode, _ in admission.give_up(HURRIED_MS + 1)] == ["old"]
    assert admission.give_up(HURRIED_MS + 1) == []
    assert LIMIT_BYTES > 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["wait", "begin", "close", "give up"]))))
def test_every_record_comes_out_once(steps) -> None:
    admission, put, got = Admission(limit_bytes=3), [], []
    for offset, (episode, what) in enumerate(steps):
        match what:
            case "wait" if not admission.has_begun(episode):
                admission.wait(episode, _raw(offset))
                put.append(offset)
            case "begin":
                got += [raw.offset for raw in admission.begin(episode)]
            case "close":
                admission.close(episode)
            case "give up":
                got += [raw.offset for _, raws in admission.give_up(HURRIED_MS + 1) for raw in raws]
    for episode in "abc":
        got += [raw.offset for raw in admission.begin(episode)]
    assert sorted(got) == put
