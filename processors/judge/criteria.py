"""The criteria: rules with limits, read from one versioned TOML file."""

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saltwell.contracts.results import Reason
from saltwell.errors import StopError

BUILT_IN = Path(__file__).with_name("criteria.toml")
_MAX_BYTES = 1024 * 1024
_HASH_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Measured:
    """One number about one stream, and the time it is about (sensor clock, ns; 0 = the whole episode)."""

    code: str
    stream: str
    kind: str
    value: float
    from_ns: int = 0
    to_ns: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """A measure's limits, and the sentence for the operator."""

    code: str
    kinds: frozenset[str]
    above: bool
    review: float
    reject: float | None
    unit: str
    text: str

    def judge(self, measured: Measured) -> Reason | None:
        """The reason, when the value crosses a limit."""
        if self.reject is not None and self._crosses(measured.value, self.reject):
            return self._reason(measured, "reject", self.reject)
        if self._crosses(measured.value, self.review):
            return self._reason(measured, "review", self.review)
        return None

    def _crosses(self, value: float, limit: float) -> bool:
        return value > limit if self.above else value < limit

    def _reason(self, measured: Measured, severity: str, limit: float) -> Reason:
        text = self.text.format(stream=measured.stream, value=measured.value, percent=f"{100 * measured.value:.1f} %")
        return Reason(
            code=self.code,
            stream=measured.stream,
            severity=severity,
            value=measured.value,
            limit=limit,
            unit=self.unit,
            from_ns=measured.from_ns,
            to_ns=measured.to_ns,
            text=text,
        )


@dataclass(frozen=True, slots=True)
class Criteria:
    """All rules, and the settings of the measures."""

    version: str
    settings: dict[str, float]
    rules: tuple[Rule, ...]

    def reasons(self, measured: list[Measured]) -> list[Reason]:
        """Every rule that fires, rejects first, then in the order of the file and by stream."""
        found = [
            (reason.severity != "reject", place, reason.stream, reason)
            for place, rule in enumerate(self.rules)
            for m in measured
            if m.code == rule.code and m.kind in rule.kinds and (reason := rule.judge(m)) is not None
        ]
        return [reason for *_, reason in sorted(found, key=lambda f: f[:3])]


def load_criteria(path: Path = BUILT_IN) -> Criteria:
    """Criteria of a file; StopError that names the rule and the field when it is not valid."""
    try:
        data = path.read_bytes()[: _MAX_BYTES + 1]
        if len(data) > _MAX_BYTES:
            raise StopError(f"{path}: criteria are larger than {_MAX_BYTES} bytes")
        parsed = tomllib.loads(data.decode())
        rules = tuple(_rule(entry) for entry in parsed["rule"])
        digest = hashlib.sha256(data).hexdigest()[:_HASH_DIGITS]
        settings = {name: float(value) for name, value in parsed["measure"].items()}
        return Criteria(f"{parsed['version']}+{digest}", settings, rules)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StopError(f"{path}: not valid criteria: {error}") from error


def _rule(entry: dict[str, Any]) -> Rule:
    if not entry.get("source"):
        raise ValueError(f"rule {entry.get('code')!r} has no source")
    return Rule(
        code=str(entry["code"]),
        kinds=frozenset(entry["kinds"]),
        above=bool(entry.get("above", True)),
        review=float(entry["review"]),
        reject=float(entry["reject"]) if "reject" in entry else None,
        unit=str(entry["unit"]),
        text=str(entry["text"]),
    )
