"""`python -m bench.content`: how well content tells the offset between two streams, and what it costs."""

import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from bench.content.cost import Cost, cost_of
from bench.content.scores import score_blocks
from bench.content.twist import camera_against_tracker
from processors.judge.content.check import ContentCheck
from saltwell.contracts.results import ContentOffset, ScoreBlock

_REPOSITORY = Path(__file__).resolve().parent.parent
_DATA = Path(os.environ.get("SALTWELL_TEST_DATA", _REPOSITORY.parent / "shared" / "data"))
_SAMPLE = _REPOSITORY / "samples" / "sort_parts.mcap"
_WRITTEN = Path("build/content.json")
_MS = 1_000_000
_INJECTED_MS = (0, 15, 40, 100)
_WRONG_MS = 10.0

_QUEST_MS = -258.0
_LATENCIES_MS = {
    ("g1_pick_bottle_29", "right arm"): 163.0,
    ("g1_pick_bottle_29", "right hand"): 421.0,
    ("g1_pick_bottle_30", "right arm"): 163.0,
    ("g1_pick_bottle_30", "right hand"): 344.0,
}


@dataclass(frozen=True, slots=True)
class Line:
    """One estimate beside what is true. `moved_ms`: injected.

    `truth_ms`: of a camera whose own offset nobody knows, what is found without moving it, and what was injected;
    NaN = nothing was found. `one_clock`: the camera and the joints are known to have one clock.
    """

    recording: str
    check: str
    pair: str
    moved_ms: int
    one_clock: bool
    truth_ms: float
    found_ms: float
    error_ms: float
    confidence: float
    grade: str

    @property
    def off_ms(self) -> float:
        """How far the estimate is from the truth."""
        return abs(self.found_ms - self.truth_ms)


@click.command()
@click.option("--recordings", default=_DATA / "recordings", type=click.Path(path_type=Path), help="The real ones.")
@click.argument("simulated", nargs=-1, type=click.Path(path_type=Path, exists=True), metavar="[SIMULATED.mcap]..")
def main(recordings: Path, simulated: tuple[Path, ...]) -> None:
    """Check stamps by content on real recordings, and on simulated ones whose streams share one clock.

    \b
    Example:
      saltwell simulate build/take-1.mcap --seed 1 --seconds 10
      python -m bench.content build/take-*.mcap
    """
    lines = [*_known(recordings), *_tracker(recordings), *_injected(recordings), *_simulated(simulated)]
    cost = cost_of(_SAMPLE)
    _WRITTEN.parent.mkdir(parents=True, exist_ok=True)
    written: dict[str, Any] = {"lines": [asdict(line) for line in lines], "cost": asdict(cost), **honesty(lines)}
    _WRITTEN.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    print(table(lines, cost))
    print(f"figures: {_WRITTEN}")


def honesty(lines: list[Line]) -> dict[str, int]:
    """How often an estimate that is called good is off by more than 10 ms."""
    known = [line for line in lines if line.one_clock]
    good = [line for line in known if line.grade == "good"]
    moved = [line for line in lines if line.moved_ms and line.grade == "good"]
    return {
        "cameras": len(known),
        "good": len(good),
        "good_and_wrong": sum(line.off_ms > _WRONG_MS for line in good),
        "beyond_bound": sum(line.off_ms > line.error_ms for line in known if line.grade != "not_measurable"),
        "moved_and_good": len(moved),
        "moved_good_and_wrong": sum(line.off_ms > _WRONG_MS for line in moved),
    }


def table(lines: list[Line], cost: Cost) -> str:
    """The figures for people."""
    head = f"{'recording':22} {'pair':44} {'moved':>6} {'truth':>8} {'found':>8} {'bound':>7} {'conf':>5}  grade"
    rows = [
        f"{line.recording:22} {line.pair:44} {line.moved_ms:6} {line.truth_ms:8.1f} {line.found_ms:8.1f} "
        f"{line.error_ms:7.1f} {line.confidence:5.2f}  {line.grade}"
        for line in lines
    ]
    counts = honesty(lines)
    known = (
        f"cameras in one clock with the joints: {counts['cameras']}; good: {counts['good']}, of them off by more than "
        f"{_WRONG_MS:.0f} ms: {counts['good_and_wrong']}; of all off by more than their bound: {counts['beyond_bound']}"
    )
    moved = f"moved and good: {counts['moved_and_good']}, of them off by more: {counts['moved_good_and_wrong']}"
    spent = (
        f"core-ms a station-second ({cost.station}): flow {cost.flow:.1f}, traces {cost.traces:.1f}, "
        f"correlation {cost.correlation:.1f}; {cost.bytes:.0f} bytes of traces"
    )
    return "\n".join(["ms; moved = injected, truth with it", head, *rows, known, moved, spent])


