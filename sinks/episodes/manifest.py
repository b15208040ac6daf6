"""manifest.json: everything about an episode but its frames. The same content gives the same bytes."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from itertools import islice
from typing import Any, Literal

from saltwell.contracts.identity import Decision, StreamKind
from saltwell.contracts.results import (
    AlignmentEnded,
    ContentOffset,
    Reason,
    StreamLedger,
    StreamTiming,
    UnreadableFrame,
    Verdict,
)
from saltwell.contracts.schemas import fingerprint_of, record_name
from saltwell.errors import SkipRecordError
from saltwell.ledger import balances
from sinks.episodes.archive import ArchiveSummary
from sinks.episodes.json_text import canonical, parse, typed

FORMAT = "saltwell-episode/1"
"""Changes when a reader of the older form would misread the newer."""

ARCHIVE_NAME = "episode.mcap"

_MOST_FRAMES = 10**15  # a thousand streams at 1 kHz for 30 years; their sum must fit into 64 bits
MAX_MANIFEST_BYTES = 16 * 1024 * 1024

MAX_NAMED = 1000
"""Most unreadable frames of a stream that are explained: a camera that is broken for an hour gives 108,000. The
ledger lists all of them."""

Ending = Literal["stopped", "aborted"]


class BadManifest(SkipRecordError):
    """A manifest that can't be what Saltwell wrote."""


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """One stream of the episode.

    `unreadable` says of the first `MAX_NAMED` frames behind `ledger.dead` what is wrong. `timing` None = the
    synchronizer never saw the stream.
    """

    kind: StreamKind
    ledger: StreamLedger
    unreadable: Sequence[UnreadableFrame]
    timing: StreamTiming | None


@dataclass(frozen=True, slots=True)
class DataObject:
    """A file of the episode, beside the manifest: size, SHA-256 in hex, messages of each stream in it."""

    name: str
    bytes: int
    sha256: str
    messages: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the episode comes from.

    `source` as EpisodeStarted says it; `schemas`: Avro fingerprint (CRC-64-AVRO) by record type.
    """

    saltwell: str
    source: Mapping[str, str]
    schemas: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is known of a finished episode. Times in ns since 1970, edge clock."""

    site: str
    robot: str
    episode: str
    task: str
    success: bool | None
    ending: Ending
    started_ns: int
    stopped_ns: int
    decision: Decision
    reasons: Sequence[Reason]
    criteria_version: str
    content: Sequence[ContentOffset]
    anchor: str
    steps: int
    complete_steps: int
    deadline_steps: int
    hold_p50_ns: float
    hold_p99_ns: float
    streams: Mapping[str, StreamEntry]
    objects: Sequence[DataObject]
    provenance: Provenance

    def encode(self) -> bytes:
        """Text of manifest.json. BadManifest when it could not be read back, or a ledger doesn't balance."""
        data = canonical(_as_written(self))
        self.parse(data)
        return data

    @classmethod
    def parse(cls, data: bytes) -> "Manifest":
        """Read manifest.json; BadManifest, with the place, for anything but what `encode` writes."""
        if len(data) > MAX_MANIFEST_BYTES:
            raise BadManifest(f"manifest has {len(data)} bytes, more than {MAX_MANIFEST_BYTES}")
        try:
            manifest = typed(cls, _as_held(parse(data, "manifest")), "manifest")
        except SkipRecordError as error:
            raise BadManifest(str(error)) from error
        _check(manifest)
        return manifest

    @property
    def archive(self) -> DataObject:
        """The MCAP file."""
        return self.objects[0]


