"""Compares what was sent with what finished episodes hold, in the manner of Jepsen. Pure.

- lost: a frame that is neither in the episode nor listed as lost with a cause.
- duplicate: a frame that is in the episode twice, or an episode that was announced twice.
- torn: what is there is not what was sent: other bytes, frames nobody sent, a file that does not verify, other steps
  than an undisturbed run gives.
- unseen: stored and not announced, or announced and not stored, or not as announced.
- unfinished: sent, and neither stored nor announced when time was up.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from bench.faults.held import Held, repeated
from bench.faults.sent import Frame, Sent

NEVER = ("lost", "duplicate", "torn", "unseen", "unfinished")


@dataclass(slots=True)
class Findings:
    """What is wrong, one line each; `listed` counts frames by the cause under which a ledger lists them as lost."""

    lost: list[str] = field(default_factory=list)
    duplicate: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    listed: Counter[str] = field(default_factory=Counter)

    def counts(self) -> dict[str, int]:
        """How many of each."""
        return {name: len(getattr(self, name)) for name in NEVER}

    def all(self) -> list[str]:
        """All that is wrong, each line with its kind."""
        return [f"{name}: {line}" for name in NEVER for line in getattr(self, name)]

    def add(self, other: "Findings") -> None:
        """Take in what another look found."""
        for name in NEVER:
            getattr(self, name).extend(getattr(other, name))
        self.listed.update(other.listed)


def check(
    sent: Sent, held: Held | None, announced: Sequence[str], *, steps: str = "", causes: Collection[str] = ()
) -> Findings:
    """Check one episode.

    `announced` are the hashes of manifests under which it was announced, `steps` the hash of the steps that an
    undisturbed run gives ("" = do not compare). Frames may be listed as lost under `causes` only.
    """
    found = Findings()
    if held is None:
        kind = found.unseen if announced else found.unfinished
        kind.append(f"{sent.episode} is not in the store")
        return found
    found.unseen += [f"{sent.episode}: {line}" for line in _announcement(held, announced)]
    found.duplicate += [f"{sent.episode} was announced {len(announced)} times"] if len(announced) > 1 else []
    found.duplicate += _lines(sent, "is there twice", repeated([frame for frame, _ in held.frames]))
    found.torn += [f"{sent.episode}: {problem}" for problem in held.problems]
    found.torn += _lines(sent, "is not what was sent", _changed(sent, held))
    there = {frame for frame, _ in held.frames}
    given = _given(sent, held)
    found.torn += [f"{sent.episode}: {line}" for line in _ending(sent, held)]
    allowed = {frame for frame, cause in held.listed.items() if cause in causes}
    found.lost += _lines(sent, "is neither there nor listed", sorted(given - there - held.listed.keys()))
    unexpected = sorted((held.listed.keys() & given) - there - allowed)
    found.lost += _lines(sent, "is listed as lost, and this fault may lose nothing so", unexpected)
    found.torn += _lines(sent, "is there and listed as lost", sorted(there & held.listed.keys()))
    if steps and not held.listed and held.ending == "stopped" and held.alignment != steps:
        found.torn.append(f"{sent.episode}: its steps are not those of an undisturbed run")
    found.listed.update(held.listed.values())
    return found


def _given(sent: Sent, held: Held) -> set[Frame]:
    """Frames that the producer could record: of an episode that was cut, those up to the last one of each stream."""
    if not sent.cut or held.ending != "aborted":
        return set(sent.frames)
    last: dict[str, int] = {}
    for stream, seq in [*(frame for frame, _ in held.frames), *held.listed]:
        last[stream] = max(seq, last.get(stream, -1))
    return {(stream, seq) for stream, seq in sent.frames if seq <= last.get(stream, -1)}


def _ending(sent: Sent, held: Held) -> Iterator[str]:
    if held.ending != "stopped" and not sent.cut:
        yield "it is aborted, and its robot was not cut off"
    if held.ending != "stopped" and held.decision == "accept":
        yield "it is aborted and accepted"


def _announcement(held: Held, announced: Sequence[str]) -> Iterator[str]:
    if not announced:
        yield "it is stored and was never announced"
    if wrong := set(announced) - {held.manifest_sha256}:
        yield f"it was announced with another manifest than the stored one: {', '.join(sorted(wrong))}"


def _changed(sent: Sent, held: Held) -> list[Frame]:
    return [frame for frame, data in held.frames if sent.frames.get(frame) != data]


def _lines(sent: Sent, what: str, frames: Sequence[Frame]) -> list[str]:
    return [f"{sent.episode}: {stream} {seq} {what}" for stream, seq in frames]