def _known(recordings: Path) -> Iterator[Line]:
    """Truths that the recordings' documentation gives."""
    for offset in _checked(score_blocks(recordings / "quest2_ur5e_traj1.mcap")):
        yield _line("quest2_ur5e_traj1", offset, truth_ms=_QUEST_MS)
    for name in ("g1_pick_bottle_29", "g1_pick_bottle_30"):
        for offset in _checked(score_blocks(recordings / f"{name}.mcap")):
            if (name, offset.part) in _LATENCIES_MS:
                yield _line(name, offset, truth_ms=_LATENCIES_MS[name, offset.part])


def _tracker(recordings: Path) -> Iterator[Line]:
    """A camera that is carried about, against the tracker of its own body: a real pair in one clock."""
    own_ms = math.nan
    for moved_ms in _INJECTED_MS:
        blocks = score_blocks(recordings / "tum_rgbd_6s.mcap", shift_ns={"/camera/color": moved_ms * _MS})
        offset = camera_against_tracker(blocks, camera="/camera/color", tracker="/mocap/pose")
        own_ms = _found_ms(offset) if math.isnan(own_ms) else own_ms
        yield _line("tum_rgbd_6s", offset, truth_ms=own_ms + moved_ms, moved_ms=moved_ms)


def _injected(recordings: Path) -> Iterator[Line]:
    """Stamps of one camera moved. Where nobody knows the camera's own offset, it is what is found without moving."""
    for name in ("g1_pick_bottle_29", "g1_pick_bottle_30", "station_composite_6s"):
        yield from _moved(recordings / f"{name}.mcap", one_clock=False)
    yield from _moved(_SAMPLE, one_clock=True)


def _moved(path: Path, *, one_clock: bool) -> Iterator[Line]:
    own_ms: dict[str, float] = {}
    cameras = sorted({block.stream for block in score_blocks(path) if block.kind == "color"})
    for moved_ms in _INJECTED_MS:
        blocks = score_blocks(path, shift_ns=dict.fromkeys(cameras, moved_ms * _MS))
        for offset in _checked(blocks):
            if offset.check != "camera_joints":
                continue
            found_ms = _found_ms(offset)
            own_ms.setdefault(offset.stream, 0.0 if one_clock else found_ms)
            truth_ms = own_ms[offset.stream] + moved_ms
            yield _line(path.stem, offset, truth_ms=truth_ms, moved_ms=moved_ms, one_clock=one_clock)


def _simulated(paths: tuple[Path, ...]) -> Iterator[Line]:
    for path in paths:
        for offset in _checked(score_blocks(path)):
            if offset.check == "camera_joints":
                yield _line(path.stem, offset, truth_ms=0.0, one_clock=True)


def _checked(blocks: list[ScoreBlock], clock_offsets_ns: Mapping[str, int] | None = None) -> list[ContentOffset]:
    check = ContentCheck()
    for block in blocks:
        check.add(block)
    return check.offsets(clock_offsets_ns or {})


def _found_ms(offset: ContentOffset) -> float:
    return offset.offset_ns / _MS if offset.grade != "not_measurable" else math.nan


def _line(
    recording: str, offset: ContentOffset, *, truth_ms: float, moved_ms: int = 0, one_clock: bool = False
) -> Line:
    return Line(
        recording=recording,
        check=offset.check,
        pair=" ".join(filter(None, (offset.stream, offset.against, offset.part))),
        moved_ms=moved_ms,
        one_clock=one_clock,
        truth_ms=truth_ms,
        found_ms=_found_ms(offset),
        error_ms=offset.error_ns / _MS,
        confidence=offset.confidence,
        grade=offset.grade,
    )


if __name__ == "__main__":
    main()
