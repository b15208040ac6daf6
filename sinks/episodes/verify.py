"""Proof that a stored episode is whole: marker, manifest and MCAP file against each other."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from saltwell.contracts.results import StreamLedger
from saltwell.ledger import ranges
from sinks.episodes.annotations import ALIGNMENT
from sinks.episodes.finished import DamagedEpisode, ExpiredEpisode, FinishedEpisode, load_episode, open_archive
from sinks.episodes.manifest import DataObject, Manifest
from sinks.episodes.recount import Recount, recount
from sinks.store import Store
from sinks.store_errors import NotInStore

_RANGES_TOLD = 5


@dataclass(frozen=True, slots=True)
class Report:
    """What was found: size and messages of the MCAP file, and everything that is not as it should be."""

    episode: str
    uri: str
    bytes: int
    messages: Mapping[str, int]
    problems: Sequence[str]
    expired: str = ""
    """When and why retention took the MCAP file; then marker and manifest alone were checked."""


def verify(store: Store, episode: str, *, advance: Callable[[int], None] = lambda _: None) -> Report:
    """Read the whole episode back and check it; `advance` is told how many bytes were read since the last call.

    Raises StopError when there is no such episode or the store can't be read. Damage is no error: it is reported.
    """
    try:
        finished = load_episode(store, episode)
    except DamagedEpisode as error:
        return Report(episode, "", 0, {}, (str(error),))
    manifest = finished.manifest
    opaque = {name for name, entry in manifest.streams.items() if entry.kind == "other"}
    try:
        with open_archive(store, finished) as file:
            found = recount(file, opaque=opaque, advance=advance)
    except ExpiredEpisode as error:
        return Report(episode, finished.uri, 0, {}, (), expired=str(error))
    except NotInStore as error:
        return Report(episode, finished.uri, 0, {}, (str(error),))
    problems = tuple(_problems(finished, found))
    return Report(episode, finished.uri, found.bytes, dict(sorted(found.messages.items())), problems)


def _problems(finished: FinishedEpisode, found: Recount) -> Iterator[str]:
    manifest = finished.manifest
    yield from _of_bytes(manifest.archive, found)
    if found.broken:
        yield f"{manifest.archive.name} {found.broken}"
        return  # what was not reached can't be told from what is missing
    yield from found.unreadable
    yield from _of_counts(manifest, found)
    for stream, entry in manifest.streams.items():
        yield from _of_frames(stream, entry.ledger, found)
    yield from _of_steps(manifest, found)


def _of_bytes(said: DataObject, found: Recount) -> Iterator[str]:
    if found.bytes != said.bytes:
        yield f"{said.name} has {found.bytes} bytes, the manifest says {said.bytes}"
    elif found.sha256 != said.sha256:
        yield f"{said.name} has SHA-256 {found.sha256}, the manifest says {said.sha256}"


def _of_counts(manifest: Manifest, found: Recount) -> Iterator[str]:
    said = manifest.archive.messages
    for stream in sorted(said.keys() | found.messages.keys()):
        if found.messages[stream] != said.get(stream, 0):
            yield f"{stream} has {found.messages[stream]} messages, the manifest says {said.get(stream, 0)}"


def _of_frames(stream: str, ledger: StreamLedger, found: Recount) -> Iterator[str]:
    """With these, written + listed as lost are exactly the frames 0 ... sent - 1."""
    if found.messages[stream] != ledger.written:
        yield f"{stream} has {found.messages[stream]} frames, the ledger says {ledger.written} written"
    if found.repeated[stream]:
        yield f"{stream} has {found.repeated[stream]} frames twice"
    if wrong := _listed_as_lost(found.seqs[stream], ledger):
        yield f"{stream} has frames that the ledger lists as lost: {_shown(wrong)}"
    if wrong := {seq for seq in found.seqs[stream] if seq >= ledger.sent}:
        yield f"{stream} has frames beyond the {ledger.sent} sent: {_shown(wrong)}"


def _listed_as_lost(seqs: set[int], ledger: StreamLedger) -> set[int]:
    ordered = sorted(seqs)
    listed: set[int] = set()
    for lost in ledger.missing:
        begin = bisect_left(ordered, lost.first)
        listed.update(ordered[begin : bisect_left(ordered, lost.first + lost.count)])
    return listed


def _of_steps(manifest: Manifest, found: Recount) -> Iterator[str]:
    if sorted(found.steps) != list(range(len(found.steps))) or len(found.steps) != manifest.steps:
        yield f"{ALIGNMENT} has {len(set(found.steps))} different steps, the manifest says {manifest.steps}"
    for stream, seqs in sorted(found.matched.items()):
        if absent := seqs - found.seqs[stream]:
            yield f"{ALIGNMENT} refers to frames of {stream} that are not in the file: {_shown(absent)}"


def _shown(seqs: set[int]) -> str:
    parts = [f"{r.first}" if r.count == 1 else f"{r.first}..{r.first + r.count - 1}" for r in ranges(seqs, "")]
    return ", ".join(parts[:_RANGES_TOLD]) + (", ..." if len(parts) > _RANGES_TOLD else "")
