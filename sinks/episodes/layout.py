"""Where things of an episode lie in a store: the only place that knows the keys.

episodes/{robot}/{episode}/{16 hex of the manifest's SHA-256}/episode.mcap, manifest.json
finished/{episode}.json             the marker: what readers believe
conflicts/{episode}/{16 hex}.json   a second, different content of a finished episode was set aside
"""

import re
from collections.abc import Iterator
from urllib.parse import quote, unquote

from saltwell.errors import SkipRecordError
from sinks.episodes.manifest import ARCHIVE_NAME
from sinks.store import Store

MANIFEST_NAME = "manifest.json"

_FINISHED = "finished"
_MARKER_END = ".json"
_HASH_DIGITS = 16
_MAX_PART_BYTES = 200  # file systems allow 255 a name, S3 1024 a key


def key_part(name: str) -> str:
    """A robot's or episode's name as one part of a key: letters, digits, `._-~`, all else percent-quoted.

    So a name can't leave its folder, and two names never meet. SkipRecordError for none, or too long a one.
    """
    part = quote(name, safe="", errors="surrogatepass")
    if set(part) <= {"."}:
        part = part.replace(".", "%2E")
    if not 0 < len(part) <= _MAX_PART_BYTES:
        raise SkipRecordError(f"{ascii(name)[:60]} can't name a folder: give it 1 to {_MAX_PART_BYTES} plain letters")
    return part


def folder_key(robot: str, episode: str, manifest_sha256: str) -> str:
    """Folder of one content of an episode.

    It hangs on the manifest's hash, which covers the hash of every other object: objects of different content
    never share a key, so no writer can spoil what another's marker points to.
    """
    return f"episodes/{home_of(robot, episode)}/{content_part(manifest_sha256)}"


def home_of(robot: str, episode: str) -> str:
    """Robot and episode as keys have them, below episodes/ and below training/."""
    return f"{key_part(robot)}/{key_part(episode)}"


def content_part(manifest_sha256: str) -> str:
    """Name of the folder of one content, below the home of its episode."""
    return manifest_sha256[:_HASH_DIGITS]


def robot_key(robot: str) -> str:
    """Folder of all episodes of a robot."""
    return f"episodes/{key_part(robot)}"


def archive_key(folder: str) -> str:
    """The MCAP file in a folder."""
    return f"{folder}/{ARCHIVE_NAME}"


def manifest_key(folder: str) -> str:
    """The manifest in a folder."""
    return f"{folder}/{MANIFEST_NAME}"


def marker_key(episode: str) -> str:
    """The marker of an episode."""
    return f"{_FINISHED}/{key_part(episode)}{_MARKER_END}"


def is_manifest_of(key: str, episode: str, manifest_sha256: str) -> bool:
    """Whether a manifest of this content, of whatever robot, lies at this key."""
    robot = unquote("".join(key.split("/")[1:2]))
    return key == manifest_key(folder_key(robot, episode, manifest_sha256))


def conflict_key(episode: str, manifest_sha256: str) -> str:
    """The note of a content that was set aside."""
    return f"conflicts/{key_part(episode)}/{content_part(manifest_sha256)}.json"


def finished_episodes(store: Store) -> Iterator[str]:
    """Names of all episodes that have a marker, in no order."""
    for key in store.list(_FINISHED):
        if match := re.fullmatch(rf"{_FINISHED}/([^/]+){re.escape(_MARKER_END)}", key):
            yield unquote(match[1])
