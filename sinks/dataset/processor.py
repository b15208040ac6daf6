"""The dataset sink: makes the training files of episodes that a verdict or a person accepts, once each."""

import logging
import tempfile
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import cv2

from saltwell.bus.driver import DEFECTS
from saltwell.bus.processor import Arrival, Effect, Output
from saltwell.contracts.results import EpisodeFinished, Review
from saltwell.errors import SkipRecordError
from saltwell.metrics import DEAD_LETTERS, EPISODES_TRAINED
from sinks.dataset.recorded import Recorded
from sinks.dataset.shelf import put_training, read_training_marker
from sinks.dataset.training import make_training
from sinks.dataset.video import Codec
from sinks.episodes.commit import read_marker
from sinks.episodes.finished import DamagedEpisode, ExpiredEpisode, NoSuchEpisode, load_episode, open_archive
from sinks.store import Store

log = logging.getLogger(__name__)


class Datasets:
    """Training files of a shard's episodes. Scales out by its group, as every part does."""

    name = "dataset"
    topics = ("episodes.finished", "reviews")

    def __init__(self, store: Store, scratch: Path, *, codec: Codec, decisions: Collection[str]) -> None:
        self._store = store
        self._scratch = scratch
        self._codec: Codec = codec
        self._decisions = decisions

    def open(self, shard: int) -> "Datasets":
        """A shard has no state: an episode is one record."""
        del shard
        return self

    def on_record(self, arrival: Arrival) -> Iterable[Output | Effect]:
        """Take a finished episode, or a person's word on one; give the work of making its files."""
        record: EpisodeFinished | Review = arrival.record
        if record.decision not in self._decisions:
            return
        if isinstance(record, EpisodeFinished):
            yield Effect(lambda: self._make(record.episode, record.uri))
        else:
            yield Effect(lambda: self._make_if_there(record.episode))

    def open_episodes(self) -> Collection[str]:
        """None: what was not committed is read again."""
        return ()

    def close(self) -> None:
        """Nothing to let go of."""

    def _make_if_there(self, episode: str) -> Iterator[Output]:
        """A person may speak of what is not in this store."""
        try:
            there = read_marker(self._store, episode) is not None
        except SkipRecordError:
            there = False
        if there:
            yield from self._make(episode, self._store.uri(""))
        else:
            log.warning("people speak of the episode %s, which is not in %s", ascii(episode)[:80], self._store.url)

    def _make(self, episode: str, uri: str) -> Iterator[Output]:
        try:
            if read_training_marker(self._store, episode) is None:
                train(self._store, episode, self._scratch, codec=self._codec)
        except (SkipRecordError, DamagedEpisode, ExpiredEpisode, NoSuchEpisode) as error:
            if isinstance(error, NoSuchEpisode) and not uri.startswith(self._store.uri("")):
                raise  # announced for another store than this one, which holds none of them
            DEAD_LETTERS.labels(self.name, "episodes.finished").inc()
            log.error("episode %s gives no training files: %s", episode, error)  # noqa: TRY400 - the message says it
        except (*DEFECTS, cv2.error):  # one episode that we can't bear must not stop its shard for ever
            DEAD_LETTERS.labels(self.name, "episodes.finished").inc()
            log.exception("episode %s gives no training files: defect in %s", episode, self.name)
        yield from ()


def train(store: Store, episode: str, scratch: Path, *, codec: Codec) -> None:
    """Make the training files of a finished episode and store them. Raises SkipRecordError when it gives none."""
    finished = load_episode(store, episode)
    with (
        tempfile.TemporaryDirectory(dir=scratch, prefix="train-") as folder,
        open_archive(store, finished) as archive,
    ):
        recorded = Recorded(archive, finished.manifest)
        training = make_training(recorded, finished.marker.manifest_sha256, Path(folder), codec=codec)
        put_training(store, training, Path(folder))
    EPISODES_TRAINED.inc()
