"""What lies in a spool, without touching it: also while another process records into it."""

import fcntl
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mcap.exceptions import McapError
from mcap.reader import make_reader

from producers.spool import cursor
from producers.spool.account_text import accounts_from_text
from producers.spool.facts import Identity, identity_of
from producers.spool.framing import Framer
from producers.spool.layout import LOCK, segment_number, segments
from producers.spool.scan import DamagedSegment, SegmentReader, StoredChunk
from producers.spool.segment import is_sealed
from producers.spool.sender import unacknowledged_bytes
from saltwell.contracts.codec import Codec, PinnedIds
from saltwell.contracts.schemas import record_name
from saltwell.contracts.timeline import EpisodeAborted, EpisodeDiscarded, EpisodeStarted, EpisodeStopped

_ENDS: dict[type, str] = {EpisodeStopped: "stopped", EpisodeAborted: "aborted", EpisodeDiscarded: "discarded"}
_EVENTS = frozenset(record_name(cls) for cls in (EpisodeStarted, *_ENDS))


@dataclass(frozen=True, slots=True)
class SegmentSeen:
    """One segment: `is_closed` = nothing more is written to it; `torn_bytes` behind its last whole chunk."""

    name: str
    bytes: int
    unacknowledged_bytes: int
    is_closed: bool
    torn_bytes: int


@dataclass(slots=True)
class EpisodeSeen:
    """One episode of which something is there: `state` is open, stopped, aborted or discarded."""

    site: str
    robot: str
    episode: str
    state: str = "open"
    task: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SpoolSeen:
    """What was found; `set_aside` are files that could not be read as segments."""

    folder: str
    in_use: bool
    bytes: int
    unacknowledged_bytes: int
    segments: list[SegmentSeen]
    episodes: list[EpisodeSeen]
    set_aside: list[str]


def survey(folder: Path) -> SpoolSeen:
    """Look at a spool."""
    in_use, acknowledged = _in_use(folder), cursor.load(folder)
    found: list[SegmentSeen] = []
    episodes: dict[Identity, EpisodeSeen] = {}
    set_aside = [path.name for path in sorted(folder.glob("*.damaged"))]
    for path in segments(folder):
        try:
            with SegmentReader(path) as reader:
                is_closed = is_sealed(path)
                being_written = in_use and not is_closed
                torn = 0 if is_closed or being_written else _torn_bytes(reader)
                left = max(reader.size - acknowledged.offset, 0)
                number = segment_number(path)
                waiting = (
                    0 if number < acknowledged.segment else left if number == acknowledged.segment else reader.size
                )
                found.append(SegmentSeen(path.name, reader.size, waiting, is_closed, torn))
                _see_episodes(reader, episodes, is_closed=is_closed)
        except FileNotFoundError:
            continue  # sent and removed meanwhile
        except DamagedSegment:
            set_aside.append(path.name)
    return SpoolSeen(
        folder=str(folder),
        in_use=in_use,
        bytes=sum(segment.bytes for segment in found),
        unacknowledged_bytes=unacknowledged_bytes(folder, acknowledged),
        segments=found,
        episodes=list(episodes.values()),
        set_aside=set_aside,
    )


def _see_episodes(reader: SegmentReader, episodes: dict[Identity, EpisodeSeen], *, is_closed: bool) -> None:
    for identity in accounts_from_text(reader.preamble.accounts).episodes:
        episodes.setdefault(identity, EpisodeSeen(*identity))
    framer, codec = Framer(reader, PinnedIds()), Codec()
    for chunk in _chunks_with_events(reader, is_closed=is_closed):
        for message in reader.messages(chunk):
            framed = framer.frame(message)
            if framed is not None and framed.type in _EVENTS:
                _see(codec.decode(framed.value), episodes)


def _see(event: object, episodes: dict[Identity, EpisodeSeen]) -> None:
    seen = episodes.setdefault(identity_of(event), EpisodeSeen(*identity_of(event)))
    if isinstance(event, EpisodeStarted):
        seen.task = event.task
    else:
        seen.state = _ENDS[type(event)]
        seen.reason = getattr(event, "reason", "")


def _chunks_with_events(reader: SegmentReader, *, is_closed: bool) -> Iterator[StoredChunk]:
    """Chunks in which an episode begins or ends; of a closed segment its index says which they are."""
    if not is_closed or (offsets := _indexed(reader)) is None:
        yield from reader.whole_chunks(lambda _: None)
        return
    for offset in offsets:
        if (chunk := reader.next_chunk(offset, limit=reader.size)) is not None:
            yield chunk


def _indexed(reader: SegmentReader) -> list[int] | None:
    """Where chunks with events lie, by the summary; None when that can't be read."""
    names = {number: schema.name for number, schema in reader.preamble.schemas.items()}
    channels = {n for n, channel in reader.preamble.channels.items() if names.get(channel.schema_id) in _EVENTS}
    try:
        with reader.path.open("rb") as file:
            summary = make_reader(file).get_summary()
    except (McapError, ValueError, EOFError, struct.error):
        return None
    if summary is None:
        return None
    return [i.chunk_start_offset for i in summary.chunk_indexes if channels & i.message_index_offsets.keys()]


def _torn_bytes(reader: SegmentReader) -> int:
    damages: list[DamagedSegment] = []
    end = max((chunk.end for chunk in reader.whole_chunks(damages.append)), default=reader.preamble.end)
    return reader.size - end if damages and damages[0].offset >= end else 0


def _in_use(folder: Path) -> bool:
    """Whether another process has the spool."""
    if not (folder / LOCK).exists():
        return False
    with (folder / LOCK).open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
