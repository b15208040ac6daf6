"""Collects what is known of one episode and judges it when everything is in. Pure."""

from collections.abc import Iterator, Mapping

import numpy as np

from processors.judge.baselines import Baselines, Facts, facts_of
from processors.judge.content.check import ContentCheck
from processors.judge.content.measures import content_measures
from processors.judge.criteria import Criteria, Measured
from processors.judge.joints import Motion
from processors.judge.measures import ledger_measures, origin_measures, score_measures, timing_measures
from processors.judge.scenes import swapped_cameras
from processors.judge.series import StreamScores
from saltwell.contracts.columns import i64
from saltwell.contracts.identity import Decision
from saltwell.contracts.results import AlignmentEnded, Reason, ScoreBlock, StreamLedger, Verdict
from saltwell.contracts.timeline import StreamEnded
from saltwell.ledger import balances, stream_ledger


class EpisodeCase:
    """The evidence on one episode."""

    def __init__(self) -> None:
        self._scores: dict[str, StreamScores] = {}
        self._seen: dict[str, set[int]] = {}
        self._unreadable: dict[str, set[int]] = {}
        self._duplicates: dict[str, int] = {}
        self._ended: dict[str, StreamEnded] = {}
        self._alignment: AlignmentEnded | None = None
        self._content = ContentCheck()

    def take(self, record: object) -> None:
        """Take a record of evidence; any other says nothing here (the steps' sums come with AlignmentEnded)."""
        match record:
            case ScoreBlock():
                self._score(record)
            case StreamEnded():
                self._ended[record.stream] = record
            case AlignmentEnded():
                self._alignment = record

    def _score(self, block: ScoreBlock) -> None:
        name = block.stream
        unreadable = {frame.seq for frame in block.unreadable}
        self._scores.setdefault(name, StreamScores()).add(block)
        self._seen.setdefault(name, set()).update(i64(block.seq).tolist(), unreadable)
        self._unreadable.setdefault(name, set()).update(unreadable)
        self._duplicates[name] = self._duplicates.get(name, 0) + block.duplicates
        self._content.add(block)

    def is_complete(self) -> bool:
        """Whether nothing more can come."""
        return self._alignment is not None and all(t.stream in self._ended for t in self._alignment.streams)

    def is_discarded(self) -> bool:
        """Whether the operator threw the episode away; then nobody waits for a verdict."""
        return self._alignment is not None and self._alignment.ending == "discarded"

    def verdict(self, criteria: Criteria, baselines: Baselines | None = None) -> Verdict:
        """The decision and its reasons; call when complete."""
        alignment = self._report()
        ledgers = [self._ledger(ended) for _, ended in sorted(self._ended.items())]
        content = self._content.offsets({t.stream: t.clock_offset_ns for t in alignment.streams})
        measured = [*self._measured(alignment, ledgers, criteria), *content_measures(content)]
        if baselines is not None:
            measured += baselines.measures(facts_of(alignment, self._scores, measured))
        began_ns = {t.stream: alignment.started_ns - t.clock_offset_ns for t in alignment.streams}
        reasons = [*_endings(alignment, ledgers), *criteria.reasons(measured, began_ns=began_ns)]
        return Verdict(
            site=alignment.site,
            robot=alignment.robot,
            episode=alignment.episode,
            decision=_decision(reasons),
            reasons=reasons,
            criteria_version=criteria.version + (f"/{baselines.version}" if baselines else ""),
            streams=ledgers,
            content=content,
        )

    def facts(self, criteria: Criteria) -> Facts:
        """What baselines are learned from; call when complete."""
        alignment = self._report()
        return facts_of(alignment, self._scores, self._measured(alignment, [], criteria))

    def _report(self) -> AlignmentEnded:
        if self._alignment is None:
            raise ValueError("not complete")
        return self._alignment

    def _ledger(self, ended: StreamEnded) -> StreamLedger:
        name = ended.stream
        return stream_ledger(
            ended,
            seen=self._seen.get(name, set()),
            unreadable=self._unreadable.get(name, set()),
            duplicates=self._duplicates.get(name, 0),
        )

    def _measured(
        self, alignment: AlignmentEnded, ledgers: list[StreamLedger], criteria: Criteria
    ) -> Iterator[Measured]:
        offsets = {timing.stream: timing.clock_offset_ns for timing in alignment.streams}
        moving = self._motion(offsets, criteria.settings["still_rad_s"])
        for ledger in ledgers:
            yield from ledger_measures(ledger)
        for timing in alignment.streams:
            yield from timing_measures(timing)
        yield from origin_measures(alignment.streams)
        for name, scores in sorted(self._scores.items()):
            own = moving.by_clock(offsets.get(name, 0))
            yield from score_measures(name, scores, settings=criteria.settings, moving=own)
        cameras = {name: scores for name, scores in self._scores.items() if scores.kind == "color"}
        yield from swapped_cameras(cameras, offsets)

    def _motion(self, offsets_ns: Mapping[str, int], still_rad_s: float) -> Motion:
        """Speeds of all joint streams, in site time."""
        joints = [
            (name, *scores.known("speed")) for name, scores in sorted(self._scores.items()) if scores.kind == "joints"
        ]
        times = [times_ns + offsets_ns.get(name, 0) for name, times_ns, _ in joints]
        speeds = [speed for *_, speed in joints]
        none = np.empty(0, dtype=np.int64)
        return Motion(np.concatenate([none, *times]), np.concatenate([np.empty(0), *speeds]), still_rad_s)


def _endings(alignment: AlignmentEnded, ledgers: list[StreamLedger]) -> Iterator[Reason]:
    """What no threshold decides: an episode without steps, an aborted one, a ledger that does not balance."""
    if alignment.steps == 0:
        yield _fact("no_steps", "", "reject", "the episode has no steps: no camera frame arrived")
    if alignment.ending != "stopped":
        yield _fact("aborted", "", "review", f"the episode was not stopped: {alignment.reason}")
    for ledger in ledgers:
        if not balances(ledger):
            yield _fact("ledger", ledger.stream, "review", f"the frames of {ledger.stream} do not add up")


def _fact(code: str, stream: str, severity: str, text: str) -> Reason:
    return Reason(code, stream, severity, 1.0, 0.0, "", 0, 0, text)


def _decision(reasons: list[Reason]) -> Decision:
    severities = {reason.severity for reason in reasons}
    if "reject" in severities:
        return "reject"
    return "review" if "review" in severities else "accept"
