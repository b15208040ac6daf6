from hypothesis import given
from hypothesis import strategies as st

from saltwell.bus.note import ALL_EPISODES, notes, read_note, token

TOPICS = ["alignment", "scores", "timeline"]


@given(
    st.dictionaries(st.sampled_from(TOPICS), st.integers(0, 2**63), min_size=1),
    st.sets(st.text(min_size=1, max_size=60), max_size=200),
)
def test_the_notes_of_a_shard_give_back_its_marks_and_every_open_episode(marks, open_episodes) -> None:
    read = {topic: read_note(text) for topic, text in notes(marks, open_episodes).items()}
    assert {topic: mark for topic, (mark, _) in read.items()} == marks
    assert {t for _, tokens in read.values() for t in tokens} == {token(episode) for episode in open_episodes}


def test_a_floor_of_two_hundred_robots_a_shard_fits_into_one_topic() -> None:
    open_episodes = {f"20261124T120000-g1-{i:03}-a1b2c3" for i in range(200)}
    (text,) = notes({"timeline": 10**12}, open_episodes).values()
    assert len(text) < 4_096
    assert len(read_note(text)[1]) == 200


def test_too_many_episodes_stand_as_all() -> None:
    (text,) = notes({"timeline": 7}, [str(i) for i in range(1_000)]).values()
    assert read_note(text) == (7, frozenset({ALL_EPISODES}))


def test_no_note_is_the_beginning() -> None:
    assert read_note(None) == read_note("") == (0, frozenset())


def test_what_another_tool_wrote_beside_an_offset_tells_nothing() -> None:
    assert read_note("set back by hand") == (0, frozenset())
