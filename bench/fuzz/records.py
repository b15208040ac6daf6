"""One good record of every type: a short episode of a robot with a stream of each kind, and what became of it. Pure."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from saltwell.contracts.columns import pack_f64, pack_i64
from saltwell.contracts.frames import (
    CloudFrame,
    ImageFrame,
    ImuBlock,
    JointBlock,
    MessageFrame,
    PointField,
    PoseBlock,
    SampledCloud,
)
from saltwell.contracts.identity import StreamKind
from saltwell.contracts.results import (
    AlignmentBlock,
    AlignmentEnded,
    EpisodeFinished,
    MetricColumn,
    Reason,
    Review,
    ScoreBlock,
    SetAside,
    StreamLedger,
    StreamMatch,
    StreamSkew,
    StreamTiming,
    UnreadableFrame,
    Verdict,
)
from saltwell.contracts.timeline import (
    EpisodeAborted,
    EpisodeDiscarded,
    EpisodeStarted,
    EpisodeStopped,
    FramesIndexed,
    SeqRange,
    StreamDeclared,
    StreamEnded,
    StreamIndex,
)
from saltwell.messages.cloud_points import SampledPoints, pack_points

IDENTITY = ("zigong", "g1-04", "20260101T000000-g1-04-aa0001")
START_NS = 1_767_225_600_000_000_000
PERIOD_NS = 33_333_333
FRAMES = 6

STREAMS: dict[StreamKind, tuple[str, str]] = {
    "color": ("/head/color", "sensor_msgs/msg/CompressedImage"),
    "depth": ("/chest/depth", "sensor_msgs/msg/Image"),
    "cloud": ("/torso/points", "sensor_msgs/msg/PointCloud2"),
    "joints": ("/joint_states", "sensor_msgs/msg/JointState"),
    "pose": ("/vr/head", "geometry_msgs/msg/PoseStamped"),
    "imu": ("/torso/imu", "sensor_msgs/msg/Imu"),
    "other": ("/task", "std_msgs/msg/String"),
}
"""Name and type of the stream of each kind."""

JPEG = b"\xff\xd8\xff\xc0\x00\x0b\x08\x00\x10\x00\x10\x01\x01\x11\x00\xff\xda\x00\x08\x01\x01\x00\x00?\x00\x00\xff\xd9"
"""Headers and end of a grey picture of 16 x 16 pixels."""

_TIMES = [START_NS + seq * PERIOD_NS for seq in range(FRAMES)]
_COLUMNS = (pack_i64(range(FRAMES)), pack_i64(_TIMES), pack_i64([ns + 3_000_000 for ns in _TIMES]))


def doubles(width: int) -> bytes:
    """So many numbers for each frame."""
    return pack_f64(np.linspace(-1, 1, FRAMES * width))


def started() -> EpisodeStarted:
    """The beginning of the episode."""
    declared = [
        StreamDeclared(
            name=name,
            kind=kind,
            rate_hz=30.0,
            match="nearest",
            message_type=message,
            message_encoding="cdr",
            schema_encoding="ros2msg",
            schema="std_msgs/Header header",
            metadata={"offered_qos_profiles": ""},
        )
        for kind, (name, message) in STREAMS.items()
    ]
    return EpisodeStarted(*IDENTITY, 0, START_NS, "sort the parts", "/head/color", declared, {"recording": "take.mcap"})


def frames() -> Iterator[tuple[StreamKind, Any]]:
    """The frames of each stream, with its kind."""
    for seq, captured_ns in enumerate(_TIMES):
        head = (*IDENTITY, "/head/color", seq, captured_ns, captured_ns + 3_000_000, "head")
        yield "color", ImageFrame(*head, True, "jpeg", 16, 16, 0, False, JPEG)
        head = (*IDENTITY, "/chest/depth", seq, captured_ns, captured_ns + 3_000_000, "chest")
        yield "depth", ImageFrame(*head, False, "16UC1", 4, 6, 12, False, bytes(range(48)))
        head = (*IDENTITY, "/torso/points", seq, captured_ns, captured_ns + 3_000_000, "torso")
        layout = tuple(PointField(name, 4 * place, 7, 1) for place, name in enumerate("xyz"))
        yield "cloud", CloudFrame(*head, 1, 5, layout, False, 12, 60, True, bytes(60))
        payload = b"\0\1\0\0\6\0\0\0parts\0"
        yield "other", MessageFrame(*IDENTITY, "/task", seq, captured_ns, captured_ns, "std_msgs/msg/String", payload)
    yield "joints", JointBlock(*IDENTITY, "/joint_states", *_COLUMNS, "base", ("a", "b"), doubles(2), b"", doubles(2))
    yield "pose", PoseBlock(*IDENTITY, "/vr/head", *_COLUMNS, "world", doubles(3), doubles(4))
    yield "imu", ImuBlock(*IDENTITY, "/torso/imu", *_COLUMNS, "torso", doubles(4), doubles(3), doubles(3), doubles(27))


def indexed() -> FramesIndexed:
    """What the timeline says of the frames."""
    return FramesIndexed(*IDENTITY, 1, _TIMES[-1], [StreamIndex(name, *_COLUMNS) for name, _ in STREAMS.values()])


def ended(kind: StreamKind) -> StreamEnded:
    """The end of a stream; its last two frames were lost."""
    missing = [SeqRange(FRAMES, 1, "source"), SeqRange(FRAMES + 1, 1, "malformed")]
    return StreamEnded(*IDENTITY, STREAMS[kind][0], kind, 2, FRAMES + 1, FRAMES, missing)


def stopped() -> EpisodeStopped:
    """The end of the episode."""
    return EpisodeStopped(*IDENTITY, 9, _TIMES[-1], True)


def sampled() -> Iterator[SampledCloud]:
    """The clouds, downsampled."""
    points = SampledPoints(np.ones((5, 3), np.float32), np.ones(5, np.float32), np.ones(5, np.int32))
    packed = pack_points(points)
    for seq, captured_ns in enumerate(_TIMES):
        head = (*IDENTITY, "/torso/points", seq, captured_ns, "torso")
        columns = (packed.points, packed.step_m, packed.xyz, packed.intensity, packed.count)
        yield SampledCloud(*head, "voxels", 0.05, 60, *columns)


def scores(kind: StreamKind) -> ScoreBlock:
    """What was measured on the frames of a stream."""
    seq, captured_ns, _ = _COLUMNS
    metrics = [MetricColumn("sharpness", doubles(1)), MetricColumn("clipped_share", doubles(1))]
    unreadable = [UnreadableFrame(FRAMES + 2, START_NS, "JPEG has no end")]
    return ScoreBlock(*IDENTITY, STREAMS[kind][0], kind, seq, captured_ns, metrics, unreadable, 0)


def steps() -> AlignmentBlock:
    """A step for each color frame."""
    seq, captured_ns, _ = _COLUMNS
    none, zeros = pack_i64([-1] * FRAMES), pack_i64([0] * FRAMES)
    return AlignmentBlock(
        *IDENTITY,
        0,
        captured_ns,
        [StreamMatch(name, bytes(FRAMES), seq, none, zeros, zeros, zeros) for name, _ in STREAMS.values()],
    )


def aligned() -> AlignmentEnded:
    """The end of the steps."""
    timing = [
        StreamTiming(
            stream=name,
            kind=kind,
            count=FRAMES,
            period_ns=float(PERIOD_NS),
            jitter_share=0.01,
            longest_gap_ns=PERIOD_NS,
            longest_gap_from_ns=START_NS,
            gaps_over_100_ms=0,
            out_of_order=0,
            clock_steps=0,
            largest_clock_step_ns=0,
            clock_step_at_ns=0,
            clock_offset_ns=0,
            exact=FRAMES,
            interpolated=0,
            held=0,
            missing=0,
            skew_p50_ns=0.0,
            skew_p95_ns=0.0,
            skew_p99_ns=0.0,
            skew_max_ns=0.0,
        )
        for kind, (name, _) in STREAMS.items()
    ]
    return AlignmentEnded(
        *IDENTITY,
        anchor="/head/color",
        steps=FRAMES,
        started_ns=_TIMES[0],
        stopped_ns=_TIMES[-1],
        task="sort the parts",
        ending="stopped",
        reason="",
        success=True,
        streams=timing,
    )


def ledgers() -> list[StreamLedger]:
    """What became of the frames."""
    return [
        StreamLedger(name, kind, FRAMES + 2, FRAMES, 2, 0, 1, tuple(ended(kind).missing))
        for kind, (name, _) in STREAMS.items()
    ]


def verdict() -> Verdict:
    """The judge's word."""
    reason = Reason(
        "loss", "/head/color", "review", 0.25, 0.01, "share", START_NS, _TIMES[-1], "2 of 8 frames are lost."
    )
    return Verdict(*IDENTITY, "review", (reason,), "1+ab12", ledgers())


