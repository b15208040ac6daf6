"""The records a verdict rests on, whole, in the episode's file: so that it can be judged again under other criteria.

The stream /saltwell/evidence holds scores, ends of streams and the report of the alignment as they stood in the log.
A message is JSON (viewers take it, and a person sees what it is) around the Avro record; the schemas it was written
with stand in the stream's metadata, so that a later Saltwell reads it by Avro's rules.
"""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

import fastavro
from mcap.exceptions import McapError
from mcap.reader import make_reader

from saltwell.contracts.codec import Codec, PinnedIds
from saltwell.contracts.results import AlignmentEnded, ScoreBlock
from saltwell.contracts.schemas import record_name, schema_text
from saltwell.contracts.timeline import StreamEnded
from saltwell.errors import SkipRecordError
from saltwell.evidence import StoredEvidence
from sinks.episodes.archive import EpisodeArchive
from sinks.episodes.finished import DamagedEpisode, FinishedEpisode, list_episodes, load_episode, open_archive
from sinks.episodes.gone import expired_episodes
from sinks.episodes.json_text import compact, parse
from sinks.store import Store, open_store

EVIDENCE = "/saltwell/evidence"

_TITLE = "saltwell.Evidence"
_RECORDS: tuple[type, ...] = (ScoreBlock, StreamEnded, AlignmentEnded)
_SCHEMA = {
    "title": _TITLE,
    "type": "object",
    "properties": {"record": {"type": "string"}, "avro": {"type": "string", "contentEncoding": "base64"}},
}


def declare_evidence(archive: EpisodeArchive) -> None:
    """Announce the stream."""
    ids = PinnedIds()
    archive.declare(
        EVIDENCE,
        schema_name=_TITLE,
        schema_encoding="jsonschema",
        schema=compact(_SCHEMA).decode(),
        message_encoding="json",
        metadata={str(ids.id_of(name)): schema_text(name) for name in map(record_name, _RECORDS)},
        compress=True,
    )


def add_evidence(
    archive: EpisodeArchive, scores: Sequence[ScoreBlock], ended: Mapping[str, StreamEnded], alignment: AlignmentEnded
) -> None:
    """Append the records by stream, each stream's in the order of the log; the interleaving leaves no trace."""
    records: list[Any] = sorted(scores, key=lambda block: block.stream)
    records += [ended[name] for name in sorted(ended)]
    codec = Codec()
    for sequence, record in enumerate([*records, alignment]):
        avro = base64.b64encode(codec.encode(record)).decode()
        archive.add(
            EVIDENCE,
            compact({"record": record_name(type(record)), "avro": avro}),
            log_time_ns=max(alignment.stopped_ns, 0),
            publish_time_ns=max(alignment.stopped_ns, 0),
            sequence=sequence,
        )


def read_evidence(file: BinaryIO) -> list[Any]:
    """The records of an episode's file, in their order; SkipRecordError when they can't be read."""
    try:
        found = list(make_reader(file).iter_messages(topics=[EVIDENCE], log_time_order=False))
        codec = Codec(_WrittenIds(found[0][1].metadata if found else {}))
        return [_record(message.data, codec) for *_, message in sorted(found, key=lambda one: one[2].sequence)]
    except (McapError, ValueError, KeyError, TypeError, EOFError) as error:
        raise SkipRecordError(f"its evidence can't be read: {type(error).__name__} {error}") from error


def stored_evidence(url: str, episodes: Sequence[str]) -> Iterator[StoredEvidence]:
    """Evidence on these episodes of a store; StopError when one can't be read.

    When none is named, on all whose files are still there.
    """
    store = open_store(url)
    gone = frozenset() if episodes else frozenset(expired_episodes(store))
    for episode in episodes or sorted(set(list_episodes(store)) - gone):
        yield _of_episode(store, load_episode(store, episode))


def _of_episode(store: Store, one: FinishedEpisode) -> StoredEvidence:
    manifest = one.manifest
    try:
        with open_archive(store, one) as file:
            records = read_evidence(file)
    except SkipRecordError as error:
        raise DamagedEpisode(manifest.episode, str(error)) from error
    if not records:
        raise DamagedEpisode(manifest.episode, "its file holds no evidence: it was made before 2026.2")
    return StoredEvidence(
        robot=manifest.robot,
        episode=manifest.episode,
        task=manifest.task,
        decision=manifest.decision,
        criteria_version=manifest.criteria_version,
        records=records,
    )


def _record(data: bytes, codec: Codec) -> Any:
    return codec.decode(base64.b64decode(parse(data, "evidence")["avro"], validate=True))


class _WrittenIds:
    """Schema ids as the file's own metadata explains them."""

    def __init__(self, metadata: Mapping[str, str]) -> None:
        self._schemas = {int(number): fastavro.parse_schema(json.loads(text)) for number, text in metadata.items()}

    def id_of(self, name: str) -> int:
        """Nothing is written under these ids."""
        raise KeyError(name)

    def writer_schema(self, schema_id: int) -> tuple[str, Any] | None:
        """Name and schema as they were when the file was written."""
        schema: Any = self._schemas.get(schema_id)
        return None if schema is None else (schema["name"], schema)
