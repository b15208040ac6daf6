"""The steps of one episode: anchored on a camera, out on a watermark or a deadline. Pure."""

from collections.abc import Iterator, Sequence

from processors.synchronize.grid import Grid
from processors.synchronize.matching import Match
from processors.synchronize.policy import Policies
from processors.synchronize.steps import Steps, Waiting
from processors.synchronize.timing import stream_timing
from processors.synchronize.track import Frame, Track
from saltwell.contracts.columns import i64, pack_i64
from saltwell.contracts.results import AlignmentBlock, AlignmentEnded, StreamMatch
from saltwell.contracts.timeline import (
    NOT_THE_ROBOT,
    EpisodeAborted,
    EpisodeStarted,
    FramesIndexed,
    StreamDeclared,
    StreamEnded,
    StreamIndex,
)
from saltwell.errors import SkipRecordError
from saltwell.ledger import end_of_stream

_FARTHEST_NS = 2**62
"""Site times stay so near 0 that their differences are int64."""


class EpisodeSteps:
    """Takes one episode's timeline, gives blocks of steps."""

    def __init__(self, started: EpisodeStarted, policies: Policies | None = None) -> None:
        policies = policies or Policies()
        self._started = started
        self._tracks = {s.name: Track(s.name, s.kind, policies.of(s), s.rate_hz) for s in started.streams}
        self._anchor = _anchor(started, policies)
        self._grid = Grid(started.started_ns, policies.rate_hz)
        self._steps = Steps([*self._tracks.values()], deadline_ns=policies.deadline_ns)
        self._through_ns = started.started_ns

    def index(self, event: FramesIndexed) -> Iterator[AlignmentBlock]:
        """Take newly arrived frames; give the steps that are final."""
        frames = [frame for block in event.streams if block.stream in self._tracks for frame in self._frames(block)]
        for frame in sorted(frames):
            self._steps.pass_time(frame.arrived_ns)
            if self._tracks[frame.stream].add(frame, emitted_ns=self._steps.emitted_ns):
                self._push(frame)
                self._steps.arrived(frame)
        self._through_ns = event.through_ns
        self._steps.pass_time(event.through_ns)
        yield from self._blocks()

    def end_stream(self, stream: str) -> None:
        """No more frames of this stream."""
        if stream in self._tracks:
            self._tracks[stream].ended = True

    def end(
        self, *, stopped_ns: int, ending: str, reason: str = "", success: bool | None = None
    ) -> Iterator[AlignmentBlock | AlignmentEnded]:
        """Give the remaining steps and the report."""
        self._steps.end(self._through_ns)
        yield from self._blocks()
        started, steps = self._started, self._steps
        hold_p50_ns, hold_p99_ns, hold_max_ns = steps.hold_ns.quantiles([0.5, 0.99, 1.0])
        yield AlignmentEnded(
            site=started.site,
            robot=started.robot,
            episode=started.episode,
            anchor=self._anchor,
            steps=steps.count,
            started_ns=started.started_ns,
            stopped_ns=stopped_ns,
            task=started.task,
            ending=ending,
            reason=reason,
            success=success,
            streams=[stream_timing(*pair) for pair in zip(steps.tracks, steps.tallies, strict=True)],
            complete_steps=steps.complete,
            deadline_steps=steps.at_deadline,
            hold_p50_ns=hold_p50_ns,
            hold_p99_ns=hold_p99_ns,
            hold_max_ns=hold_max_ns,
        )

    def end_silent(self, reason: str) -> Iterator[StreamEnded | EpisodeAborted]:
        """The end of the episode in its robot's place: of each stream still open, then of the episode."""
        for stream in self._started.streams:
            track = self._tracks[stream.name]
            if not track.ended:
                yield end_of_stream(self._started, track.name, track.kind, {*track.seen}, ordinal=NOT_THE_ROBOT)
        started = self._started
        yield EpisodeAborted(started.site, started.robot, started.episode, NOT_THE_ROBOT, self._through_ns, reason)

    def _frames(self, block: StreamIndex) -> Iterator[Frame]:
        seqs, captured, arrived = _columns(block)
        self._tracks[block.stream].clock.tell(block, len(seqs))
        for seq, captured_ns, arrived_ns in zip(seqs, captured, arrived, strict=True):
            site_ns = max(-_FARTHEST_NS, min(_FARTHEST_NS, captured_ns + block.clock_offset_ns))
            yield Frame(arrived_ns, block.stream, seq, site_ns, captured_ns)

    def _push(self, frame: Frame) -> None:
        """The steps that a frame brings."""
        track = self._tracks[frame.stream]
        if frame.stream == self._anchor:
            follows = frame.seq == 0 or frame.seq - 1 in track.seen
            settled_ns = frame.arrived_ns + (0 if follows else track.policy.reorder_ns)
            self._steps.push(Waiting(frame.site_ns, frame.arrived_ns, settled_ns))
        elif not self._anchor and track.policy.match != "hold":
            for t_ref_ns in self._grid.until(frame.site_ns):
                self._steps.push(Waiting(t_ref_ns, frame.arrived_ns, frame.arrived_ns))

    def _blocks(self) -> Iterator[AlignmentBlock]:
        taken = self._steps.take()
        if not taken:
            return
        started = self._started
        times_ns = [t_ref_ns for t_ref_ns, _ in taken]
        streams = [_column(track.name, [found[i] for _, found in taken]) for i, track in enumerate(self._steps.tracks)]
        first = self._steps.count - len(taken)
        yield AlignmentBlock(started.site, started.robot, started.episode, first, pack_i64(times_ns), streams)


def _columns(block: StreamIndex) -> tuple[list[int], list[int], list[int]]:
    """Numbers, stamps and arrivals; SkipRecordError when they do not fit together."""
    try:
        seqs, captured, arrived = i64(block.seq), i64(block.captured_ns), i64(block.arrived_ns)
    except ValueError as error:
        raise SkipRecordError(f"the index of {block.stream} is no column of int64: {error}") from error
    if not seqs.size == captured.size == arrived.size or (seqs < 0).any():
        raise SkipRecordError(f"the index of {block.stream} has columns that do not fit")
    return seqs.tolist(), captured.tolist(), arrived.tolist()


def _anchor(started: EpisodeStarted, policies: Policies) -> str:
    """The configured anchor where the episode has it; a stream of the episode's own choice; else a camera."""
    if policies.anchor is not None and (not policies.anchor or policies.anchor in {s.name for s in started.streams}):
        return policies.anchor
    return started.anchor or choose_anchor(started.streams)


def choose_anchor(streams: Sequence[StreamDeclared]) -> str:
    """The color stream of the highest nominal rate, by name where they are equal; empty without a camera."""
    colors = [s for s in streams if s.kind == "color"]
    return min(colors, key=lambda s: (-round(s.rate_hz), s.name)).name if colors else ""


def _column(stream: str, matches: list[Match]) -> StreamMatch:
    return StreamMatch(
        stream=stream,
        kind=bytes(m.kind for m in matches),
        seq=pack_i64([m.seq for m in matches]),
        seq_next=pack_i64([m.seq_next for m in matches]),
        skew_ns=pack_i64([m.skew_ns for m in matches]),
        span_ns=pack_i64([m.span_ns for m in matches]),
    )
