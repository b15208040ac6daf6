"""What a store holds of a subject, and what can't be told to be of anybody.

Every folder below episodes/ is judged by the manifest that lies in it, whether a marker leads there or not: what a sink
that died left behind shows people too, and so does what a conflict set aside. The catalogue spares reading manifests
of others. It knows where their episodes lie, which is kept in memory: about 0.3 GB a million.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from saltwell.errors import SkipRecordError
from sinks.at_once import at_once
from sinks.catalogue.catalogue import Catalogue
from sinks.episodes.finished import DamagedEpisode, find_episode
from sinks.episodes.gone import Erased, read_erased
from sinks.episodes.layout import folder_key, home_of, manifest_key
from sinks.episodes.manifest import MAX_MANIFEST_BYTES, Manifest, sha256_hex
from sinks.store import Store
from sinks.store_errors import NotInStore

SUBJECT = "subject"
"""Where an episode's source says whom it shows, or whose consent it rests on."""


@dataclass(frozen=True, slots=True)
class Unjudged:
    """A key behind which something of the subject may be, and why that can't be told."""

    key: str
    why: str


def of_subject(
    catalogue: Catalogue, subject: str, *, besides: Collection[Erased], why: str, now_ns: int
) -> Iterator[Erased | Unjudged]:
    """Tombstones, not yet written, of all that the store holds of a subject; and all that can't be judged.

    Nothing is changed. Not looked at is what goes already, `besides`. Raises RetryError or StopError.
    """
    there = catalogue.read()
    of_others = catalogue.homes_of_others(subject) if there else {}
    listed = set(catalogue.episodes_of(subject) if there else ()) - {note.episode for note in besides}
    going = {home_of(note.robot, note.episode) for note in besides}
    unknown = [one for one in _unknown_folders(catalogue.store, of_others) if _home(one) not in going]
    for found in at_once(partial(_judged, catalogue.store, subject), unknown):
        if isinstance(found, Unjudged):
            yield found
        elif found is not None:
            listed.discard(found.episode)
            yield Erased(found.episode, found.site, found.robot, found.stopped_ns, now_ns, why, complete=False)
    yield from (_only_listed(catalogue.store, episode) for episode in sorted(listed))
    yield from _training_of_nothing(catalogue.store, of_others.keys() | going | {_home(one) for one in unknown})


def _unknown_folders(store: Store, of_others: Mapping[str, str]) -> list[str]:
    folders: set[str] = set()
    for key in store.list("episodes"):
        folder = key.rpartition("/")[0]
        if of_others.get(_home(folder)) != folder.rpartition("/")[2]:
            folders.add(folder)
    return sorted(folders)


def _judged(store: Store, subject: str, folder: str) -> Manifest | Unjudged | None:
    """The manifest in a folder if it is of the subject."""
    key = manifest_key(folder)
    try:
        text = store.get(key, limit_bytes=MAX_MANIFEST_BYTES)
        manifest = Manifest.parse(text)
    except NotInStore:
        return Unjudged(folder, "no manifest lies there; perhaps a sink is at it")
    except SkipRecordError as error:
        return Unjudged(key, str(error))
    if folder != folder_key(manifest.robot, manifest.episode, sha256_hex(text)):
        return Unjudged(key, "it was changed, or is that of another folder")
    if manifest.provenance.source.get(SUBJECT) != subject:
        return None
    if _is_finished_as_anothers(store, manifest.episode, subject):
        return Unjudged(folder, "a conflict set it aside; its episode is of somebody else: remove it by hand")
    return manifest


def _is_finished_as_anothers(store: Store, episode: str, subject: str) -> bool:
    try:
        one = find_episode(store, episode)
    except DamagedEpisode:
        return False
    return one is not None and one.manifest.provenance.source.get(SUBJECT) != subject


def _only_listed(store: Store, episode: str) -> Erased | Unjudged:
    """What is in the catalogue as theirs, of which nothing can be read: it was erased, or is damaged."""
    key = f"catalogue/episodes: {episode}"
    try:
        note = read_erased(store, episode)
    except SkipRecordError as error:
        return Unjudged(key, str(error))
    if note is None:
        return Unjudged(key, "it is in the catalogue as theirs, and can't be read")
    return replace(note, complete=False)


def _training_of_nothing(store: Store, homes: Collection[str]) -> Iterator[Unjudged]:
    """Training files of episodes of which nothing else is there: they do not say whom they show."""
    strays = {home for key in store.list("training") if (home := _home(key)) not in homes}
    for home in sorted(strays):
        yield Unjudged(f"training/{home}", "training files of an episode that is not there")


def _home(key: str) -> str:
    """`home_of` of what lies below episodes/ or training/."""
    return "/".join(key.split("/")[1:3])
