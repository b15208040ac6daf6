"""The steps of one episode: anchored on a camera, out on a watermark or a deadline. Pure."""

from collections.abc import Iterator, Sequence

from processors.synchronize.matching import Match, is_final, match
from processors.synchronize.timing import stream_timing
from processors.synchronize.track import Track
from saltwell.contracts.columns import i64, pack_i64
from saltwell.contracts.results import AlignmentBlock, AlignmentEnded, StreamMatch
from saltwell.contracts.timeline import (
    NOT_THE_ROBOT,
    EpisodeAborted,
    EpisodeStarted,
    FramesIndexed,
    StreamDeclared,
    StreamEnded,
)
from saltwell.ledger import end_of_stream

DEADLINE_NS = 150_000_000
"""A step goes out at the latest this long after its anchor frame arrived, by the edge clock (facts, section 2)."""

FIXED_RATE_NS = 33_333_333
"""Distance of steps where no camera can anchor them."""

_NO_ARRIVAL_NS = -1


class EpisodeSteps:
    """Takes one episode's timeline, gives blocks of steps."""

    def __init__(self, started: EpisodeStarted) -> None:
        self._started = started
        self._tracks = {s.name: Track(s.name, s.kind, s.match, s.rate_hz) for s in started.streams}
        self._anchor = started.anchor or choose_anchor(started.streams)
        self._pending: list[tuple[int, int]] = []  # step times and when their anchor frame arrived
        self._through_ns = started.started_ns
        self._grid_ns: int | None = None
        self._matches: dict[str, list[Match]] = {name: [] for name in self._tracks}
        self._steps = 0

    def index(self, event: FramesIndexed) -> Iterator[AlignmentBlock]:
        """Take newly arrived frames; give the steps that are final."""
        for block in event.streams:
            track = self._tracks.setdefault(block.stream, Track(block.stream, "other", "hold", 0.0))
            self._matches.setdefault(block.stream, [])
            captured, arrived = i64(block.captured_ns), i64(block.arrived_ns)
            fresh = [i for i, seq in enumerate(i64(block.seq).tolist()) if seq not in track.seen]
            track.add(i64(block.seq), captured, arrived, clock_offset_ns=block.clock_offset_ns)
            if block.stream == self._anchor:
                self._pending += [(int(captured[i]) + block.clock_offset_ns, int(arrived[i])) for i in fresh]
                self._pending.sort()
        self._through_ns = event.through_ns
        yield from self._emit(everything=False)

    def end_stream(self, stream: str) -> None:
        """No more frames of this stream."""
        if stream in self._tracks:
            self._tracks[stream].ended = True

    def end(
        self, *, stopped_ns: int, ending: str, reason: str = "", success: bool | None = None
    ) -> Iterator[AlignmentBlock | AlignmentEnded]:
        """Give the remaining steps and the report."""
        yield from self._emit(everything=True)
        started = self._started
        yield AlignmentEnded(
            site=started.site,
            robot=started.robot,
            episode=started.episode,
            anchor=self._anchor,
            steps=self._steps,
            started_ns=started.started_ns,
            stopped_ns=stopped_ns,
            task=started.task,
            ending=ending,
            reason=reason,
            success=success,
            streams=[stream_timing(track, self._matches[name]) for name, track in sorted(self._tracks.items())],
        )

    def end_silent(self, reason: str) -> Iterator[StreamEnded | EpisodeAborted]:
        """The end of the episode in its robot's place: of each stream still open, then of the episode."""
        for stream in self._started.streams:
            track = self._tracks[stream.name]
            if not track.ended:
                yield end_of_stream(self._started, track.name, track.kind, track.seen, ordinal=NOT_THE_ROBOT)
        started = self._started
        yield EpisodeAborted(started.site, started.robot, started.episode, NOT_THE_ROBOT, self._through_ns, reason)

    def _emit(self, *, everything: bool) -> Iterator[AlignmentBlock]:
        if not self._anchor:
            self._grow_grid(everything=everything)
        ready = 0
        for t_ref_ns, arrived_ns in self._pending:
            if not (everything or self._is_due(t_ref_ns, arrived_ns)):
                break
            ready += 1
        if ready:
            times = [t for t, _ in self._pending[:ready]]
            del self._pending[:ready]
            yield self._block(times)

    def _is_due(self, t_ref_ns: int, arrived_ns: int) -> bool:
        if arrived_ns != _NO_ARRIVAL_NS and self._through_ns >= arrived_ns + DEADLINE_NS:
            return True
        return all(is_final(track, t_ref_ns) for track in self._tracks.values() if track.match != "hold" or track.seqs)

    def _grow_grid(self, *, everything: bool) -> None:
        """Steps at a fixed rate, from the first frame to the latest one that every living stream has passed."""
        marks = [m for t in self._tracks.values() if t.match != "hold" and (m := t.watermark_ns()) is not None]
        if not marks:
            return
        if self._grid_ns is None:
            self._grid_ns = min(t.times_ns[0] for t in self._tracks.values() if t.times_ns)
        until = max(marks) if everything else min(marks)
        while self._grid_ns <= until:
            self._pending.append((self._grid_ns, _NO_ARRIVAL_NS))
            self._grid_ns += FIXED_RATE_NS

    def _block(self, times_ns: list[int]) -> AlignmentBlock:
        first, self._steps = self._steps, self._steps + len(times_ns)
        streams = []
        for name, track in sorted(self._tracks.items()):
            matches = [match(track, t) for t in times_ns]
            self._matches[name] += matches
            streams.append(_column(name, matches))
        started = self._started
        return AlignmentBlock(started.site, started.robot, started.episode, first, pack_i64(times_ns), streams)


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
