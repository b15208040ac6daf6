"""The criteria: rules with limits, read from one versioned TOML file."""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from processors.judge.names import spoken
from saltwell.contracts.identity import StreamKind
from saltwell.contracts.results import Reason
from saltwell.errors import StopError

BUILT_IN = Path(__file__).with_name("criteria.toml")

SEVERITIES: tuple[str, ...] = ("reject", "review", "note")
"""Worst first. A note is told and changes no decision."""

_MAX_BYTES = 1024 * 1024
_HASH_DIGITS = 12
_KINDS = frozenset(get_args(StreamKind)) | {"episode"}
_FIELDS = frozenset({"code", "kinds", "above", *SEVERITIES, "unit", "source", "text"})


@dataclass(frozen=True, slots=True)
class Measured:
    """One number about one stream, and the time it is about (sensor clock, ns; 0 = the whole episode).

    `kind` "episode" and an empty stream: about the episode as a whole. `joint` counts from 0; -1 = none. `note`: what
    else its sentence says.
    """

    code: str
    stream: str
    kind: str
    value: float
    from_ns: int = 0
    to_ns: int = 0
    joint: int = -1
    note: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A measure's limits by severity, and the sentence for the operator."""

    code: str
    kinds: frozenset[str]
    above: bool
    limits: Mapping[str, float]
    unit: str
    source: str
    text: str

    def judge(self, measured: Measured, *, began_ns: int = 0) -> Reason | None:
        """The reason, when the value crosses a limit. `began_ns`: the episode's begin by the stream's clock."""
        for severity in SEVERITIES:
            limit = self.limits.get(severity)
            if limit is not None and self._crosses(measured.value, limit):
                return Reason(
                    code=self.code,
                    stream=measured.stream,
                    severity=severity,
                    value=measured.value,
                    limit=limit,
                    unit=self.unit,
                    from_ns=measured.from_ns,
                    to_ns=measured.to_ns,
                    text=self.sentence(measured, began_ns=began_ns),
                )
        return None

    def sentence(self, measured: Measured, *, began_ns: int = 0) -> str:
        """What the operator reads."""
        seconds = (measured.from_ns - began_ns) / 1e9
        return self.text.format(
            stream=measured.stream,
            name=spoken(measured.stream, measured.kind),
            value=measured.value,
            percent=f"{100 * measured.value:.1f} %",
            at=f" from {seconds:.1f} s" if measured.from_ns and began_ns else "",
            note=measured.note,
            joint=f" of joint {measured.joint}" if measured.joint >= 0 else "",
        )

    def _crosses(self, value: float, limit: float) -> bool:
        return value > limit if self.above else value < limit


@dataclass(frozen=True, slots=True)
class Criteria:
    """All rules, and the settings of the measures."""

    version: str
    settings: dict[str, float]
    rules: tuple[Rule, ...]

    def reasons(self, measured: list[Measured], *, began_ns: Mapping[str, int] | None = None) -> list[Reason]:
        """Every rule that fires: rejects, reviews, notes, each in the order of the file and by stream.

        `began_ns`: when the episode began, by each stream's own clock.
        """
        began = began_ns or {}
        found = [
            (SEVERITIES.index(reason.severity), place, reason.stream, reason)
            for place, rule in enumerate(self.rules)
            for m in measured
            if m.code == rule.code
            and m.kind in rule.kinds
            and (reason := rule.judge(m, began_ns=began.get(m.stream, 0))) is not None
        ]
        return [reason for *_, reason in sorted(found, key=lambda f: f[:3])]


def load_criteria(path: Path = BUILT_IN) -> Criteria:
    """Criteria of a file; StopError that names the rule and the field when it is not valid."""
    try:
        data = path.read_bytes()[: _MAX_BYTES + 1]
        if len(data) > _MAX_BYTES:
            raise StopError(f"{path}: criteria are larger than {_MAX_BYTES} bytes")
        parsed = tomllib.loads(data.decode())
        rules = tuple(_rule(entry) for entry in _known(parsed)["rule"])
        digest = hashlib.sha256(data).hexdigest()[:_HASH_DIGITS]
        settings = _settings(parsed["measure"], whole=path == BUILT_IN)
        return Criteria(f"{parsed['version']}+{digest}", settings, rules)
    except KeyError as error:
        raise StopError(f"{path}: not valid criteria: {error.args[0]!r} is missing") from error
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise StopError(f"{path}: not valid criteria: {error}".replace("\n", " ")) from error


def _known(parsed: dict[str, Any]) -> dict[str, Any]:
    if unknown := parsed.keys() - {"version", "measure", "rule"}:
        raise ValueError(f"{', '.join(sorted(unknown))} is not known")
    return parsed


def _settings(measure: dict[str, Any], *, whole: bool) -> dict[str, float]:
    """All settings that the built-in criteria have, and no others."""
    if not whole:
        wanted = load_criteria().settings.keys()
        for names, fault in ((wanted - measure.keys(), "missing"), (measure.keys() - wanted, "not known")):
            if names:
                raise ValueError(f"setting {min(names)!r} of [measure] is {fault}")
    return {name: float(value) for name, value in measure.items()}


def _rule(entry: dict[str, Any]) -> Rule:
    name = f"rule {entry.get('code')!r}"
    if unknown := entry.keys() - _FIELDS:
        raise ValueError(f"{name}: {', '.join(sorted(unknown))} is not known")
    if missing := {"code", "kinds", "unit", "source", "text"} - entry.keys():
        raise ValueError(f"{name}: {', '.join(sorted(missing))} is missing")
    if not entry["source"]:
        raise ValueError(f"{name} has no source")
    if unknown := set(entry["kinds"]) - _KINDS:
        raise ValueError(f"{name}: kind {min(unknown)!r} is not known")
    rule = Rule(
        code=str(entry["code"]),
        kinds=frozenset(entry["kinds"]),
        above=bool(entry.get("above", True)),
        limits=_limits(name, entry),
        unit=str(entry["unit"]),
        source=str(entry["source"]),
        text=str(entry["text"]),
    )
    try:
        rule.sentence(Measured(rule.code, "/stream", "color", 1.0))
    except (KeyError, IndexError, AttributeError) as error:
        raise ValueError(f"{name}: its text can't be filled: {error}") from error
    return rule


def _limits(name: str, entry: dict[str, Any]) -> dict[str, float]:
    """Limits from the strictest severity to the mildest, each further out than the next."""
    limits = {severity: entry[severity] for severity in SEVERITIES if severity in entry}
    for severity, limit in limits.items():
        if isinstance(limit, bool) or not isinstance(limit, int | float):
            raise TypeError(f"{name}: {severity} is {limit!r}, not a number")
    if not limits:
        raise ValueError(f"{name} has none of {', '.join(SEVERITIES)}")
    order = list(limits.values())
    if order != sorted(order, reverse=bool(entry.get("above", True))):
        raise ValueError(f"{name}: a milder limit lies beyond a stricter one")
    return {severity: float(limit) for severity, limit in limits.items()}
