"""Roles follow the topic table and what the parts say of themselves."""

import pytest

from processors.downsample.processor import Downsample
from processors.downsample.settings import Settings, StreamSettings
from processors.judge.processor import Judge
from processors.score.processor import Score
from processors.synchronize.processor import Synchronize
from saltwell.contracts.access import READER_GROUP, ROLES, rules
from saltwell.contracts.topics import BY_NAME, TOPICS
from saltwell.errors import StopError
from sinks.catalogue.sink import CatalogueSink
from sinks.dataset.processor import Datasets
from sinks.episodes.processor import Episodes
from sinks.traces.processor import Traces

DEPTH, SCAN = StreamSettings(camera_info="/camera_info"), StreamSettings(deskew_pose="/pose")
ASKS_FOR_ALL = Settings(streams={"/depth": DEPTH, "/scan": SCAN})
TOPICS_OF = {
    part.name: part.topics for part in (Synchronize, Downsample(ASKS_FOR_ALL), Score, Judge, Episodes, Datasets, Traces)
}


@pytest.mark.parametrize("name", TOPICS_OF)
def test_a_part_may_read_what_it_subscribes_to_and_nothing_else(name):
    assert set(ROLES[name].reads) == set(TOPICS_OF[name])


def test_the_catalogue_may_read_what_it_follows():
    assert set(ROLES[CatalogueSink.name].reads) == set(CatalogueSink.topics)


def test_every_part_has_a_role_and_every_role_names_topics_of_the_table():
    assert {name for name, role in ROLES.items() if role.part} == TOPICS_OF.keys()
    for role in ROLES.values():
        assert {*role.reads, *role.writes, *role.sees, *role.configs} <= BY_NAME.keys()


def test_every_owner_may_set_records_aside():
    for topic in TOPICS:
        if topic.owner:
            assert {"dead", "late"} <= set(ROLES[topic.owner].writes)


def test_only_prefixes_of_our_own_are_granted():
    for role in ROLES:
        for rule in rules(role):
            assert rule.name in BY_NAME or rule.name.startswith("saltwell.")
            assert not rule.prefix or rule.name == READER_GROUP or rule.name.endswith(".")


def test_frames_never_leave_a_centre():
    assert not any(name.startswith("frames.") for name in {*ROLES["mirror"].reads, *ROLES["reader"].reads})


def test_an_unknown_role_is_refused():
    with pytest.raises(StopError, match="no role 'admin'"):
        rules("admin")
