"""Metrics of one stream's frames by its kind: from a record to rows of numbers. Pure."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from processors.score.cloud import METRICS as CLOUD_METRICS
from processors.score.cloud import score_cloud
from processors.score.cloud_shape import cloud_shape
from processors.score.depth import METRICS as DEPTH_METRICS
from processors.score.depth import DepthScorer
from processors.score.flow import LABELS as FLOW_LABELS
from processors.score.flow import FlowMeter
from processors.score.held import METRICS as HELD_METRICS
from processors.score.held import HeldScorer
from processors.score.image import METRICS as IMAGE_METRICS
from processors.score.image import ImageScorer
from processors.score.limits import METRICS as LIMIT_METRICS
from processors.score.limits import Limits, LimitScorer
from processors.score.motion import METRICS as MOTION_METRICS
from processors.score.motion import MotionScorer, UnusableBlockError
from processors.score.pose import METRICS as POSE_METRICS
from processors.score.pose import PoseScorer
from processors.score.settings import ScoreSettings
from processors.score.tracer import POSE_LABELS, Tracer
from saltwell.contracts.columns import Float64s, f64, i64
from saltwell.contracts.frames import CloudFrame, ImageFrame, ImuBlock, JointBlock, MessageFrame, PoseBlock
from saltwell.contracts.identity import StreamKind
from saltwell.errors import SkipRecordError
from saltwell.messages.checks import check_cloud, check_image
from saltwell.messages.cloud_layout import xyz

Row = Mapping[str, float]

REPEAT = "repeat"
"""1 when the payload is that of the frame before, byte for byte; else 0."""

UNDECODABLE = "undecodable"
"""1 when the frame is whole by its structure and yet can't be decoded; else 0."""

_NS = 1_000_000_000
_EARLY = 0.05  # of the time between dear frames: stamps are rounded, and jitter
_NOTHING: Row = {}


class FrameScorer(Protocol):
    """Scores the records of one stream, in order. `tracer`: how the stream moved."""

    tracer: Tracer

    def check(self, record: Any) -> None:
        """Raise UnreadableFrame when the record can't be read at all."""

    def rows(self, record: Any) -> Sequence[Row]:
        """A row of metrics for each frame in the record; a missing metric = not measured."""


def scorer_of(kind: StreamKind, settings: ScoreSettings) -> FrameScorer:
    """The scorer for a kind of stream."""
    match kind:
        case "color":
            return _Images(ImageScorer(), IMAGE_METRICS, dear_hz=settings.dear_hz)
        case "depth":
            return _Images(DepthScorer(), DEPTH_METRICS, dear_hz=settings.dear_hz)
        case "cloud":
            return _Clouds(shape_hz=settings.shape_hz)
        case "joints":
            return _Joints(settings.limits)
        case "pose":
            return _Poses()
        case _:
            return _Counted()


class _Repeats:
    """Whether a payload is that of the frame before: a comparison of bytes ends at the first that differ."""

    def __init__(self) -> None:
        self._previous: bytes | None = None

    def see(self, payload: bytes) -> float:
        repeated = payload == self._previous
        self._previous = payload
        return float(repeated)


class _Rate:
    """Picks frames for what is too dear for all of them: the first one, then so many a second on average."""

    def __init__(self, hz: float) -> None:
        self._every_ns = _NS / hz
        self._next_ns: float | None = None

    def picks(self, captured_ns: int) -> bool:
        """Whether this frame is one; after a jump of the clock it is."""
        ahead_ns = None if self._next_ns is None else self._next_ns - captured_ns
        if ahead_ns is None or abs(ahead_ns) > 2 * self._every_ns:
            self._next_ns = captured_ns + self._every_ns
            return True
        if ahead_ns > _EARLY * self._every_ns:
            return False
        self._next_ns = captured_ns + ahead_ns + self._every_ns
        return True


