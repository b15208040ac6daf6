"""The topic table: what flows where. The only place that knows topic names.

All topics of a robot have the same partition count and the same explicit partition (`partition_of`), so
partition *p* of everything is one shard. `docs/asyncapi.yaml` and the topics on a broker are made from it.
"""

from dataclasses import dataclass
from typing import Literal

from saltwell.contracts.frames import (
    CloudFrame,
    ImageFrame,
    ImuBlock,
    JointBlock,
    MessageFrame,
    PoseBlock,
    SampledCloud,
)
from saltwell.contracts.identity import OfEpisode, StreamKind
from saltwell.contracts.results import (
    AlignmentBlock,
    AlignmentEnded,
    EpisodeFinished,
    Review,
    ScoreBlock,
    SetAside,
    Verdict,
)
from saltwell.contracts.timeline import (
    EpisodeAborted,
    EpisodeDiscarded,
    EpisodeStarted,
    EpisodeStopped,
    FramesIndexed,
    StreamEnded,
)

MAX_RECORD_BYTES = 4 * 1024 * 1024
"""Largest record value; a larger frame is listed as lost with the cause too_large."""

DEFAULT_PARTITIONS = 8

Retention = Literal["days", "weeks", "compact"]


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic.

    `records` are the types it carries. `owner` is the one consumer that sets aside (topics dead, late) what
    it can't use of this topic; the others only skip and count, so that nothing is set aside twice.
    """

    name: str
    doc: str
    records: tuple[type, ...]
    owner: str
    retention: Retention = "days"


_FRAMES = (
    Topic("frames.color", "One color image a record.", (ImageFrame, StreamEnded), owner="score"),
    Topic("frames.depth", "One depth image a record.", (ImageFrame, StreamEnded), owner="score"),
    Topic("frames.cloud", "One lidar scan or packet group a record.", (CloudFrame, StreamEnded), owner="score"),
    Topic("frames.joints", "10-50 ms of joint samples a record.", (JointBlock, StreamEnded), owner="score"),
    Topic("frames.pose", "10-50 ms of poses a record.", (PoseBlock, StreamEnded), owner="score"),
    Topic("frames.imu", "10-50 ms of inertial samples a record.", (ImuBlock, StreamEnded), owner="score"),
    Topic("frames.other", "One message of any other type a record.", (MessageFrame, StreamEnded), owner="score"),
)

TOPICS: tuple[Topic, ...] = (
    *_FRAMES,
    Topic(
        "timeline",
        "The ordered story of one robot: what began, what was captured when, what ended.",
        (EpisodeStarted, FramesIndexed, StreamEnded, EpisodeStopped, EpisodeDiscarded, EpisodeAborted),
        owner="synchronize",
    ),
    Topic("clouds.sampled", "Downsampled clouds.", (SampledCloud, StreamEnded), owner="episodes"),
    Topic("scores", "Metrics of frames, by stream.", (ScoreBlock, StreamEnded), owner="judge"),
    Topic("alignment", "Which frames belong together.", (AlignmentBlock, AlignmentEnded), owner="judge"),
    Topic("verdicts", "One verdict an episode.", (Verdict,), owner="episodes", retention="weeks"),
    Topic("episodes.finished", "One finished episode.", (EpisodeFinished,), owner="", retention="compact"),
    Topic("reviews", "A person's word on an episode.", (Review,), owner="", retention="weeks"),
    Topic("dead", "Records that could not be used.", (SetAside,), owner="", retention="weeks"),
    Topic("late", "Records that came after their episode was closed.", (SetAside,), owner="", retention="weeks"),
)

BY_NAME = {topic.name: topic for topic in TOPICS}

SAMPLED_KINDS: frozenset[StreamKind] = frozenset({"cloud", "depth"})
"""Kinds of streams whose ends stand in clouds.sampled, whether or not clouds are made of them."""

FRAME_TOPICS: tuple[str, ...] = tuple(topic.name for topic in _FRAMES)


def key_of(topic: str, record: OfEpisode | SetAside) -> str:
    """Key of a record: the robot's id; in a compacted topic the episode's, as the broker keeps the last of each key.

    The key does not decide the partition: that is `partition_of(robot)`, in every topic.
    """
    return record.episode if BY_NAME[topic].retention == "compact" else record.robot


def frame_topic(kind: StreamKind) -> str:
    """Topic that carries frames of a stream of this kind."""
    return f"frames.{kind}"
