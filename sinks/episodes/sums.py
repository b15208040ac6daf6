"""Ledgers of many episodes added up: what became of all frames of a store, by kind of stream and by cause. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from saltwell.contracts.identity import StreamKind
from saltwell.contracts.results import StreamLedger
from sinks.episodes.manifest import Manifest


@dataclass(slots=True)
class Sums:
    """Frames of the streams added so far: sent = written + lost by all causes."""

    streams: int = 0
    sent: int = 0
    written: int = 0
    duplicates: int = 0
    dead: int = 0
    lost: Counter[str] = field(default_factory=Counter)

    def add(self, ledger: StreamLedger) -> None:
        """Add one stream's."""
        self.streams += 1
        self.sent += ledger.sent
        self.written += ledger.written
        self.duplicates += ledger.duplicates
        self.dead += ledger.dead
        for lost in ledger.missing:
            self.lost[lost.cause] += lost.count

    def add_sums(self, other: "Sums") -> None:
        """Add what others added up."""
        self.streams += other.streams
        self.sent += other.sent
        self.written += other.written
        self.duplicates += other.duplicates
        self.dead += other.dead
        self.lost.update(other.lost)

    def as_object(self) -> dict[str, Any]:
        """As plain JSON values; `lost` by cause."""
        return {
            "streams": self.streams,
            "sent": self.sent,
            "written": self.written,
            "lost": dict(sorted(self.lost.items())),
            "duplicates": self.duplicates,
            "dead": self.dead,
        }


class StoreLedger:
    """Sums over the episodes of a store, by kind of stream."""

    def __init__(self) -> None:
        self.episodes = 0
        self._kinds: dict[StreamKind, Sums] = {}

    def add(self, manifest: Manifest) -> None:
        """Add an episode."""
        self.episodes += 1
        for entry in manifest.streams.values():
            self._kinds.setdefault(entry.kind, Sums()).add(entry.ledger)

    def kinds(self) -> Iterator[tuple[StreamKind, Sums]]:
        """Sums by kind of stream, in order of their names."""
        yield from sorted(self._kinds.items())

    def total(self) -> Sums:
        """Over all kinds."""
        total = Sums()
        for sums in self._kinds.values():
            total.add_sums(sums)
        return total

    def as_object(self) -> Mapping[str, Any]:
        """As plain JSON values."""
        kinds = {kind: sums.as_object() for kind, sums in self.kinds()}
        return {"episodes": self.episodes, "kinds": kinds, "total": self.total().as_object()}
