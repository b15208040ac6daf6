"""Runs faults through the pipeline and says what the verdicts came to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice, product
from zlib import crc32

import numpy as np

from bench.quality.faults import LEVELS, MIDDLE, Fault, Injected, fitting, inject
from bench.quality.pipeline import Pipeline
from bench.quality.takes import Take
from processors.judge.criteria import Criteria
from saltwell.contracts.results import Reason, Verdict

NATURAL: dict[str, frozenset[str]] = {
    "g1_pick_bottle_29": frozenset({"repeats"}),
    "g1_pick_bottle_30": frozenset({"repeats"}),
    "kuka_torque": frozenset({"idle", "late_start"}),
    "tum_rgbd_6s": frozenset({"blur", "motion_blur"}),
    "station_composite_6s": frozenset({"motion_blur"}),
    "quest2_ur5e_traj1": frozenset({"late_frames", "body_sync", "coverage"}),  # the headset's clock is 258 ms behind
}
"""What recordings have by themselves (the data's README, and an arm that stands still): no false reason there."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One fault in one take.

    `first` is the first new reason's code; `late_s` from the begin of the fault to what the reason says, None where
    it was not found.
    """

    fault: str
    level: str
    scene: str
    stream: str
    found: bool
    right_first: bool
    first: str
    decision: str
    late_s: float | None


@dataclass(frozen=True, slots=True)
class Clean:
    """A take without a fault: its decision, and the reasons it does not deserve."""

    scene: str
    seconds: float
    decision: str
    false_reviews: tuple[str, ...]
    false_rejects: tuple[str, ...]
    notes: tuple[str, ...]


def judge_clean(takes: Sequence[Take], pipeline: Pipeline, criteria: Criteria) -> Iterator[Clean]:
    """Verdicts of takes as they are."""
    for take in takes:
        verdict = pipeline.verdict(take, criteria, keep=True)
        false = [r for r in verdict.reasons if r.code not in NATURAL.get(take.scene, frozenset())]
        yield Clean(
            scene=take.scene,
            seconds=(take.stopped_ns - take.started_ns) / 1e9,
            decision=verdict.decision,
            false_reviews=tuple(f"{r.code} {r.stream}" for r in false if r.severity == "review"),
            false_rejects=tuple(f"{r.code} {r.stream}" for r in false if r.severity == "reject"),
            notes=tuple(f"{r.code} {r.stream}" for r in verdict.reasons if r.severity == "note"),
        )


def run(
    faults: Sequence[Fault],
    takes: Sequence[Take],
    pipeline: Pipeline,
    criteria: Criteria,
    *,
    trials: int,
    levels: Sequence[str] = LEVELS,
) -> Iterator[Trial]:
    """So many trials of every fault at its middle level, half as many at the others, over takes and streams in turn.

    Of a take only what the fault may touch is looked at: the stream (two for a swap) and the joints.
    """
    bases = _Bases(pipeline, criteria)
    for one, level in product(faults, map(LEVELS.index, levels)):
        places = _in_turn([(take, name) for take in takes for name in fitting(one, take)])
        rng = np.random.default_rng([crc32(one.name.encode()), level])
        wanted = trials if level == MIDDLE else (trials + 1) // 2
        for take, stream in islice(cycle(places), 3 * wanted):
            slim = bases.slim(one, take, stream)
            if wanted and not _has_it(bases.of(slim), stream, one):
                wanted -= 1
                injected = inject(one, slim, stream, level, rng)
                yield _trial(one, level, injected, bases.of(slim), pipeline.verdict(injected.take, criteria))


class _Bases:
    """Parts of takes and their verdicts without a fault, each made once."""

    def __init__(self, pipeline: Pipeline, criteria: Criteria) -> None:
        self._pipeline = pipeline
        self._criteria = criteria
        self._slim: dict[tuple[int, tuple[str, ...]], Take] = {}
        self._verdicts: dict[int, Verdict] = {}

    def slim(self, one: Fault, take: Take, stream: str) -> Take:
        """The part of a take that a fault in a stream may touch."""
        names = {stream, *take.streams("joints"), *(fitting(one, take)[:2] if one.pair else ())}
        key = (id(take), tuple(sorted(names)))
        if key not in self._slim:
            self._slim[key] = take.only(names)
        return self._slim[key]

    def of(self, take: Take) -> Verdict:
        """The verdict of a part of a take."""
        if id(take) not in self._verdicts:
            self._verdicts[id(take)] = self._pipeline.verdict(take, self._criteria, keep=True)
        return self._verdicts[id(take)]


def _has_it(base: Verdict, stream: str, one: Fault) -> bool:
    """Whether a stream has that fault by itself: then a further one can't be told."""
    return any(r.code in one.codes and r.stream == stream for r in base.reasons)


def _in_turn(places: list[tuple[Take, str]]) -> list[tuple[Take, str]]:
    """Scenes take turns, so that few trials see many of them."""
    by_scene: dict[str, list[tuple[Take, str]]] = {}
    for place in places:
        by_scene.setdefault(place[0].scene, []).append(place)
    longest = max(map(len, by_scene.values()), default=0)
    return [of[n] for n in range(longest) for of in by_scene.values() if n < len(of)]


def _trial(one: Fault, level: int, injected: Injected, base: Verdict, verdict: Verdict) -> Trial:
    known = {(r.code, r.stream, r.severity) for r in base.reasons}
    new = [r for r in verdict.reasons if r.severity != "note" and (r.code, r.stream, r.severity) not in known]
    naming = [r for r in new if r.code in one.codes and r.stream in injected.streams]
    return Trial(
        fault=one.name,
        level=LEVELS[level],
        scene=injected.take.scene,
        stream=injected.streams[0],
        found=bool(naming),
        right_first=bool(naming) and new[0] in naming,
        first=new[0].code if new else "-",
        decision=verdict.decision,
        late_s=_late_s(naming, injected) if naming else None,
    )


def _late_s(naming: Sequence[Reason], injected: Injected) -> float | None:
    """From the arrival of the fault to what the reason says; None for reasons about the whole episode."""
    times = [r.from_ns for r in naming if r.from_ns]
    return (min(times) - injected.from_ns) / 1e9 if times else None
