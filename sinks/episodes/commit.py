"""Finished means finished: the order in which an episode comes into the store.

    0. Is there a marker of this very manifest? Then all is done already.
    1. episode.mcap         into a folder named by the content.
    2. manifest.json        beside it; it holds the hash of step 1.
    3. finished/{episode}.json, by conditional create; it holds the hash of step 2. From here readers see it.
       There is one of another manifest: conflict. It stays, and what we wrote stays aside.
    4. Was the episode erased? Then what we wrote is taken back: it does not come back. Asked before step 1 as well, to
       spare the upload. An erasure writes its tombstone before it looks for what is there, so of the two one sees
       the other.

A crash before or in step 3 leaves nothing that a reader believes, and doing it all again is harmless: the same
content has the same keys. Only after step 4 may the log's offsets be committed. A store that fails is tried again for
about a minute at each step (`sinks/patience.py`), then the error goes to the loop.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

from saltwell.errors import RetryError, SkipRecordError
from sinks.episodes.gone import read_erased
from sinks.episodes.json_text import canonical, parse, typed
from sinks.episodes.layout import archive_key, conflict_key, folder_key, is_manifest_of, manifest_key, marker_key
from sinks.episodes.manifest import Manifest, sha256_hex
from sinks.patience import patiently
from sinks.store import Store
from sinks.store_errors import NotInStore

MAX_MARKER_BYTES = 64 * 1024

_ATTEMPTS = 6
_FIRST_PAUSE_S = 0.1


@dataclass(frozen=True, slots=True)
class Marker:
    """What makes an episode visible: key and hash of its manifest, size of its MCAP file."""

    manifest: str
    manifest_sha256: str
    archive_bytes: int

    @property
    def folder(self) -> str:
        """Key of the folder that holds manifest and MCAP file."""
        return self.manifest.rpartition("/")[0]

    def encode(self) -> bytes:
        """Text of the marker."""
        return canonical(self)

    @classmethod
    def parse(cls, data: bytes, what: str) -> "Marker":
        """Read a marker; SkipRecordError naming `what` when it is none."""
        return typed(cls, parse(data, what), what)


class ConflictError(SkipRecordError):
    """The episode is finished with another content.

    What is in the store stays as it is (`kept`; None = a marker that can't be read); the new content lies aside
    (`aside`, a folder key) with a note below conflicts/. The other episodes can go on, so this is no StopError: one
    conflict must not stop a shard.
    """

    def __init__(self, message: str, *, kept: Marker | None, aside: str) -> None:
        super().__init__(message)
        self.kept = kept
        self.aside = aside


class ErasedError(SkipRecordError):
    """The episode was erased: somebody asked for it to be gone, whatever the log still holds."""


def commit(store: Store, manifest: Manifest, archive: BinaryIO) -> Marker:
    """Bring an episode into the store; its marker, whose folder is what `store.uri` gives to others.

    `archive` is the MCAP file that the manifest describes, from its begin. Doing it again with the same content is
    a success and uploads nothing. Raises ConflictError and ErasedError, or RetryError and StopError from the store.
    """
    text = manifest.encode()
    ours = marker_of(manifest, sha256_hex(text))
    conflict = None
    if not patiently(_is_done, store, manifest.episode, ours):  # step 0
        _take_back_if_erased(store, manifest.episode, ours)
        patiently(store.put_file, archive_key(ours.folder), archive)  # step 1
        patiently(store.put, ours.manifest, text)  # step 2
        standing = patiently(_publish, store, manifest.episode, ours)  # step 3
        conflict = None if standing == ours else _conflict(store, manifest.episode, kept=standing, ours=ours)
    _take_back_if_erased(store, manifest.episode, ours)  # step 4
    if conflict is not None:
        raise conflict
    return ours


def marker_of(manifest: Manifest, sha256: str) -> Marker:
    """The marker of an episode whose manifest has this hash."""
    return Marker(manifest_key(folder_key(manifest.robot, manifest.episode, sha256)), sha256, manifest.archive.bytes)


def read_marker(store: Store, episode: str) -> Marker | None:
    """The marker of an episode; None when the episode is not finished.

    SkipRecordError when it is none, or leads elsewhere than to a folder of this episode.
    """
    key = marker_key(episode)
    try:
        data = store.get(key, limit_bytes=MAX_MARKER_BYTES)
    except NotInStore:
        return None
    marker = Marker.parse(data, f"marker {store.uri(key)}")
    if not is_manifest_of(marker.manifest, episode, marker.manifest_sha256):
        raise SkipRecordError(f"marker {store.uri(key)} leads elsewhere, to {ascii(marker.manifest)[:200]}")
    return marker


def _take_back_if_erased(store: Store, episode: str, ours: Marker) -> None:
    if patiently(read_erased, store, episode) is None:
        return
    conflict = conflict_key(episode, ours.manifest_sha256)
    for key in (marker_key(episode), archive_key(ours.folder), ours.manifest, conflict):
        patiently(store.remove, key)
    raise ErasedError(f"episode {episode} was erased, and does not come back")


def _is_done(store: Store, episode: str, ours: Marker) -> bool:
    try:
        return read_marker(store, episode) == ours
    except SkipRecordError:  # a marker that can't be read is not ours
        return False


def _publish(store: Store, episode: str, ours: Marker) -> Marker | None:
    """The marker that stands once we have tried to create ours; None = one that can't be read.

    "Already exists" is believed only when the marker can be read: some servers answer so on a conflict that
    wrote nothing.
    """
    for attempt in range(_ATTEMPTS):
        if store.create(marker_key(episode), ours.encode()):
            return ours
        try:
            standing = read_marker(store, episode)
        except SkipRecordError:
            return None
        if standing is not None:
            return standing
        time.sleep(_FIRST_PAUSE_S * 2**attempt)
    raise RetryError(f"the store says that {store.uri(marker_key(episode))} exists, and does not give it")


def _conflict(store: Store, episode: str, *, kept: Marker | None, ours: Marker) -> ConflictError:
    note: Mapping[str, Marker | None] = {"kept": kept, "set_aside": ours}
    patiently(store.put, conflict_key(episode, ours.manifest_sha256), canonical(note))
    if kept is None:
        what, remedy = f"has a marker that can't be read: {store.uri(marker_key(episode))} stays", "look at it"
    else:
        what, remedy = f"is finished with another content: kept {store.uri(kept.folder)}", "compare the two manifests"
    return ConflictError(
        f"episode {episode} {what}, the new one lies aside at {store.uri(ours.folder)}; {remedy}",
        kept=kept,
        aside=ours.folder,
    )
