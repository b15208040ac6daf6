"""Recordings as takes: the samples of each stream in order of arrival, cut into episodes."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from pathlib import Path

from producers.replay.recorded import RecordedStream
from producers.replay.recording import open_recording
from producers.replay.samples import declare, to_sample
from producers.sample import Sample
from saltwell.contracts.timeline import StreamDeclared
from saltwell.messages.cdr import MalformedMessage

_NS = 1_000_000_000
_LEAST_SAMPLES = 20

Samples = Sequence[Sample]


@dataclass(frozen=True, slots=True)
class Take:
    """One episode as the edge sees it. `scene` names the recording it was cut from."""

    scene: str
    started_ns: int
    stopped_ns: int
    declared: dict[str, StreamDeclared]
    samples: Mapping[str, Samples]

    def streams(self, *kinds: str) -> list[str]:
        """Names of the streams of some kinds that have enough samples for a fault to be put into them."""
        return [
            name
            for name, stream in sorted(self.declared.items())
            if stream.kind in kinds and len(self.samples[name]) >= _LEAST_SAMPLES
        ]

    def only(self, names: AbstractSet[str]) -> "Take":
        """The take with some of its streams."""
        return replace(
            self,
            declared={name: self.declared[name] for name in names},
            samples={name: self.samples[name] for name in names},
        )

    def with_streams(self, changed: dict[str, Samples]) -> "Take":
        """The same take, with other samples in some streams."""
        return replace(self, samples={**self.samples, **changed})


def load_take(path: Path) -> Take:
    """A whole recording; messages that can't be read are left out."""
    recording = open_recording(path)
    try:
        readers = {stream.name: to_sample(stream) for stream in recording.streams}
        samples: dict[str, list[Sample]] = {stream.name: [] for stream in recording.streams}
        times = []
        for message in recording.messages():
            times.append(message.arrived_ns)
            try:
                samples[message.stream].append(readers[message.stream](message))
            except MalformedMessage:
                continue
        return Take(path.stem, times[0], times[-1], _declared(recording.streams), dict(samples))
    finally:
        recording.close()


def cut(take: Take, *, seconds: float) -> list[Take]:
    """The take in pieces of about so many seconds of arrival, each an episode of its own.

    A short rest is left out, and a stream that is silent in a piece is not one of its streams.
    """
    length_ns = int(seconds * _NS)
    pieces = max(1, (take.stopped_ns - take.started_ns + length_ns // 10) // length_ns)
    return [_piece(take, take.started_ns + i * length_ns, length_ns) for i in range(pieces)]


def _piece(take: Take, from_ns: int, length_ns: int) -> Take:
    to_ns = min(from_ns + length_ns, take.stopped_ns)
    inside = {name: [s for s in samples if from_ns <= s.arrived_ns <= to_ns] for name, samples in take.samples.items()}
    samples = {name: found for name, found in inside.items() if found}
    declared = {name: take.declared[name] for name in samples}
    return replace(take, started_ns=from_ns, stopped_ns=to_ns, declared=declared, samples=samples)


def _declared(streams: Sequence[RecordedStream]) -> dict[str, StreamDeclared]:
    return {stream.name: declare(stream) for stream in streams}
