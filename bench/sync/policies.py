"""How each policy pairs the scenario's frames: a row for each frame of the anchor that it gives out."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bench.sync.approximate_time import ApproximateTime
from bench.sync.scenario import ANCHOR, START_NS, STREAMS, Sent
from processors.synchronize.episode import EpisodeSteps
from processors.synchronize.matching import INTERPOLATED, MISSING
from saltwell.contracts.columns import i64, pack_i64
from saltwell.contracts.results import AlignmentBlock, AlignmentEnded
from saltwell.contracts.timeline import EpisodeStarted, FramesIndexed, StreamDeclared, StreamIndex

BEAT_NS = 100_000_000
_TICK_NS = 33_333_333


@dataclass(frozen=True, slots=True)
class Row:
    """The anchor's capture time, how long it waited (ns), and each other stream's skew (ns); None = no frame."""

    t_ref_ns: int
    hold_ns: int
    skew_ns: Sequence[int | None]


Policy = Callable[[Sequence[Sent]], Iterator[Row]]


def events(frames: Sequence[Sent]) -> Iterator[EpisodeStarted | FramesIndexed]:
    """The timeline that a publisher would write of the frames."""
    declared = [StreamDeclared(s.name, s.kind, s.rate_hz, s.match, "", "cdr", "ros2msg", "", {}) for s in STREAMS]
    yield EpisodeStarted("bench", "robot", "take", 0, START_NS, "", STREAMS[ANCHOR].name, declared, {})
    waiting: list[Sent] = []
    through_ns = START_NS + BEAT_NS
    for ordinal, frame in enumerate((*frames, None)):
        while waiting and (frame is None or frame.arrived_ns >= through_ns):
            yield FramesIndexed("bench", "robot", "take", ordinal + 1, through_ns, [*_blocks(waiting)])
            waiting, through_ns = [], through_ns + BEAT_NS
        if frame is not None:
            waiting.append(frame)


def _blocks(frames: Sequence[Sent]) -> Iterator[StreamIndex]:
    for i, stream in enumerate(STREAMS):
        if rows := [(f.seq, f.captured_ns, f.arrived_ns) for f in frames if f.stream == i]:
            seqs, captured, arrived = zip(*rows, strict=True)
            yield StreamIndex(stream.name, pack_i64(seqs), pack_i64(captured), pack_i64(arrived))


def saltwell(frames: Sequence[Sent]) -> tuple[list[Row], AlignmentEnded]:
    """The synchronizer, fed as in the pipeline; its rows do not say how long each waited, its report does."""
    first, *rest = events(frames)
    if not isinstance(first, EpisodeStarted):
        raise TypeError("a timeline begins with EpisodeStarted")
    steps = EpisodeSteps(first)
    out = [record for event in rest if isinstance(event, FramesIndexed) for record in steps.index(event)]
    ended: list[AlignmentBlock | AlignmentEnded] = [*steps.end(stopped_ns=frames[-1].arrived_ns, ending="stopped")]
    report = ended.pop()
    if not isinstance(report, AlignmentEnded):
        raise TypeError("a synchronizer ends with AlignmentEnded")
    rows = [row for block in (*out, *ended) if isinstance(block, AlignmentBlock) for row in _rows(block)]
    return rows, report


def _rows(block: AlignmentBlock) -> Iterator[Row]:
    columns = {m.stream: (m.kind, i64(m.skew_ns).tolist()) for m in block.streams}
    for k, t_ref_ns in enumerate(i64(block.t_ref_ns).tolist()):
        found = [columns[s.name] for s in STREAMS[1:]]
        skews = [None if kind[k] == MISSING else 0 if kind[k] == INTERPOLATED else skew[k] for kind, skew in found]
        yield Row(t_ref_ns, 0, skews)


def approximate_time(queue: int) -> Policy:
    """ROS's policy with a queue of so many."""

    def rows(frames: Sequence[Sent]) -> Iterator[Row]:
        policy = ApproximateTime(len(STREAMS), queue=queue)
        arrived = {f.captured_ns: f.arrived_ns for f in frames if f.stream == ANCHOR}
        for frame in frames:
            for found in policy.add(frame.stream, frame.captured_ns):
                t_ref_ns = found[ANCHOR]
                yield Row(t_ref_ns, frame.arrived_ns - arrived[t_ref_ns], [t - t_ref_ns for t in found[1:]])

    return rows


def latest_at_tick(frames: Sequence[Sent]) -> Iterator[Row]:
    """What a control loop does: at each tick, what arrived last of each stream; the row is stamped with the tick."""
    latest: dict[int, int] = {}
    tick_ns = frames[0].arrived_ns + _TICK_NS
    for frame in frames:
        while frame.arrived_ns > tick_ns:
            if ANCHOR in latest:
                ages = [None if (t := latest.get(i)) is None else t - tick_ns for i in range(1, len(STREAMS))]
                yield Row(latest[ANCHOR], 0, ages)
            tick_ns += _TICK_NS
        latest[frame.stream] = max(frame.captured_ns, latest.get(frame.stream, 0))


def as_of_arrival(frames: Sequence[Sent]) -> Iterator[Row]:
    """A stream join: when the anchor arrives, of each stream what is here and not younger."""
    here: list[list[int]] = [[] for _ in STREAMS]
    for frame in frames:
        here[frame.stream].append(frame.captured_ns)
        if frame.stream == ANCHOR:
            t_ref_ns = frame.captured_ns
            before = [[t for t in times[-200:] if t <= t_ref_ns] for times in here[1:]]
            yield Row(t_ref_ns, 0, [max(times) - t_ref_ns if times else None for times in before])


def covered(rows: Sequence[Row], frames: Sequence[Sent]) -> float:
    """Share of the anchor's frames that are in a row, less the first and the last second."""
    anchors = [f.captured_ns for f in frames if f.stream == ANCHOR]
    inside = {t for t in anchors if anchors[0] + 10**9 <= t <= anchors[-1] - 10**9}
    counted = Counter(row.t_ref_ns for row in rows if None not in row.skew_ns)
    return sum(t in counted for t in inside) / len(inside)