class _Images:
    def __init__(self, scorer: ImageScorer | DepthScorer, metrics: tuple[str, ...], *, dear_hz: float) -> None:
        self._scorer = scorer
        self._metrics = metrics
        self._dear = _Rate(dear_hz)
        self._repeats = _Repeats()
        self._flow = FlowMeter()
        self.tracer = Tracer()

    def check(self, record: ImageFrame) -> None:
        check_image(record)

    def rows(self, record: ImageFrame) -> Sequence[Row]:
        repeat = self._repeats.see(record.payload)
        order: dict[str, Any] = {"big_endian": record.big_endian} if isinstance(self._scorer, DepthScorer) else {}
        try:
            score = self._scorer.score(
                record.payload,
                encoding=record.encoding,
                width=record.width,
                height=record.height,
                step=record.step,
                dear=self._dear.picks(record.captured_ns),
                **order,
            )
        except SkipRecordError:
            return [{UNDECODABLE: 1.0, REPEAT: repeat}]
        self._follow(record.captured_ns)
        return [{**_named(score, self._metrics), UNDECODABLE: 0.0, REPEAT: repeat}]

    def _follow(self, captured_ns: int) -> None:
        grey = self._scorer.grey if isinstance(self._scorer, ImageScorer) else None
        if grey is None or not self.tracer.wants(captured_ns):
            return
        flow = self._flow.see(grey)
        if flow is not None:
            self.tracer.add(FLOW_LABELS, np.array([captured_ns]), flow[np.newaxis])


class _Clouds:
    def __init__(self, *, shape_hz: float) -> None:
        self.tracer = Tracer()
        self._repeats = _Repeats()
        self._shape = _Rate(shape_hz)

    def check(self, record: CloudFrame) -> None:
        check_cloud(record)

    def rows(self, record: CloudFrame) -> Sequence[Row]:
        repeat = self._repeats.see(record.payload)
        points = xyz(record)
        shape = cloud_shape(points) if self._shape.picks(record.captured_ns) else {}
        return [{**_named(score_cloud(points), CLOUD_METRICS), **shape, REPEAT: repeat}]


class _Joints:
    def __init__(self, limits: Mapping[str, Limits]) -> None:
        self._motion = MotionScorer()
        self._held = HeldScorer()
        self._limits = LimitScorer(limits)
        self.tracer = Tracer()

    def check(self, record: JointBlock) -> None:
        """Lengths were checked where the block was made."""

    def rows(self, record: JointBlock) -> Sequence[Row]:
        """What a block comes to stands at its last sample; the others carry nothing."""
        captured_ns = i64(record.captured_ns)
        n, joints = len(captured_ns), len(record.names)
        columns = [_matrix(c, n) for c in (record.position_rad, record.velocity_rad_s, record.torque_nm)]
        row = {"joints": float(joints), "mismatched": float(n * any(c.shape[1] not in {0, joints} for c in columns))}
        try:
            row |= _named(self._motion.score(captured_ns, *columns), MOTION_METRICS)
            row |= _named(self._held.score(captured_ns, *columns), HELD_METRICS)
            row |= _named(self._limits.score(record.names, captured_ns, columns[0], columns[2]), LIMIT_METRICS)
        except UnusableBlockError:
            row["mismatched"] = float(n)
        self.tracer.add(record.names or [str(joint) for joint in range(columns[0].shape[1])], captured_ns, columns[0])
        return [*([_NOTHING] * (n - 1)), row]


class _Poses:
    def __init__(self) -> None:
        self._scorer = PoseScorer()
        self.tracer = Tracer()

    def check(self, record: PoseBlock) -> None:
        """Lengths were checked where the block was made."""

    def rows(self, record: PoseBlock) -> Sequence[Row]:
        """What a block comes to stands at its last pose."""
        captured_ns = i64(record.captured_ns)
        n = len(captured_ns)
        columns = [f64(c).reshape(n, -1) for c in (record.position_m, record.orientation_xyzw)]
        score = self._scorer.score(captured_ns, *columns)
        self.tracer.add(POSE_LABELS, captured_ns, np.hstack(columns))
        return [*([_NOTHING] * (n - 1)), _named(score, POSE_METRICS)]


class _Counted:
    """Frames whose values have no metrics yet: they are counted, so that the ledger is whole."""

    def __init__(self) -> None:
        self.tracer = Tracer()

    def check(self, record: ImuBlock | MessageFrame) -> None:
        """Nothing can be wrong with them by structure."""

    def rows(self, record: ImuBlock | MessageFrame) -> Sequence[Row]:
        n = 1 if isinstance(record, MessageFrame) else len(i64(record.captured_ns))
        return [_NOTHING] * n


def _matrix(column: bytes, rows: int) -> Float64s:
    """(rows, j), or (rows, 0) when not given."""
    return f64(column).reshape(rows, -1) if column and rows else np.empty((rows, 0))


def _named(score: Any, metrics: tuple[str, ...]) -> Row:
    return {name: value for name in metrics if not math.isnan(value := float(getattr(score, name)))}
