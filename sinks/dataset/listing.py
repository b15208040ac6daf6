"""A dataset as a list of episodes: JSON lines that say where each one's MCAP file is, and what it is worth."""

from collections.abc import Iterator, Mapping
from tempfile import TemporaryFile
from typing import Any

from saltwell.contracts.results import Review
from sinks.dataset.publish import Wanted
from sinks.episodes.finished import DamagedEpisode, FinishedEpisode, list_episodes, load_episodes
from sinks.episodes.json_text import compact
from sinks.episodes.layout import archive_key
from sinks.episodes.reviews import all_reviews, corrected, standing
from sinks.store import Store


def publish_list(store: Store, wanted: Wanted, target: Store, key: str) -> int:
    """Write the list of the wanted episodes, by name, in the place of an older one; gives how many they are.

    Raises DamagedEpisode, a StopError, for one whose manifest is not whole: the older list then stands.
    """
    count = 0
    with TemporaryFile() as file:
        for one in _wanted(store, wanted):
            file.write(compact(_line(store, one)) + b"\n")
            count += 1
        target.put_file(key, file)
    return count


def _wanted(store: Store, wanted: Wanted) -> Iterator[FinishedEpisode]:
    words: Mapping[str, Review] = standing(all_reviews(store))
    for one in load_episodes(store, sorted(list_episodes(store)), robot=wanted.robot):
        if isinstance(one, DamagedEpisode):
            raise one
        manifest = corrected(one.manifest, words.get(one.manifest.episode))
        if wanted.takes(manifest):
            yield FinishedEpisode(one.marker, manifest, one.uri)


def _line(store: Store, one: FinishedEpisode) -> Mapping[str, Any]:
    manifest = one.manifest
    return {
        "episode": manifest.episode,
        "site": manifest.site,
        "robot": manifest.robot,
        "task": manifest.task,
        "success": manifest.success,
        "decision": manifest.decision,
        "criteria_version": manifest.criteria_version,
        "reasons": [reason.code for reason in manifest.reasons],
        "started_ns": manifest.started_ns,
        "stopped_ns": manifest.stopped_ns,
        "steps": manifest.steps,
        "uri": store.uri(archive_key(one.marker.folder)),
        "bytes": manifest.archive.bytes,
        "sha256": manifest.archive.sha256,
        "manifest_uri": store.uri(one.marker.manifest),
        "manifest_sha256": one.marker.manifest_sha256,
    }
