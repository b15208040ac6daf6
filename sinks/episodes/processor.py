"""The episode sink: everything the log knows of an episode becomes one object in the store, once."""

import logging
import time
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from saltwell.bus.processor import Arrival, Effect, Output
from saltwell.contracts.results import SetAside, Verdict
from saltwell.contracts.timeline import (
    EpisodeAborted,
    EpisodeDiscarded,
    EpisodeStarted,
    EpisodeStopped,
    FramesIndexed,
    StreamEnded,
)
from saltwell.contracts.topics import FRAME_TOPICS
from saltwell.errors import SkipRecordError
from saltwell.metrics import (
    DEAD_LETTERS,
    EPISODE_BYTES,
    EPISODES_FINISHED,
    OPEN_EPISODES,
    STOP_TO_STORED,
    STOP_TO_VERDICT,
)
from sinks.episodes.archive import let_go, unnamed_file
from sinks.episodes.commit import ConflictError, commit
from sinks.episodes.episode import EpisodeInProgress
from sinks.episodes.finished import DamagedEpisode, FinishedEpisode, announcement, load_episode
from sinks.episodes.manifest import Manifest
from sinks.patience import patiently
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
            case StreamEnded() if arrival.topic == "timeline":
                pass  # the frames' own topics say it behind the last frame
            case StreamEnded():
                episode.end_stream(record, of=_ENDS.get(arrival.topic, "frames"))
            case EpisodeStopped() | EpisodeAborted() | EpisodeDiscarded():
                episode.stop(at_ms=arrival.timestamp_ms)
            case Verdict():
                episode.judge(record, at_ms=arrival.timestamp_ms)
            case FramesIndexed():
                pass  # the synchronizer's business
            case _:
                episode.take(record)
        if episode.is_complete():
            del self._episodes[record.episode]
            if episode.is_discarded():
                episode.discard()
            else:
                yield Effect(lambda: self._finish(episode, arrival))
        OPEN_EPISODES.labels(Episodes.name).set(len(self._episodes))

    def open_episodes(self) -> Collection[str]:
        """Episodes that are not in the store."""
        return self._episodes.keys()

    def close(self) -> None:
        """Give all scratch space back."""
        for episode in self._episodes.values():
            episode.discard()

    def _finish(self, episode: EpisodeInProgress, last: Arrival) -> Iterator[Output]:
        archive = unnamed_file(self._scratch)
        try:
            stored = self._store_once(episode.finish(archive), archive)
        except SkipRecordError as error:  # one episode that can't be stored must not stop the robots beside it
            log.error("episode %s can't be stored: %s", last.record.episode, error)  # noqa: TRY400 - the message says it all
            DEAD_LETTERS.labels(Episodes.name, last.topic).inc()
            yield Output("dead", _refused(last, str(error)))
            return
        finally:
            let_go(archive)
        EPISODES_FINISHED.labels(stored.manifest.decision).inc()
        EPISODE_BYTES.inc(stored.marker.archive_bytes)
        _observe_latency(episode)
        yield Output("episodes.finished", announcement(stored))

    def _store_once(self, manifest: Manifest, archive: BinaryIO) -> FinishedEpisode:
        """Bring the episode into the store; where another content of it stands already, that one is the episode.

        SkipRecordError when what stands there is damaged.
        """
        try:
            marker = commit(self._store, manifest, archive)
        except ConflictError as error:
            log.error("%s", error)  # noqa: TRY400 - the message says it all, a traceback nothing
            return self._kept(manifest.episode)
        return FinishedEpisode(marker, manifest, self._store.uri(marker.folder))

    def _kept(self, episode: str) -> FinishedEpisode:
        try:
            return patiently(load_episode, self._store, episode)
        except DamagedEpisode as error:
            raise SkipRecordError(str(error)) from error


def _refused(last: Arrival, reason: str) -> SetAside:
    """Word of an episode that is complete and can't be stored; it stands at the record that made it complete."""
    return SetAside(
        topic=last.topic,
        partition=last.partition,
        offset=last.offset,
        by=Episodes.name,
        reason=f"the whole episode can't be stored: {reason}",
        robot=last.record.robot,
        episode=last.record.episode,
        stream="",
        seq=-1,
        key=last.record.robot.encode(),
        value=b"",
    )


def _observe_latency(episode: EpisodeInProgress) -> None:
    """By the clocks of this machine and of those that wrote to the log: as good as they agree."""
    if episode.stopped_ms is not None:
        STOP_TO_STORED.observe(time.time() - episode.stopped_ms / 1000)
        if episode.judged_ms is not None:
            STOP_TO_VERDICT.observe((episode.judged_ms - episode.stopped_ms) / 1000)