def manifest_of(
    ended: AlignmentEnded,
    verdict: Verdict,
    *,
    ledgers: Iterable[StreamLedger],
    unreadable: Mapping[str, Sequence[UnreadableFrame]],
    archive: ArchiveSummary,
    provenance: Provenance,
) -> Manifest:
    """Manifest of an episode. `ledgers` are the sink's own; those of the verdict are not looked at."""
    timing = {of_stream.stream: of_stream for of_stream in ended.streams}
    return Manifest(
        site=ended.site,
        robot=ended.robot,
        episode=ended.episode,
        task=ended.task,
        success=ended.success,
        ending=ended.ending,  # type: ignore[arg-type] # a plain string in the contract; encode checks it
        started_ns=ended.started_ns,
        stopped_ns=ended.stopped_ns,
        decision=verdict.decision,
        reasons=tuple(verdict.reasons),
        criteria_version=verdict.criteria_version,
        content=tuple(verdict.content),
        anchor=ended.anchor,
        steps=ended.steps,
        complete_steps=ended.complete_steps,
        deadline_steps=ended.deadline_steps,
        hold_p50_ns=ended.hold_p50_ns,
        hold_p99_ns=ended.hold_p99_ns,
        streams={
            ledger.stream: StreamEntry(
                kind=ledger.kind,
                ledger=ledger,
                unreadable=_first(unreadable.get(ledger.stream, ())),
                timing=timing.get(ledger.stream),
            )
            for ledger in ledgers
        },
        objects=(DataObject(ARCHIVE_NAME, archive.bytes, archive.sha256, archive.messages),),
        provenance=provenance,
    )


def _first(unreadable: Iterable[UnreadableFrame]) -> tuple[UnreadableFrame, ...]:
    return tuple(islice(sorted(unreadable, key=lambda frame: frame.seq), MAX_NAMED))


def provenance_of(source: Mapping[str, str], records: Iterable[type]) -> Provenance:
    """Provenance of an episode made by this Saltwell from records of these types."""
    return Provenance(
        saltwell=version("saltwell"),
        source=dict(source),
        schemas={name: fingerprint_of(name) for name in map(record_name, records)},
    )


def rejecting(manifest: Manifest) -> list[str]:
    """Codes of the reasons for which the verdict rejects, sorted."""
    return sorted({reason.code for reason in manifest.reasons if reason.severity == "reject"})


def sha256_hex(data: bytes) -> str:
    """SHA-256 as marker and manifest write it."""
    return hashlib.sha256(data).hexdigest()


def _check(manifest: Manifest) -> None:
    if sum(entry.ledger.sent for entry in manifest.streams.values()) > _MOST_FRAMES:
        raise BadManifest(f"ledgers of {manifest.episode} count more than {_MOST_FRAMES} frames")
    if [entry.name for entry in manifest.objects] != [ARCHIVE_NAME]:
        raise BadManifest(f"manifest of {manifest.episode} must have one object, {ARCHIVE_NAME}")
    for name, entry in manifest.streams.items():
        if not balances(entry.ledger):
            ledger = entry.ledger
            raise BadManifest(
                f"ledger of {manifest.episode} {name} does not balance: {ledger.sent} sent, {ledger.written} written,"
                f" {ledger.lost} lost, {sum(r.count for r in ledger.missing)} listed"
            )


_SAID_BY_PLACE = ("stream", "kind")  # fields of StreamLedger and StreamTiming that an entry of `streams` says


def _as_written(manifest: Manifest) -> dict[str, Any]:
    values = asdict(manifest)
    for entry in values["streams"].values():
        for part in filter(None, (entry["ledger"], entry["timing"])):
            for name in _SAID_BY_PLACE:
                del part[name]
    return {"format": FORMAT, **values}


def _as_held(values: Any) -> Any:
    """Undoes `_as_written`; what is not of its form is left to the check of types."""
    if not isinstance(values, dict) or values.pop("format", None) != FORMAT:
        raise BadManifest(f"manifest is not of the format {FORMAT}: update saltwell, or correct the file")
    streams = values.get("streams")
    for name, entry in streams.items() if isinstance(streams, dict) else ():
        for part in (entry.get("ledger"), entry.get("timing")) if isinstance(entry, dict) else ():
            if isinstance(part, dict):
                part.update(stream=name, kind=entry.get("kind"))
    return values
