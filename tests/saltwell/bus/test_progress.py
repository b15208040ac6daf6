from hypothesis import given
from hypothesis import strategies as st

from saltwell.bus.progress import Progress

TOPICS, EPISODES = ["a", "b"], ["one", "two", "three"]


def test_an_open_episode_keeps_its_first_offset_of_every_topic() -> None:
    progress = Progress()
    progress.saw("a", 0, "one")
    progress.saw("a", 1, "two")
    progress.saw("b", 4, "two")
    progress.saw("a", 2, "one")
    assert progress.positions() == {"a": 3, "b": 5}
    assert progress.low_watermarks() == {"a": 0, "b": 4}
    progress.settle({"two"})
    assert progress.is_closed("one")
    assert not progress.is_closed("two")
    assert progress.low_watermarks() == {"a": 1, "b": 4}
    progress.settle(())
    assert progress.low_watermarks() == progress.positions()


def test_the_position_never_moves_back() -> None:
    progress = Progress()
    progress.moved("a", 7)
    progress.moved("a", 3)
    assert progress.positions() == {"a": 7}


@given(st.lists(st.tuples(st.sampled_from(TOPICS), st.sampled_from(EPISODES), st.sets(st.sampled_from(EPISODES)))))
def test_nothing_of_an_open_episode_lies_below_the_low_watermark(steps) -> None:
    progress, offsets, records = Progress(), dict.fromkeys(TOPICS, 0), []
    for topic, episode, still_open in steps:
        if progress.is_closed(episode):
            continue
        progress.saw(topic, offsets[topic], episode)
        records.append((topic, offsets[topic], episode))
        offsets[topic] += 1
        progress.settle(still_open | {episode})
        lows = progress.low_watermarks()
        for at_topic, offset, of_episode in records:
            if not progress.is_closed(of_episode):
                assert lows[at_topic] <= offset
        assert all(lows[t] <= position for t, position in progress.positions().items())
