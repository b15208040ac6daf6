"""Refuses names that the pipeline would refuse at its other end, before anything is sent under them. Pure."""

from collections.abc import Iterable

from saltwell.contracts.bounds import MAX_NAME_BYTES, UndecodableRecord, can_name
from saltwell.contracts.checks import check
from saltwell.contracts.timeline import EpisodeStarted
from saltwell.errors import StopError

_SHOWN = 60


def usable_name(what: str, name: str) -> str:
    """The name of a robot, an episode or a stream. Raises StopError when nothing can be called so."""
    if not can_name(name):
        raise StopError(
            f"{what} {ascii(name)[:_SHOWN]}: a name has 1 to {MAX_NAME_BYTES} bytes, counted as in a URL; "
            f"give the {what} another"
        )
    return name


def usable_beginning(started: EpisodeStarted) -> EpisodeStarted:
    """The first event of an episode that everybody behind it can read. Raises StopError for any other."""
    usable_name("robot", started.robot)
    usable_name("episode", started.episode)
    usable_streams(stream.name for stream in started.streams)
    try:
        check(started)
    except UndecodableRecord as error:
        raise StopError(f"episode {started.episode} can't begin: {error}") from None
    return started


def usable_streams(names: Iterable[str]) -> None:
    """Raises StopError for the first name that no stream can have."""
    for name in names:
        usable_name("stream", name)
