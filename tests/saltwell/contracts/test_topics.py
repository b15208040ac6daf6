from dataclasses import fields
from typing import get_args

import pytest

from saltwell.contracts.identity import OfEpisode, StreamKind
from saltwell.contracts.results import SetAside
from saltwell.contracts.timeline import StreamEnded
from saltwell.contracts.topics import BY_NAME, FRAME_TOPICS, MAX_RECORD_BYTES, TOPICS, frame_topic, key_of

PARTS = {"score", "synchronize", "downsample", "judge", "episodes", ""}


def test_compaction_keeps_each_episode_of_a_robot() -> None:
    aside = SetAside("t", 0, 0, "p", "", "robot", "episode", "", 0, None, b"")

    for topic in TOPICS:
        assert key_of(topic.name, aside) == ("episode" if topic.retention == "compact" else "robot")
    assert BY_NAME["episodes.finished"].retention == "compact"


def test_no_two_topics_have_one_name() -> None:
    assert len(BY_NAME) == len(TOPICS)


@pytest.mark.parametrize("kind", get_args(StreamKind))
def test_every_kind_of_stream_has_a_topic_that_says_when_it_ends(kind: StreamKind) -> None:
    topic = BY_NAME[frame_topic(kind)]
    assert topic.name in FRAME_TOPICS
    assert StreamEnded in topic.records


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_every_topic_says_what_it_carries_and_whose_it_is(topic) -> None:
    assert topic.doc.endswith(".")
    assert topic.records
    assert topic.owner in PARTS


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_every_record_names_its_robot_first_or_is_set_aside(topic) -> None:
    for cls in topic.records:
        if cls is not SetAside:
            assert issubclass(cls, OfEpisode)
            assert [f.name for f in fields(cls)][:3] == ["site", "robot", "episode"]


def test_what_was_set_aside_is_never_set_aside_again() -> None:
    assert not BY_NAME["dead"].owner
    assert not BY_NAME["late"].owner


def test_the_largest_record_leaves_room_for_a_raw_color_image() -> None:
    assert MAX_RECORD_BYTES > 1280 * 720 * 3
