"""The steps of one episode: anchored on a camera, out on a watermark or a deadline. Pure."""

import itertools
import struct
from collections.abc import Iterable, Iterator, Sequence

from processors.synchronize.grid import Grid
from processors.synchronize.matching import Match
from processors.synchronize.policy import Policies
from processors.synchronize.steps import Steps, Waiting
from processors.synchronize.timing import stream_timing
from processors.synchronize.track import Frame, Track
from saltwell.contracts.columns import pack_i64
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

_INT64_BYTES = 8
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
        frames.sort()
        steps, tracks = self._steps, self._tracks
        for frame in frames:
            arrived_ns, stream = frame[:2]
            if steps.due_ns < arrived_ns:
                steps.pass_time(arrived_ns)
            if tracks[stream].add(frame, emitted_ns=steps.emitted_ns):
                if stream == self._anchor or not self._anchor:
                    self._push(frame)
                steps.arrived(stream, arrived_ns)
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

    def _frames(self, block: StreamIndex) -> Iterable[Frame]:
        seqs, captured, arrived = _columns(block)
        self._tracks[block.stream].clock.tell(block, len(seqs))
        offset_ns = block.clock_offset_ns
        site = [max(-_FARTHEST_NS, min(_FARTHEST_NS, stamp_ns + offset_ns)) for stamp_ns in captured]
        return zip(arrived, itertools.repeat(block.stream), seqs, site, captured)

    def _push(self, frame: Frame) -> None:
        """The steps that a frame brings."""
        arrived_ns, stream, seq, site_ns, _ = frame
        track = self._tracks[stream]
        if stream == self._anchor:
            follows = seq == 0 or seq - 1 in track.seen
            self._steps.push(Waiting(site_ns, arrived_ns, arrived_ns + (0 if follows else track.policy.reorder_ns)))
        elif track.policy.match != "hold":
            for t_ref_ns in self._grid.until(site_ns):
                self._steps.push(Waiting(t_ref_ns, arrived_ns, arrived_ns))

    def _blocks(self) -> Iterator[AlignmentBlock]:
        taken = self._steps.take()
        if not taken:
            return
        started = self._started
        times_ns = [t_ref_ns for t_ref_ns, _ in taken]
        streams = [_column(track.name, [found[i] for _, found in taken]) for i, track in enumerate(self._steps.tracks)]
        first = self._steps.count - len(taken)
        yield AlignmentBlock(started.site, started.robot, started.episode, first, pack_i64(times_ns), streams)


def _columns(block: StreamIndex) -> tuple[Sequence[int], Sequence[int], Sequence[int]]:
    """Numbers, stamps and arrivals; SkipRecordError when they do not fit together."""
    count, left = divmod(len(block.seq), _INT64_BYTES)
    if left or not len(block.seq) == len(block.captured_ns) == len(block.arrived_ns):
        raise SkipRecordError(f"the index of {block.stream} has columns that do not fit")
    int64s = struct.Struct(f"<{count}q")
    seqs = int64s.unpack(block.seq)
    if count and min(seqs) < 0:
        raise SkipRecordError(f"the index of {block.stream} has the number {min(seqs)}")
    return seqs, int64s.unpack(block.captured_ns), int64s.unpack(block.arrived_ns)


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
    kinds, *columns = zip(*matches, strict=True)
    int64s = struct.Struct(f"<{len(matches)}q")  # a tenth of what arrays cost for so few
    return StreamMatch(stream, bytes(kinds), *(int64s.pack(*column) for column in columns))