def episode() -> Iterator[tuple[str, Any]]:
    """The whole episode as the log holds it, with the topic of each record."""
    yield "timeline", started()
    for kind, frame in frames():
        yield f"frames.{kind}", frame
    yield "timeline", indexed()
    for kind in STREAMS:
        yield f"frames.{kind}", ended(kind)
        yield "timeline", ended(kind)
        yield "scores", scores(kind)
        yield "scores", ended(kind)
    for cloud in sampled():
        yield "clouds.sampled", cloud
    yield "clouds.sampled", ended("cloud")
    yield "clouds.sampled", ended("depth")
    yield "timeline", stopped()
    yield "alignment", steps()
    yield "alignment", aligned()
    yield "verdicts", verdict()


def every_record() -> dict[str, Any]:
    """A good record of each type, by the name of its class."""
    skew = [StreamSkew("/head/color", 0.0, 1.0)]
    finished = EpisodeFinished(
        *IDENTITY, "sort the parts", "review", (), "s3://episodes/e", "ab" * 32, 10, FRAMES, START_NS, ledgers(), skew
    )
    others = (
        EpisodeDiscarded(*IDENTITY, 9, START_NS, "dropped"),
        EpisodeAborted(*IDENTITY, 9, START_NS, "silent"),
        finished,
        Review(*IDENTITY, "li", START_NS, "accept", "sort the parts", "good"),
        SetAside("frames.color", 3, 17, "score", "no end", "g1-04", IDENTITY[2], "/head/color", 5, b"g1-04", b"\0"),
    )
    records = [*(record for _, record in episode()), *others]
    return {type(record).__name__: record for record in records}
