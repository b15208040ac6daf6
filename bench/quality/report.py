"""The figures of a study: as one JSON document, and as text."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from bench.quality.faults import LEVELS, Fault
from bench.quality.rules import Flagged
from bench.quality.statistics import wilson
from bench.quality.study import Clean, Trial


def figures(
    *,
    clean: Sequence[Clean],
    frames: dict[str, tuple[int, int]],
    trials: Sequence[Trial],
    rules: Sequence[Flagged],
    faults: Sequence[Fault],
    criteria: str,
) -> dict[str, Any]:
    """Everything that the report tells, and every trial."""
    return {
        "criteria": criteria,
        "clean": _clean(clean, frames),
        "faults": [row for one in faults if (row := _fault(one, [t for t in trials if t.fault == one.name]))],
        "rules": [asdict(one) for one in rules],
        "trials": [asdict(one) for one in trials],
        "takes": [asdict(one) for one in clean],
    }


def _clean(clean: Sequence[Clean], frames: dict[str, tuple[int, int]]) -> dict[str, Any]:
    hours = sum(one.seconds for one in clean) / 3600
    rejected = sum(bool(one.false_rejects) for one in clean)
    reviewed = sum(bool(one.false_reviews or one.false_rejects) for one in clean)
    return {
        "episodes": len(clean),
        "hours": hours,
        "false_rejects": _share(rejected, len(clean)),
        "false_rejects_per_hour": rejected / hours if hours else 0.0,
        "false_reviews": _share(reviewed, len(clean)),
        "frames": {kind: _share(*counts) for kind, counts in frames.items()},
        "reasons": dict(Counter(reason for one in clean for reason in (*one.false_reviews, *one.false_rejects))),
    }


def _share(hits: int, trials: int) -> dict[str, Any]:
    return {"hits": hits, "of": trials, "share": hits / trials if trials else 0.0, "interval": wilson(hits, trials)}


def _fault(one: Fault, trials: Sequence[Trial]) -> dict[str, Any] | None:
    if not trials:
        return None
    levels = {}
    for level, value in zip(LEVELS, one.ladder, strict=True):
        of = [t for t in trials if t.level == level]
        late = [t.late_s for t in of if t.late_s is not None]
        levels[level] = {
            "value": value,
            "found": _share(sum(t.found for t in of), len(of)),
            "right_first": _share(sum(t.right_first for t in of), sum(t.found for t in of)),
            "first_reasons": dict(Counter(t.first for t in of).most_common()),
            "late_s": median(late) if late else None,
        }
    return {"fault": one.name, "unit": one.unit, "codes": sorted(one.codes), "levels": levels}


def text(found: dict[str, Any]) -> Iterator[str]:
    """Lines for a terminal and for docs/quality.md."""
    yield f"criteria {found['criteria']}"
    yield from _clean_lines(found["clean"])
    yield ""
    yield "| fault | unit | mild | middle | severe | middle: right reason first | middle: first reasons | s late |"
    yield "|---|---|---|---|---|---|---|---|"
    for row in found["faults"]:
        yield _fault_line(row)
    yield ""
    yield "| frames | n | Laplacian < 80 | Laplacian < 100 | mean < 40 | ours: blurred | ours: light |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for one in found["rules"]:
        of = max(one["of"], 1)
        flags = (one[name] for name in ("laplacian_80", "laplacian_100", "light_40", "blurred", "exposed"))
        yield f"| {one['frames']} | {one['of']} | " + " | ".join(f"{100 * n / of:.0f} %" for n in flags) + " |"


def _clean_lines(clean: dict[str, Any]) -> Iterator[str]:
    yield f"clean: {clean['episodes']} episodes, {3600 * clean['hours']:.0f} s"
    yield f"  false rejects {_said(clean['false_rejects'])}, {clean['false_rejects_per_hour']:.1f} an hour"
    yield f"  false reviews {_said(clean['false_reviews'])}: {clean['reasons'] or 'none'}"
    for kind, one in clean["frames"].items():
        yield f"  bad frames of {kind} {_said(one)}"


def _said(one: dict[str, Any]) -> str:
    low, high = one["interval"]
    return f"{one['hits']}/{one['of']} ({100 * one['share']:.1f} %; {100 * low:.1f}-{100 * high:.1f})"


def _fault_line(row: dict[str, Any]) -> str:
    levels = [row["levels"][level] for level in LEVELS]
    cells = [f"{level['value']:g}: {_brief(level['found'])}" for level in levels]
    middle = levels[1]
    firsts = ", ".join(f"{code} {n}" for code, n in middle["first_reasons"].items())
    late = "" if middle["late_s"] is None else f"{middle['late_s']:+.2f}"
    right = _brief(middle["right_first"])
    return "| " + " | ".join([row["fault"], row["unit"], *cells, right, firsts, late]) + " |"


def _brief(one: dict[str, Any]) -> str:
    if not one["of"]:
        return "-"
    low, high = one["interval"]
    return f"{one['share']:.2f} ({low:.2f}-{high:.2f})"
