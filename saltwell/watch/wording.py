"""A verdict as people and pages read it. Pure."""

from typing import Any

from saltwell.contracts.results import Verdict

_WORST_FIRST = ("reject", "review", "note")


def verdict_object(verdict: Verdict) -> dict[str, Any]:
    """The verdict as plain JSON values; reasons worst first."""
    return {
        "episode": verdict.episode,
        "robot": verdict.robot,
        "site": verdict.site,
        "decision": verdict.decision,
        "criteria_version": verdict.criteria_version,
        "reasons": [
            {"code": r.code, "stream": r.stream, "severity": r.severity, "text": r.text}
            for r in sorted(verdict.reasons, key=lambda r: _rank(r.severity))
        ],
    }


def verdict_lines(verdict: Verdict) -> list[str]:
    """A line that can be read from across the table, then one for each reason."""
    head = f"{verdict.decision.upper():7} {verdict.robot}  {verdict.episode}"
    return [head, *(f"        {reason['text']}" for reason in verdict_object(verdict)["reasons"])]


def _rank(severity: str) -> int:
    return _WORST_FIRST.index(severity) if severity in _WORST_FIRST else len(_WORST_FIRST)
