"""One episode on its way into the store: takes what the log holds of it, in any interleaving of topics.

Frames go to the archive as they come. Steps, scores and sampled clouds wait for the end: only then it is known
which frames can't be read and how a sensor's clock stands to the site's. They are small (under 1 MB a second).
"""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, BinaryIO

from saltwell.contracts.checks import SAMPLED_END
from saltwell.contracts.columns import i64
from saltwell.contracts.frames import JointBlock, SampledCloud
from saltwell.contracts.identity import StreamKind
from saltwell.contracts.results import (
    AlignmentBlock,
    AlignmentEnded,
    ScoreBlock,
    StreamLedger,
    UnreadableFrame,
    Verdict,
)
from saltwell.contracts.timeline import EpisodeStarted, StreamDeclared, StreamEnded
from saltwell.contracts.topics import BY_NAME, SAMPLED_KINDS, frame_topic
from saltwell.errors import SkipRecordError
from saltwell.ledger import stream_ledger
from saltwell.messages.checks import check_cloud, check_image
from saltwell.messages.definitions import POINT_CLOUD_2
from saltwell.metrics import DUPLICATES
from sinks.episodes.annotations import (
    add_annotations,
    alignment_annotations,
    declare_annotations,
    ledger_annotation,
    score_annotations,
    since_1970_ns,
    verdict_annotation,
)
from sinks.episodes.archive import EpisodeArchive
from sinks.episodes.evidence import add_evidence, declare_evidence
from sinks.episodes.manifest import Manifest, manifest_of, provenance_of
from sinks.episodes.messages import FrameMessage, frame_messages, frame_names, sampled_message
from sinks.episodes.peaks import TorquePeaks, declare_peaks

_ALREADY_COMPRESSED = "CompressedImage"
_PER_FRAME_KINDS = frozenset({"color", "depth", "cloud"})
_PART = "episodes"


