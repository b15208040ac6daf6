"""Judging an episode again from its stored evidence. Pure, but for reading the criteria."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from processors.judge.baselines import learn, load_baselines
from processors.judge.criteria import BUILT_IN, load_criteria
from processors.judge.episode import EpisodeCase
from saltwell.contracts.results import Verdict
from saltwell.errors import SkipRecordError
from saltwell.evidence import Judge, StoredEvidence


def judge_by(criteria: Path | None, baselines: Path | None = None) -> Judge:
    """A judge under the criteria of a file (None = the built-in ones), against baselines when there are any.

    StopError when a file is not valid.
    """
    loaded = load_criteria(criteria or BUILT_IN)
    usual = load_baselines(baselines) if baselines else None

    def judge(records: Iterable[Any]) -> Verdict:
        return case_of(records).verdict(loaded, usual)

    return judge


def learn_from(evidence: Iterable[StoredEvidence]) -> tuple[str, int]:
    """Text of the baselines of the accepted episodes, and how many there were."""
    criteria = load_criteria()
    facts = [case_of(one.records).facts(criteria) for one in evidence if one.decision == "accept"]
    return learn(facts).encode(), len(facts)


def case_of(records: Iterable[Any]) -> EpisodeCase:
    """The case of an episode from its records; SkipRecordError when some are missing."""
    case = EpisodeCase()
    for record in records:
        case.take(record)
    if not case.is_complete():
        raise SkipRecordError("the evidence is not complete: the report of the alignment or a stream is missing")
    return case
