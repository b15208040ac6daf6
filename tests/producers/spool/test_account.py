"""The account knows at every moment what an episode has and what it lacks."""

from hypothesis import given, settings
from hypothesis import strategies as st

from producers.spool.account import SPOOL, Accounts
from producers.spool.account_text import accounts_from_text, accounts_to_text
from producers.spool.ending import endings
from producers.spool.facts import Lost, Numbered, fact_of
from saltwell.contracts.columns import i64
from saltwell.contracts.timeline import EpisodeAborted, EpisodeStopped, FramesIndexed, SeqRange, StreamEnded

IDENTITY = ("site", "robot", "episode")


def applied(records) -> Accounts:
    accounts = Accounts()
    for topic, record in records:
        accounts.apply(fact_of(topic, record))
    return accounts


def ended(accounts: Accounts) -> list:
    return list(endings(accounts.episodes[IDENTITY], "why"))


def test_an_episode_that_ended_leaves_nothing_open(kit) -> None:
    records = kit.Take().records()
    assert applied(records).episodes == {}
    assert isinstance(records[-1][1], EpisodeStopped)


@settings(max_examples=50, deadline=None)
@given(cut=st.integers(1, 60), drops=st.frozensets(st.integers(12, 28)))
def test_an_episode_cut_anywhere_is_ended_by_what_is_there(kit, cut, drops) -> None:
    records = kit.Take(source_drops=drops).records()
    there = records[: min(cut, len(records) - 1)]
    accounts = applied(there)
    said = ended(accounts)
    kit.account_is_whole(there + said, IDENTITY)
    assert isinstance(said[-1][1], EpisodeAborted)
    for topic, record in said:
        accounts.apply(fact_of(topic, record))
    assert accounts.episodes == {}


@settings(max_examples=50, deadline=None)
@given(cut=st.integers(1, 60))
def test_every_frame_that_is_there_is_named_by_the_timeline_once(kit, cut) -> None:
    records = kit.Take().records()
    there = records[: min(cut, len(records) - 3)]
    story = there + ended(applied(there))
    for stream in (kit.COLOR, kit.JOINTS):
        named = [
            seq
            for _, r in story
            if isinstance(r, FramesIndexed)
            for index in r.streams
            if index.stream == stream
            for seq in i64(index.seq).tolist()
        ]
        assert len(named) == len(set(named))
        assert set(kit.numbers(story, stream)) <= set(named)


@settings(max_examples=50, deadline=None)
@given(cut=st.integers(1, 60), drops=st.frozensets(st.integers(12, 28)))
def test_the_account_as_text_is_the_same_account(kit, cut, drops) -> None:
    accounts = applied(kit.Take(source_drops=drops).records()[:cut])
    again = accounts_from_text(accounts_to_text(accounts))
    assert again.episodes == accounts.episodes


def test_a_frame_the_source_lost_is_not_the_spools_loss(kit) -> None:
    there = [*kit.Take(source_drops=frozenset({20, 21})).records()][:-4]
    [color] = [r for t, r in ended(applied(there)) if t == "frames.color"]
    assert color.missing == (SeqRange(20, 2, "source"),)


def test_a_sample_that_was_named_and_never_came_is_the_spools_loss(kit) -> None:
    records = kit.Take().records()
    beat = next(i for i, (_, r) in enumerate(records) if isinstance(r, FramesIndexed) and len(r.streams) == 2)
    named = {seq for index in records[beat][1].streams for seq in i64(index.seq).tolist() if index.stream == kit.JOINTS}
    there = records[: beat + 1]
    missing = named - set(kit.numbers(there, kit.JOINTS))
    assert missing, "a block was open at the first beat"
    [joints] = [r for t, r in ended(applied(there)) if t == "frames.joints"]
    lost = {seq for r in joints.missing for seq in range(r.first, r.first + r.count)}
    assert missing <= lost
    assert {r.cause for r in joints.missing} == {SPOOL}


def test_a_frame_that_could_not_be_kept_is_listed_and_its_copy_makes_it_good(kit) -> None:
    records = kit.Take(frames=12).records()
    accounts = applied(records[:1])
    frame = Numbered(IDENTITY, kit.COLOR, [0], [1], [2])
    accounts.lose(frame)
    assert accounts.episodes[IDENTITY].streams[kit.COLOR].missing == {0: SPOOL}
    accounts.apply(frame)
    assert accounts.episodes[IDENTITY].streams[kit.COLOR].missing == {}


def test_a_note_says_why_a_number_has_no_frame(kit) -> None:
    accounts = applied(kit.Take(frames=12).records()[:1])
    accounts.apply(Lost(IDENTITY, kit.COLOR, [0], "too_large"))
    accounts.apply(Numbered(IDENTITY, kit.COLOR, [1], [1], [2]))
    [color] = [r for t, r in ended(accounts) if t == "frames.color"]
    assert color.missing == (SeqRange(0, 1, "too_large"),)


def test_a_stream_that_had_said_its_end_says_the_same_again(kit) -> None:
    records = kit.Take().records()
    mark = next(i for i, (t, r) in enumerate(records) if isinstance(r, StreamEnded) and t != "timeline")
    accounts = accounts_from_text(accounts_to_text(applied(records[: mark + 1])))
    assert [r for t, r in ended(accounts) if t == records[mark][0]] == [records[mark][1]]
