"""The episode sink: everything the log knows of an episode becomes one object in the store, once."""

import logging
import tempfile
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from saltwell.bus.processor import Arrival, Effect, Output
from saltwell.contracts.results import EpisodeFinished, StreamSkew
from saltwell.contracts.timeline import (
    EpisodeAborted,
    EpisodeDiscarded,
    EpisodeStarted,
    EpisodeStopped,
    FramesIndexed,
    StreamEnded,
)
from saltwell.contracts.topics import FRAME_TOPICS
from saltwell.metrics import EPISODE_BYTES, EPISODES_FINISHED, OPEN_EPISODES
from sinks.episodes.commit import ConflictError, Marker, commit
from sinks.episodes.episode import EpisodeInProgress
from sinks.episodes.manifest import Manifest
from sinks.store import Store

log = logging.getLogger(__name__)

_ENDS = {"clouds.sampled": "clouds", "scores": "scores"}


class Episodes:
    """Finished episodes of a shard."""

    name = "episodes"
    topics = (*FRAME_TOPICS, "timeline", "clouds.sampled", "scores", "alignment", "verdicts")

    def __init__(self, store: Store, scratch: Path) -> None:
        self._store = store
        self._scratch = scratch

    def open(self, shard: int) -> "EpisodesShard":
        """Begin a shard with nothing known."""
        del shard
        return EpisodesShard(self._store, self._scratch)


class EpisodesShard:
    """Episodes that have begun and are not in the store."""

    def __init__(self, store: Store, scratch: Path) -> None:
        self._store = store
        self._scratch = scratch
        self._episodes: dict[str, EpisodeInProgress] = {}

    def on_record(self, arrival: Arrival) -> Iterable[Output | Effect]:
        """Take one record; when it was the last of its episode, give the work of storing it."""
        record = arrival.record
        if record.episode not in self._episodes:
            self._episodes[record.episode] = EpisodeInProgress(self._scratch)
        episode = self._episodes[record.episode]
        match record:
            case EpisodeStarted():
                episode.start(record)
            case EpisodeDiscarded():
                self._episodes.pop(record.episode).discard()
                return
            case StreamEnded() if arrival.topic == "timeline":
                pass  # the frames' own topics say it behind the last frame
            case StreamEnded():
                episode.end_stream(record, of=_ENDS.get(arrival.topic, "frames"))
            case EpisodeStopped() | EpisodeAborted():
                episode.stop()
            case FramesIndexed():
                pass  # the synchronizer's business
            case _:
                episode.take(record)
        if episode.is_complete():
            del self._episodes[record.episode]
            yield Effect(lambda: self._finish(episode))
        OPEN_EPISODES.labels(Episodes.name).set(len(self._episodes))

    def open_episodes(self) -> Collection[str]:
        """Episodes that are not in the store."""
        return self._episodes.keys()

    def close(self) -> None:
        """Give all scratch space back."""
        for episode in self._episodes.values():
            episode.discard()

    def _finish(self, episode: EpisodeInProgress) -> Iterator[Output]:
        with tempfile.TemporaryDirectory(dir=self._scratch, prefix="finish-") as folder:
            path = Path(folder) / "episode.mcap"
            manifest = episode.finish(path)
            try:
                marker = commit(self._store, manifest, path)
            except ConflictError as error:
                log.error("%s", error)  # noqa: TRY400 - the message says it all, a traceback nothing
                return
        EPISODES_FINISHED.labels(manifest.decision).inc()
        EPISODE_BYTES.inc(marker.archive_bytes)
        yield Output("episodes.finished", finished(manifest, marker, self._store.uri(marker.folder)))


def finished(manifest: Manifest, marker: Marker, uri: str) -> EpisodeFinished:
    """What the outside world is told."""
    return EpisodeFinished(
        site=manifest.site,
        robot=manifest.robot,
        episode=manifest.episode,
        task=manifest.task,
        decision=manifest.decision,
        reasons=manifest.reasons,
        uri=uri,
        manifest_sha256=marker.manifest_sha256,
        bytes=marker.archive_bytes,
        steps=manifest.steps,
        stopped_ns=manifest.stopped_ns,
        streams=[entry.ledger for entry in manifest.streams.values()],
        skew=[
            StreamSkew(name, entry.timing.skew_p50_ns, entry.timing.skew_p99_ns)
            for name, entry in manifest.streams.items()
            if entry.timing is not None and entry.timing.exact + entry.timing.interpolated + entry.timing.held
        ],
    )
