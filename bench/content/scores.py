"""What score makes of a recording, without Kafka: the blocks that the content check reads."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from processors.score.stream import StreamScorer
from producers.blocks import BlockBuilder, block_record
from producers.replay.recording import open_recording
from producers.replay.samples import kind_of, to_sample
from producers.sample import ImageSample, Sample
from saltwell.contracts.frames import ImageFrame
from saltwell.contracts.results import ScoreBlock
from saltwell.contracts.timeline import StreamEnded

_IDENTITY = ("site", "robot", "episode")
_KINDS = ("color", "joints", "pose")


def score_blocks(path: Path, *, shift_ns: Mapping[str, int] | None = None) -> list[ScoreBlock]:
    """Score a recording's cameras, joints and poses. `shift_ns`: what is added to the stamps of a stream."""
    recording = open_recording(path)
    kinds = {stream.name: kind_of(stream) for stream in recording.streams}
    read = {stream.name: to_sample(stream) for stream in recording.streams}
    scored = {name: _Stream(name, StreamScorer(kind)) for name, kind in kinds.items() if kind in _KINDS}
    for message in recording.messages():
        if message.stream in scored:
            sample = read[message.stream](message)
            moved_ns = sample.captured_ns + (shift_ns or {}).get(message.stream, 0)
            scored[message.stream].take(replace(sample, captured_ns=moved_ns))
    recording.close()
    return [block for stream in scored.values() for block in stream.end()]


class _Stream:
    def __init__(self, name: str, scorer: StreamScorer) -> None:
        self._name, self._scorer = name, scorer
        self._seq = -1
        self._builder = BlockBuilder()
        self._blocks: list[ScoreBlock] = []

    def take(self, sample: Sample) -> None:
        self._seq += 1
        if isinstance(sample, ImageSample):
            self._blocks += self._scorer.add(_image(self._seq, sample))
        elif closed := self._builder.add(self._seq, sample):
            self._blocks += self._scorer.add(block_record(_IDENTITY, closed))

    def end(self) -> list[ScoreBlock]:
        if rest := self._builder.take():
            self._blocks += self._scorer.add(block_record(_IDENTITY, rest))
        ended = StreamEnded(*_IDENTITY, self._name, "other", 0, self._seq, self._seq + 1, ())
        return [*self._blocks, self._scorer.block(ended)]


def _image(seq: int, sample: ImageSample) -> ImageFrame:
    return ImageFrame(
        *_IDENTITY,
        sample.stream,
        seq,
        sample.captured_ns,
        sample.arrived_ns,
        sample.frame_id,
        sample.compressed,
        sample.encoding,
        sample.height,
        sample.width,
        sample.step,
        sample.big_endian,
        sample.payload,
    )
