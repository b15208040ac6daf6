"""What Saltwell made of an episode: scores, alignment, verdict, the finished episode.

The .avsc files beside this module are the truth: units, types and meaning of every field stand there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from saltwell.contracts.identity import Decision, OfEpisode, StreamKind
from saltwell.contracts.timeline import SeqRange


@dataclass(frozen=True, slots=True)
class MetricColumn:
    """One metric over the block's frames."""

    name: str
    values: bytes


@dataclass(frozen=True, slots=True)
class UnreadableFrame:
    """A frame that can't be read."""

    seq: int
    captured_ns: int
    reason: str


@dataclass(frozen=True, slots=True)
class MotionTrace:
    """How a stream moved: samples of one layout, at most 133 a second."""

    labels: Sequence[str]
    captured_ns: bytes
    values: bytes


@dataclass(frozen=True, slots=True)
class ScoreBlock(OfEpisode):
    """Metrics of consecutive frames of one stream."""

    stream: str
    kind: StreamKind
    seq: bytes
    captured_ns: bytes
    metrics: Sequence[MetricColumn]
    unreadable: Sequence[UnreadableFrame]
    duplicates: int
    motion: Sequence[MotionTrace] = ()


@dataclass(frozen=True, slots=True)
class StreamMatch:
    """One stream's match for each of the n steps."""

    stream: str
    kind: bytes
    seq: bytes
    seq_next: bytes
    skew_ns: bytes
    span_ns: bytes
    since_ns: bytes


@dataclass(frozen=True, slots=True)
class AlignmentBlock(OfEpisode):
    """Consecutive steps of an episode: which frames belong together."""

    first_step: int
    t_ref_ns: bytes
    streams: Sequence[StreamMatch]


@dataclass(frozen=True, slots=True)
class StreamTiming:
    """How a stream kept time over an episode."""

    stream: str
    kind: StreamKind
    count: int
    period_ns: float
    jitter_share: float
    longest_gap_ns: int
    longest_gap_from_ns: int
    gaps_over_100_ms: int
    out_of_order: int
    clock_steps: int
    largest_clock_step_ns: int
    clock_step_at_ns: int
    clock_offset_ns: int
    exact: int
    interpolated: int
    held: int
    missing: int
    skew_p50_ns: float
    skew_p95_ns: float
    skew_p99_ns: float
    skew_max_ns: float
    required: bool = True
    dropped: int = 0
    late: int = 0
    duplicates: int = 0
    jitter_sigma_share: float = 0.0
    signed_skew_min_ns: float = 0.0
    signed_skew_p50_ns: float = 0.0
    signed_skew_p95_ns: float = 0.0
    signed_skew_p99_ns: float = 0.0
    signed_skew_max_ns: float = 0.0
    delay_min_ns: float = 0.0
    delay_p50_ns: float = 0.0
    delay_p99_ns: float = 0.0
    delay_max_ns: float = 0.0
    clock_source: str = ""
    clock_rate_ppm: float = 0.0
    clock_residual_ns: int = 0


@dataclass(frozen=True, slots=True)
class AlignmentEnded(OfEpisode):
    """The last step of an episode is out; how each stream kept time."""

    anchor: str
    steps: int
    started_ns: int
    stopped_ns: int
    task: str
    ending: str
    reason: str
    success: bool | None
    streams: Sequence[StreamTiming]
    complete_steps: int = 0
    deadline_steps: int = 0
    hold_p50_ns: float = 0.0
    hold_p99_ns: float = 0.0
    hold_max_ns: float = 0.0


@dataclass(frozen=True, slots=True)
class Reason:
    """One finding against the criteria."""

    code: str
    stream: str
    severity: str
    value: float
    limit: float
    unit: str
    from_ns: int
    to_ns: int
    text: str


@dataclass(frozen=True, slots=True)
class StreamLedger:
    """What became of a stream's frames: sent = written + lost."""

    stream: str
    kind: StreamKind
    sent: int
    written: int
    lost: int
    duplicates: int
    dead: int
    missing: Sequence[SeqRange]


@dataclass(frozen=True, slots=True)
class ContentOffset:
    """What the content of two streams says of their stamps."""

    check: str
    stream: str
    against: str
    part: str
    joints: int
    offset_ns: int
    disagreement_ns: int
    error_ns: int
    confidence: float
    grade: str
    why: str


@dataclass(frozen=True, slots=True)
class Verdict(OfEpisode):
    """Whether an episode is good, with reasons."""

    decision: Decision
    reasons: Sequence[Reason]
    criteria_version: str
    streams: Sequence[StreamLedger]
    content: Sequence[ContentOffset] = ()


@dataclass(frozen=True, slots=True)
class StreamSkew:
    """Absolute skew of a stream's matched steps."""

    stream: str
    p50_ns: float
    p99_ns: float


@dataclass(frozen=True, slots=True)
class EpisodeFinished(OfEpisode):
    """An episode is in the store, whole. Compacted by episode."""

    task: str
    decision: str
    reasons: Sequence[Reason]
    uri: str
    manifest_sha256: str
    bytes: int
    steps: int
    stopped_ns: int
    streams: Sequence[StreamLedger]
    skew: Sequence[StreamSkew]


@dataclass(frozen=True, slots=True)
class Review(OfEpisode):
    """A person's word on an episode; rewrites nothing."""

    reviewer: str
    reviewed_ns: int
    decision: str
    task: str
    note: str


@dataclass(frozen=True, slots=True)
class SetAside:
    """A record that could not be used (topic dead) or came too late (topic late).

    Whole, so that it can be replayed.
    """

    topic: str
    partition: int
    offset: int
    by: str
    reason: str
    robot: str
    episode: str
    stream: str
    seq: int
    key: bytes | None
    value: bytes
