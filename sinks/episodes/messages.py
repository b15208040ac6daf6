"""Frames back as the ROS 2 messages they came as, byte for byte, and sampled clouds as PointCloud2. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from saltwell.contracts.columns import Float64s, f64, i64
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
from saltwell.messages.cloud import PointCloud2
from saltwell.messages.cloud_points import unpack_points
from saltwell.messages.image import CompressedImage, Image
from saltwell.messages.joint_block import encode_joint_block
from saltwell.messages.motion import Imu, PoseStamped

_FLOAT32, _INT32 = 7, 5
_SAMPLED_FIELDS = (("x", _FLOAT32), ("y", _FLOAT32), ("z", _FLOAT32), ("intensity", _FLOAT32), ("count", _INT32))
_SAMPLED = np.dtype([("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("intensity", "<f4"), ("count", "<i4")])


@dataclass(frozen=True, slots=True)
class FrameMessage:
    """One frame's message, with its number and times."""

    seq: int
    captured_ns: int
    arrived_ns: int
    data: bytes


def frame_messages(record: Any) -> Iterator[FrameMessage]:
    """The messages of a record of a `frames.*` topic, in its order; MalformedMessage when they can't be written."""
    match record:
        case ImageFrame():
            yield FrameMessage(record.seq, record.captured_ns, record.arrived_ns, _image(record))
        case CloudFrame():
            yield FrameMessage(record.seq, record.captured_ns, record.arrived_ns, _cloud(record))
        case MessageFrame():
            yield FrameMessage(record.seq, record.captured_ns, record.arrived_ns, record.payload)
        case JointBlock() | PoseBlock() | ImuBlock():
            times = (i64(c).tolist() for c in (record.seq, record.captured_ns, record.arrived_ns))
            messages = _joints(record) if isinstance(record, JointBlock) else _rows(record)
            for seq, captured_ns, arrived_ns, data in zip(*times, messages, strict=True):
                yield FrameMessage(seq, captured_ns, arrived_ns, data)


def frame_names(record: Any) -> Iterator[FrameMessage]:
    """Numbers and times of a record's frames, without their messages: of one that can't be written as such."""
    if isinstance(record, JointBlock | PoseBlock | ImuBlock):
        times = (i64(c).tolist() for c in (record.seq, record.captured_ns, record.arrived_ns))
        for seq, captured_ns, arrived_ns in zip(*times, strict=True):
            yield FrameMessage(seq, captured_ns, arrived_ns, b"")
    else:
        yield FrameMessage(record.seq, record.captured_ns, record.arrived_ns, b"")


def sampled_message(cloud: SampledCloud) -> bytes:
    """A sampled cloud as PointCloud2 with x, y, z, intensity (0 = none) and count; UnreadablePoints when it is none."""
    sampled = unpack_points(cloud)
    points = np.zeros(len(sampled.xyz), _SAMPLED)
    points["x"], points["y"], points["z"] = sampled.xyz.T
    if sampled.intensity is not None:
        points["intensity"] = sampled.intensity
    points["count"] = sampled.count
    return PointCloud2(
        stamp_ns=cloud.captured_ns,
        frame_id=cloud.frame_id,
        height=1,
        width=len(points),
        fields=tuple(PointField(name, 4 * i, kind, 1) for i, (name, kind) in enumerate(_SAMPLED_FIELDS)),
        big_endian=False,
        point_step=_SAMPLED.itemsize,
        row_step=_SAMPLED.itemsize * len(points),
        data=points.tobytes(),
        dense=True,
    ).encode()


def _image(frame: ImageFrame) -> bytes:
    if frame.compressed:
        return CompressedImage(frame.captured_ns, frame.frame_id, frame.encoding, frame.payload).encode()
    return Image(
        frame.captured_ns,
        frame.frame_id,
        frame.height,
        frame.width,
        frame.encoding,
        frame.big_endian,
        frame.step,
        frame.payload,
    ).encode()


def _cloud(frame: CloudFrame) -> bytes:
    return PointCloud2(
        stamp_ns=frame.captured_ns,
        frame_id=frame.frame_id,
        height=frame.height,
        width=frame.width,
        fields=tuple(frame.fields),
        big_endian=frame.big_endian,
        point_step=frame.point_step,
        row_step=frame.row_step,
        data=frame.payload,
        dense=frame.dense,
        padding=frame.padding,
    ).encode()


def _joints(block: JointBlock) -> list[bytes]:
    stamps_ns = i64(block.captured_ns)

    def of(column: bytes) -> Float64s:
        return f64(column).reshape(len(stamps_ns), -1)

    return encode_joint_block(
        frame_id=block.frame_id,
        names=block.names,
        stamps_ns=stamps_ns,
        position=of(block.position_rad),
        velocity=of(block.velocity_rad_s),
        effort=of(block.torque_nm),
    )


def _rows(block: PoseBlock | ImuBlock) -> Iterator[bytes]:
    stamps_ns = i64(block.captured_ns).tolist()
    orientation = f64(block.orientation_xyzw, 4)
    if isinstance(block, PoseBlock):
        for stamp_ns, position, xyzw in zip(stamps_ns, f64(block.position_m, 3), orientation, strict=True):
            yield PoseStamped(stamp_ns, block.frame_id, position, xyzw).encode()
        return
    columns = (orientation, f64(block.angular_velocity_rad_s, 3), f64(block.acceleration_m_s2, 3))
    for stamp_ns, xyzw, turn, push, covariance in zip(stamps_ns, *columns, f64(block.covariances, 27), strict=True):
        yield Imu(
            stamp_ns, block.frame_id, xyzw, covariance[:9], turn, covariance[9:18], push, covariance[18:]
        ).encode()
