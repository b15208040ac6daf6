"""The record of a run: every fault with its time, and what the checker found."""

import json
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from bench.faults.checker import NEVER, Findings
from bench.faults.fleet import STUCK, Exit
from bench.faults.rounds import Outcome

_SAID = "saltwell: "
"""How the last line of a process begins that ended on purpose."""


@dataclass(slots=True)
class Report:
    """What a run came to, round by round; `end` is the check of everything at the end."""

    seed: int
    brokers: int
    poison: int = 0
    rounds: list[Outcome] = field(default_factory=list)
    end: Findings = field(default_factory=Findings)
    exits: list[Exit] = field(default_factory=list)
    episodes: int = 0
    frames: int = 0

    def crashes(self) -> list[Exit]:
        """Processes that ended without being killed and without a word."""
        return [e for e in self.exits if not e.word.startswith(_SAID)]

    def problems(self) -> list[str]:
        """Everything that is wrong, each line once."""
        lines = [f"round {r.number}: {line}" for r in self.rounds for line in [*r.findings.all(), *r.broken]]
        lines += [f"at the end: {line}" for line in self.end.all()]
        return lines + [f"{e.worker} crashed ({e.code}): {e.word}" for e in self.crashes()]

    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems()

    def recovery_s(self) -> dict[str, list[float]]:
        """Seconds from the loss of a process to the next output, by what was lost."""
        times: dict[str, list[float]] = defaultdict(list)
        for event in (event for r in self.rounds for event in r.events):
            if isinstance(took_s := event.get("next_output_s"), float):
                times[f"{event['kind']} {event['target']}".strip()].append(took_s)
        return dict(sorted(times.items()))


def line(outcome: Outcome) -> str:
    """A round in one line, while it runs."""
    faults = ", ".join(f"{event['kind']} {event['target']}".strip() for event in outcome.events)
    wrong = [*outcome.findings.all(), *outcome.broken]
    return f"round {outcome.number}: {faults}: {outcome.took_s:.0f} s, " + ("; ".join(wrong[:5]) or "nothing wrong")


def table(report: Report) -> str:
    """The run for people."""
    kinds = Counter(str(event["kind"]) for r in report.rounds for event in r.events)
    by_kind: dict[str, Counter[str]] = defaultdict(Counter)
    for r in report.rounds:
        for kind in {str(event["kind"]) for event in r.events}:
            by_kind[kind].update(r.findings.counts())
            by_kind[kind]["listed"] += r.findings.listed.total()
    run = f"seed {report.seed}, {report.brokers} broker(s), {len(report.rounds)} rounds: {kinds.total()} fault events"
    lines = [
        f"{run}, {report.episodes} episodes, {report.frames} frames",
        f"{'fault (in rounds with it)':26} {'events':>6} " + " ".join(f"{n:>10}" for n in (*NEVER, "listed")),
    ]
    for kind, count in sorted(kinds.items()):
        lines.append(f"{kind:26} {count:6} " + " ".join(f"{by_kind[kind][n]:10}" for n in (*NEVER, "listed")))
    total = report.end.counts() | {"listed": report.end.listed.total()}
    lines.append(f"{'all, at the end':26} {kinds.total():6} " + " ".join(f"{n:10}" for n in total.values()))
    lines.append(f"malformed records: {sum(int(str(e.get('records', 0))) for r in report.rounds for e in r.events)}")
    stuck = sum(e.word == STUCK for e in report.exits)
    said = len(report.exits) - len(report.crashes()) - stuck
    lines.append(f"processes that crashed: {len(report.crashes())}; ended with a word: {said}; were stuck: {stuck}")
    for what, times_s in report.recovery_s().items():
        p50, most = np.percentile(times_s, 50), max(times_s)
        lines.append(f"{what:26} to next output: p50 {p50:5.1f} s, max {most:5.1f} s, of {len(times_s)}")
    return "\n".join(lines + report.problems())


def write(report: Report, path: Path) -> None:
    """Keep the record."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = {
        "seed": report.seed,
        "brokers": report.brokers,
        "episodes": report.episodes,
        "frames": report.frames,
        "found": report.end.counts(),
        "listed": dict(report.end.listed),
        "problems": report.problems(),
        "recovery_s": report.recovery_s(),
        "exits": [asdict(e) for e in report.exits],
        "events": [{"round": r.number, **event} for r in report.rounds for event in r.events],
    }
    path.write_text(json.dumps(text, indent=2) + "\n", encoding="utf-8")
