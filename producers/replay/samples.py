"""Recorded ROS 2 messages as samples, and recorded streams as declared ones."""

from collections.abc import Callable

import numpy as np

from producers.replay.recorded import RecordedMessage, RecordedStream
from producers.sample import CloudSample, ImageSample, ImuSample, JointSample, MessageSample, PoseSample, Sample
from saltwell.contracts.identity import StreamKind
from saltwell.contracts.timeline import StreamDeclared
from saltwell.messages.cdr import MalformedMessage
from saltwell.messages.cloud import PointCloud2
from saltwell.messages.header import stamp_ns, starts_with_header
from saltwell.messages.image import CompressedImage, Image
from saltwell.messages.motion import Imu, JointState, PoseStamped

_KINDS: dict[str, StreamKind] = {
    "CompressedImage": "color",
    "Image": "color",
    "PointCloud2": "cloud",
    "JointState": "joints",
    "PoseStamped": "pose",
    "Imu": "imu",
}
_MATCH = {"joints": "linear", "imu": "linear", "pose": "slerp", "other": "hold"}
_COMMAND_WORDS = ("action", "command", "cmd")
_DEPTH_WORD = "depth"

ToSample = Callable[[RecordedMessage], Sample]


def declare(stream: RecordedStream) -> StreamDeclared:
    """The stream as the timeline declares it. A stream of commands is held, never interpolated."""
    kind = kind_of(stream)
    is_command = any(word in stream.name.lower() for word in _COMMAND_WORDS)
    return StreamDeclared(
        name=stream.name,
        kind=kind,
        rate_hz=stream.rate_hz,
        match="hold" if is_command else _MATCH.get(kind, "nearest"),
        message_type=stream.message_type,
        message_encoding=stream.message_encoding,
        schema_encoding=stream.schema_encoding,
        schema=stream.schema,
        metadata=stream.metadata,
    )


def kind_of(stream: RecordedStream) -> StreamKind:
    """Kind by message type; an Image on a topic that says depth is depth."""
    if stream.message_encoding != "cdr":
        return "other"
    short = stream.message_type.split("/")[-1]
    if short == "Image" and _DEPTH_WORD in stream.name.lower():
        return "depth"
    return _KINDS.get(short, "other")


def to_sample(stream: RecordedStream) -> ToSample:
    """How messages of this stream become samples; each call may raise MalformedMessage."""
    readers: dict[str, ToSample] = {
        "CompressedImage": _compressed,
        "Image": _image,
        "PointCloud2": _cloud,
        "JointState": _joints,
        "PoseStamped": _pose,
        "Imu": _imu,
    }
    known = readers.get(stream.message_type.split("/")[-1])
    if known is not None and kind_of(stream) != "other":
        return known
    stamped = stream.message_encoding == "cdr" and starts_with_header(stream.schema)

    def opaque(message: RecordedMessage) -> Sample:
        if not message.data:
            raise MalformedMessage(f"a {stream.message_type} without a byte")
        captured_ns = stamp_ns(message.data) if stamped else message.arrived_ns
        return MessageSample(message.stream, captured_ns, message.arrived_ns, stream.message_type, message.data)

    return opaque


def _compressed(recorded: RecordedMessage) -> Sample:
    m = CompressedImage.decode(recorded.data)
    return ImageSample(
        stream=recorded.stream,
        captured_ns=m.stamp_ns,
        arrived_ns=recorded.arrived_ns,
        frame_id=m.frame_id,
        compressed=True,
        encoding=m.format,
        height=0,
        width=0,
        step=0,
        big_endian=False,
        payload=bytes(m.data),
    )


def _image(recorded: RecordedMessage) -> Sample:
    m = Image.decode(recorded.data)
    return ImageSample(
        stream=recorded.stream,
        captured_ns=m.stamp_ns,
        arrived_ns=recorded.arrived_ns,
        frame_id=m.frame_id,
        compressed=False,
        encoding=m.encoding,
        height=m.height,
        width=m.width,
        step=m.step,
        big_endian=m.big_endian,
        payload=bytes(m.data),
    )


def _cloud(recorded: RecordedMessage) -> Sample:
    m = PointCloud2.decode(recorded.data)
    return CloudSample(
        stream=recorded.stream,
        captured_ns=m.stamp_ns,
        arrived_ns=recorded.arrived_ns,
        frame_id=m.frame_id,
        height=m.height,
        width=m.width,
        fields=m.fields,
        big_endian=m.big_endian,
        point_step=m.point_step,
        row_step=m.row_step,
        dense=m.dense,
        payload=bytes(m.data),
        padding=m.padding,
    )


def _joints(recorded: RecordedMessage) -> Sample:
    m = JointState.decode(recorded.data)
    return JointSample(
        recorded.stream, m.stamp_ns, recorded.arrived_ns, m.frame_id, m.names, m.position, m.velocity, m.effort
    )


def _pose(recorded: RecordedMessage) -> Sample:
    m = PoseStamped.decode(recorded.data)
    return PoseSample(recorded.stream, m.stamp_ns, recorded.arrived_ns, m.frame_id, m.position, m.orientation)


def _imu(recorded: RecordedMessage) -> Sample:
    m = Imu.decode(recorded.data)
    covariances = (m.orientation_covariance, m.angular_velocity_covariance, m.linear_acceleration_covariance)
    return ImuSample(
        recorded.stream,
        m.stamp_ns,
        recorded.arrived_ns,
        m.frame_id,
        m.orientation,
        m.angular_velocity,
        m.linear_acceleration,
        np.concatenate(covariances),
    )