class EpisodeInProgress:
    """Collects one episode; `is_complete` says when nothing more can come."""

    def __init__(self, scratch: Path) -> None:
        self._archive = EpisodeArchive(scratch)
        self._started: EpisodeStarted | None = None
        self._kinds: dict[str, StreamKind] = {}
        self.stopped_ms: int | None = None
        self.judged_ms: int | None = None
        self._seen: dict[str, set[int]] = {}
        self._unreadable: dict[str, list[UnreadableFrame]] = {}
        self._duplicates: dict[str, int] = {}
        self._ended: dict[str, dict[str, StreamEnded]] = {"frames": {}, "scores": {}, "clouds": {}}
        self._peaks = TorquePeaks()
        self._scores: list[ScoreBlock] = []
        self._steps: list[AlignmentBlock] = []
        self._sampled: dict[tuple[str, int], SampledCloud] = {}
        self._alignment: AlignmentEnded | None = None
        self._verdict: Verdict | None = None

    def start(self, started: EpisodeStarted) -> None:
        """The timeline says which streams there are."""
        if self._started is not None:
            return
        self._started = started
        self._kinds = {stream.name: stream.kind for stream in started.streams}
        for stream in started.streams:
            self._declare(stream)
        declare_annotations(self._archive)
        declare_evidence(self._archive)
        declare_peaks(self._archive)

    def stop(self, *, at_ms: int) -> None:
        """The timeline is at its end; the log learned of it at `at_ms`."""
        self.stopped_ms = at_ms

    def judge(self, verdict: Verdict, *, at_ms: int) -> None:
        """The verdict is here; the log learned of it at `at_ms`."""
        self._verdict, self.judged_ms = verdict, at_ms

    def take(self, record: Any) -> None:
        """Take a frame, a score, a sampled cloud or a step."""
        match record:
            case ScoreBlock():
                self._scores.append(record)
            case SampledCloud():
                self._take_sampled(record)
            case AlignmentEnded():
                self._alignment = record
            case AlignmentBlock():
                self._steps.append(record)
            case _:
                self._take_frames(record)

    def end_stream(self, ended: StreamEnded, *, of: str) -> None:
        """A stream is complete in the topics of its `frames`, `scores` or `clouds`."""
        if self._kinds.get(ended.stream) != ended.kind:
            raise SkipRecordError(f"{ended.stream} is not declared as {ended.kind}")
        self._ended[of][ended.stream] = ended

    def is_complete(self) -> bool:
        """Whether everything that belongs to the episode is here."""
        if self._started is None or self.stopped_ms is None or self._alignment is None:
            return False
        if self._verdict is None and not self.is_discarded():
            return False
        names = self._kinds.keys()
        clouds = self._streams_of_kinds(SAMPLED_KINDS)
        return (
            names <= self._ended["frames"].keys()
            and names <= self._ended["scores"].keys()
            and clouds <= self._ended["clouds"].keys()
        )

    def is_discarded(self) -> bool:
        """Whether the operator threw the episode away."""
        return self._alignment is not None and self._alignment.ending == "discarded"

    def finish(self, archive: BinaryIO) -> Manifest:
        """Write the MCAP file into an empty file; gives the manifest. Call when complete, once."""
        started, alignment, verdict = self._started, self._alignment, self._verdict
        if started is None or alignment is None or verdict is None:
            raise ValueError("not complete")
        ledgers = [*self._ledgers()]
        self._annotate(alignment, verdict, ledgers)
        identity = {"site": started.site, "robot": started.robot, "episode": started.episode, "task": started.task}
        summary = self._archive.finish(archive, {"saltwell": identity, "source": started.source})
        return manifest_of(
            alignment,
            verdict,
            ledgers=ledgers,
            unreadable=self._unreadable,
            archive=summary,
            provenance=provenance_of(started.source, [EpisodeStarted, StreamEnded, AlignmentEnded, Verdict]),
        )

    def discard(self) -> None:
        """Give the scratch space back."""
        self._archive.discard()

    def _declare(self, stream: StreamDeclared) -> None:
        self._archive.declare(
            stream.name,
            schema_name=stream.message_type,
            schema_encoding=stream.schema_encoding,
            schema=stream.schema,
            message_encoding=stream.message_encoding,
            metadata=stream.metadata,
            compress=not stream.message_type.endswith(_ALREADY_COMPRESSED),
        )
        if stream.kind in SAMPLED_KINDS:
            self._archive.declare(
                sampled_name(stream.name),
                schema_name="sensor_msgs/msg/PointCloud2",
                schema_encoding="ros2msg",
                schema=POINT_CLOUD_2,
                message_encoding="cdr",
                metadata={},
                compress=True,
                even_empty=stream.kind == "cloud",  # few depth streams are made clouds
            )

    def _take_sampled(self, cloud: SampledCloud) -> None:
        """Keep a cloud, packed as it is; SkipRecordError for one that could not be written at the end."""
        if cloud.stream not in self._streams_of_kinds(SAMPLED_KINDS):
            raise SkipRecordError(f"{cloud.stream} is no stream of clouds or depth images")
        sampled_message(cloud)
        self._sampled.setdefault((cloud.stream, cloud.seq), cloud)

    def _streams_of_kinds(self, kinds: AbstractSet[StreamKind]) -> set[str]:
        return {name for name, kind in self._kinds.items() if kind in kinds}

    def _take_frames(self, record: Any) -> None:
        kind = self._kinds.get(record.stream)
        if kind is None or type(record) not in BY_NAME[frame_topic(kind)].records:
            raise SkipRecordError(f"{record.stream} is not declared as a stream of {type(record).__name__}")
        seen = self._seen.setdefault(record.stream, set())
        messages, unreadable = _messages(record)
        if isinstance(record, JointBlock) and not unreadable:
            self._peaks.add(record)
        for message in messages:
            if message.seq in seen:
                DUPLICATES.labels(_PART).inc()
                self._duplicates[record.stream] = self._duplicates.get(record.stream, 0) + 1
                continue
            seen.add(message.seq)
            why = unreadable or self._write(record.stream, message)
            if why:
                named = UnreadableFrame(message.seq, message.captured_ns, why)
                self._unreadable.setdefault(record.stream, []).append(named)

    def _write(self, stream: str, message: FrameMessage) -> str:
        """Put a frame into the archive; gives why it can't stand there (an absurd time), or nothing."""
        try:
            self._archive.add(
                stream,
                message.data,
                log_time_ns=message.arrived_ns,
                publish_time_ns=message.captured_ns,
                sequence=message.seq,
            )
        except SkipRecordError as error:
            return str(error)
        return ""

    def _ledgers(self) -> Iterator[StreamLedger]:
        for name, ended in sorted(self._ended["frames"].items()):
            yield stream_ledger(
                ended,
                seen=self._seen.get(name, set()),
                unreadable=self._unreadable_numbers(name),
                duplicates=self._duplicates.get(name, 0),
            )

    def _unreadable_numbers(self, stream: str) -> set[int]:
        return {frame.seq for frame in self._unreadable.get(stream, ())}

    def _annotate(self, alignment: AlignmentEnded, verdict: Verdict, ledgers: list[StreamLedger]) -> None:
        present = {name: seen - self._unreadable_numbers(name) for name, seen in self._seen.items()}
        for steps in self._steps:
            add_annotations(self._archive, alignment_annotations(steps, present=present))
        add_annotations(self._archive, self._peaks.annotations(self._steps))
        offsets = {timing.stream: timing.clock_offset_ns for timing in alignment.streams}
        for block in self._scores:
            if block.kind in _PER_FRAME_KINDS and i64(block.seq).size:
                add_annotations(self._archive, score_annotations(block, clock_offset_ns=offsets.get(block.stream, 0)))
        for (stream, seq), cloud in sorted(self._sampled.items()):
            if seq not in present.get(stream, ()):
                continue
            self._archive.add(
                sampled_name(stream),
                sampled_message(cloud),
                log_time_ns=since_1970_ns(cloud.captured_ns + offsets.get(stream, 0)),
                publish_time_ns=since_1970_ns(cloud.captured_ns),
                sequence=seq,
            )
        add_evidence(self._archive, self._scores, self._ended["scores"], alignment)
        at_ns = alignment.stopped_ns
        add_annotations(
            self._archive, [verdict_annotation(verdict, at_ns=at_ns), ledger_annotation(ledgers, at_ns=at_ns)]
        )


def sampled_name(stream: str) -> str:
    """Name of a cloud stream's sampled form in the archive."""
    return stream + SAMPLED_END


def _messages(record: Any) -> tuple[list[FrameMessage], str]:
    """The frames of a record, and why they can't be read, or nothing; the scorer asks the same and sets them aside."""
    try:
        if hasattr(record, "compressed"):
            check_image(record)
        elif hasattr(record, "point_step"):
            check_cloud(record)
        return [*frame_messages(record)], ""
    except SkipRecordError as error:
        return [*frame_names(record)], str(error)
