"""What a fault is: something that happens to the running pipeline, and ends."""

from random import Random
from typing import ClassVar

from bench.faults.rig import Rig
from bench.faults.robots import SPOOL_CAP_GB


class Fault:
    """One fault, drawn from a seed; everything it does follows from `rng` and `target`.

    `target` says what is hit, of `targets`. Faults that share a victim never come together. `lists` are causes under
    which frames may be listed as lost because of it: none, for most. `recording` is the variant that the round's first
    robot plays. `cuts` tells that the second robot, which has a spool of `spool_cap_gb`, can't record all of its
    episode: what it recorded must arrive, as an aborted one. The fault acts `at_s` after the episodes began, and is
    healed `for_s` later: ranges to draw from.
    """

    kind: ClassVar[str]
    victims: ClassVar[frozenset[str]] = frozenset()
    targets: ClassVar[tuple[str, ...]] = ("",)
    lists: ClassVar[tuple[str, ...]] = ()
    recording: ClassVar[str] = "plain"
    spool_cap_gb: ClassVar[float] = SPOOL_CAP_GB
    at_s: ClassVar[tuple[float, float]] = (0.2, 2.0)
    for_s: ClassVar[tuple[float, float]] = (0.5, 3.0)

    def __init__(self, rng: Random, target: str) -> None:
        self.rng = rng
        self.cuts = False
        self.target = target
        self.detail: dict[str, float | int | str | None] = {}

    @classmethod
    def victims_of(cls, target: str) -> frozenset[str]:
        """What is hit, by names."""
        return cls.victims or frozenset({target})

    def act(self, rig: Rig) -> None:
        """Let it happen."""

    def heal(self, rig: Rig) -> None:
        """Let it end."""

    def settle(self, rig: Rig) -> list[str]:
        """Look back when the round's episodes are finished; gives promises that were broken."""
        del rig
        return []
