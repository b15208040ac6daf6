"""Judging an episode again from its stored evidence. Pure, but for reading the criteria."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from processors.judge.criteria import BUILT_IN, load_criteria
from processors.judge.episode import EpisodeCase
from saltwell.contracts.results import AlignmentEnded, ScoreBlock, Verdict
from saltwell.contracts.timeline import StreamEnded
from saltwell.errors import SkipRecordError
from saltwell.evidence import Judge


def judge_by(criteria: Path | None) -> Judge:
    """A judge under the criteria of a file (None = the built-in ones); StopError when they are not valid."""
    loaded = load_criteria(criteria or BUILT_IN)

    def judge(records: Iterable[Any]) -> Verdict:
        return case_of(records).verdict(loaded)

    return judge


def case_of(records: Iterable[Any]) -> EpisodeCase:
    """The case of an episode from its records; SkipRecordError when some are missing."""
    case = EpisodeCase()
    for record in records:
        match record:
            case ScoreBlock():
                case.score(record)
            case StreamEnded():
                case.end_stream(record)
            case AlignmentEnded():
                case.end_alignment(record)
    if not case.is_complete():
        raise SkipRecordError("the evidence is not complete: the report of the alignment or a stream is missing")
    return case
