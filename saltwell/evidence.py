"""What a store keeps of an episode for judging it again; the parts that keep and judge it find each other here.

A store gives evidence, a judge makes a verdict of it. Neither imports the other: both say by entry points that they
can, and the commands `saltwell rejudge` and `saltwell baselines` put them together.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

from saltwell.contracts.results import Verdict
from saltwell.errors import StopError

_GROUP = "saltwell.evidence"

Judge = Callable[[Iterable[Any]], Verdict]
"""Gives the verdict on the records of one episode: ScoreBlock, StreamEnded and AlignmentEnded, in their order."""


@dataclass(frozen=True, slots=True)
class StoredEvidence:
    """An episode's records of evidence, and what was decided when it was stored."""

    robot: str
    episode: str
    task: str
    decision: str
    criteria_version: str
    records: Sequence[Any]


ReadStore = Callable[[str, Sequence[str]], Iterator[StoredEvidence]]
"""Takes a store's URL and names of episodes (none = all); raises StopError."""


def part(name: str) -> Any:
    """What an installed part offers by this name: `store`, `judge`, `learn`. StopError when none does."""
    found = [point for point in entry_points(group=_GROUP) if point.name == name]
    if not found:
        raise StopError(f"no installed part offers {name!r}; pip install 'saltwell[processors,sinks]'")
    try:
        return found[0].load()
    except ModuleNotFoundError as error:
        raise StopError(f"{name!r} needs {error.name}; pip install 'saltwell[processors,sinks]'") from error
