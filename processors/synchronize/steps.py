"""The steps that wait, in the order of their times; they go out as frames arrive and edge time passes. Pure.

Everything happens at the time of an arrival, an expiry or a deadline, never at that of an event of the timeline: how
the arrivals were cut into events changes nothing, and arrivals within the bounds give the same steps in any order.
"""

import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field

from processors.synchronize.matching import EXACT, FOREVER_NS, HELD, INTERPOLATED, MISSING, Match, final_ns, match
from processors.synchronize.spread import Spread
from processors.synchronize.track import Track

LOOK_BACK_NS = 500_000_000
"""A step may come so much behind the last one out and still find its frames."""

_NEVER_NS = -(2**63)


@dataclass(frozen=True, slots=True, order=True)
class Waiting:
    """A step to come: its time, when its own frame arrived, and until when a step before it may come."""

    t_ref_ns: int
    anchored_ns: int
    settled_ns: int


@dataclass(slots=True)
class Tally:
    """How one stream was matched so far."""

    kinds: list[int] = field(default_factory=lambda: [0] * len((EXACT, INTERPOLATED, HELD, MISSING)))
    skew_ns: Spread = field(default_factory=Spread)

    def add(self, found: Match) -> None:
        """Take the next step's match."""
        self.kinds[found.kind] += 1
        if found.kind != MISSING:
            self.skew_ns.put(found.skew_ns)


class Steps:
    """Waits with each step until nothing that may still come can change it, or until its deadline."""

    def __init__(self, tracks: Sequence[Track], *, deadline_ns: int) -> None:
        self.tracks = sorted(tracks, key=lambda track: track.name)
        self.tallies = [Tally() for _ in self.tracks]
        self.hold_ns = Spread()
        self.complete = 0
        self.at_deadline = 0
        self.count = 0
        self.emitted_ns = _NEVER_NS
        self._deadline_ns = deadline_ns
        self._required = [track.policy.required for track in self.tracks]
        self._waiting: list[Waiting] = []
        self._settled = 0  # so many tracks stand for the first step that waits
        self.due_ns = FOREVER_NS
        self._now_ns = _NEVER_NS
        self._out: list[tuple[int, list[Match]]] = []

    def push(self, step: Waiting) -> None:
        """A step to wait for; call `arrived` or `pass_time` next."""
        at = bisect.bisect_right(self._waiting, step)
        self._waiting.insert(at, step)
        if at == 0:
            self._settled, self.due_ns = 0, _NEVER_NS

    def arrived(self, stream: str, at_ns: int) -> None:
        """A frame is in its stream's track."""
        if self.due_ns == _NEVER_NS or (self._waiting and self.tracks[self._settled].name == stream):
            self._now_ns = max(self._now_ns, at_ns)
            self._settle()

    def pass_time(self, until_ns: int) -> None:
        """Let what expires before `until_ns` expire; nothing does before `due_ns`."""
        while self._waiting and self.due_ns < until_ns:
            self._now_ns = max(self._now_ns, self.due_ns)
            self._settle()

    def end(self, at_ns: int) -> None:
        """Nothing more comes."""
        self.pass_time(at_ns)
        self._now_ns = max(self._now_ns, at_ns)
        while self._waiting:
            self._emit(self._waiting.pop(0))

    def take(self) -> list[tuple[int, list[Match]]]:
        """Steps that went out since the last call: times and a match for each track."""
        taken, self._out = self._out, []
        horizon = min(self.emitted_ns, self._waiting[0].t_ref_ns if self._waiting else self.emitted_ns)
        for track in self.tracks:
            track.retire(horizon - LOOK_BACK_NS)
        return taken

    def _settle(self) -> None:
        while self._waiting:
            first = self._waiting[0]
            stands_ns = self._stands_ns(first)
            deadline_ns = first.anchored_ns + self._deadline_ns
            if self._now_ns < min(stands_ns, deadline_ns):
                self.due_ns = min(stands_ns, deadline_ns)
                return
            self.at_deadline += stands_ns > self._now_ns
            self._settled = 0
            self._emit(self._waiting.pop(0))
        self.due_ns = FOREVER_NS

    def _stands_ns(self, step: Waiting) -> int:
        """From when on the step stands as far as the first stream that it waits for tells; goes on where it was."""
        if step.settled_ns > self._now_ns:
            return step.settled_ns
        while self._settled < len(self.tracks):
            at_ns = final_ns(self.tracks[self._settled], step.t_ref_ns, anchored_ns=step.anchored_ns)
            if at_ns > self._now_ns:
                return at_ns
            self._settled += 1
        self._settled = 0
        return self._now_ns

    def _emit(self, step: Waiting) -> None:
        found = [match(track, step.t_ref_ns) for track in self.tracks]
        if not self.count and all(one.kind == MISSING for one in found):
            return  # steps of a fixed rate begin with the first frame
        for tally, one in zip(self.tallies, found, strict=True):
            tally.add(one)
        self.complete += not any(
            one.kind == MISSING for one, counts in zip(found, self._required, strict=True) if counts
        )
        self.hold_ns.put(max(min(self._now_ns - step.anchored_ns, self._deadline_ns), 0))
        self.emitted_ns = max(self.emitted_ns, step.t_ref_ns)
        self.count += 1
        self._out.append((step.t_ref_ns, found))
