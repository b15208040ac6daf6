"""`python -m bench.score_cost`: what scoring costs, a record and a second of a station."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import cv2

from bench.quality.pipeline import frames_of
from bench.quality.takes import load_take
from bench.recording import recording
from processors.score import cloud, cloud_shape, depth
from processors.score.memory import keep_freed_memory
from processors.score.settings import ScoreSettings
from processors.score.stream import StreamScorer
from saltwell.contracts.codec import Codec
from saltwell.errors import SaltwellError

_FOLDER = Path("build/bench")
_OUT = Path("build/score_cost.json")


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one stream: CPU in ms a record and in ms a second of the station; `read` = from bytes to a record."""

    stream: str
    records_per_s: float
    read_ms: float
    score_ms: float
    ms_per_s: float


@click.command()
@click.option("--profile", default="station-1", show_default=True, help="A file of bench/profiles.")
@click.option("--seconds", default=3, show_default=True, type=click.IntRange(1, 60), help="Length of the episode.")
@click.option("--repeats", default=5, show_default=True, type=click.IntRange(1, 100), help="The fastest one counts.")
@click.option("--dear-hz", default=10.0, show_default=True, help="How often the dear metrics are measured.")
def main(profile: str, seconds: int, repeats: int, dear_hz: float) -> None:
    """Score a profile's streams one after the other, as the scorer does, and tell what each costs.

    \b
    Example:
      python -m bench.score_cost --profile station-1
    """
    cv2.setNumThreads(1)
    keep_freed_memory()
    for module in (cloud, cloud_shape, depth):
        module.warm()
    try:
        path = recording(profile, seconds=seconds, folder=_FOLDER)
    except SaltwellError as error:
        raise click.ClickException(str(error)) from error
    take = load_take(path)
    costs = []
    for name in sorted(take.declared):
        records = frames_of(take, name, take.samples[name])
        settings = ScoreSettings(dear_hz=dear_hz)
        costs.append(_cost(name, take.declared[name].kind, records, settings, seconds=seconds, repeats=repeats))
    total = sum(cost.ms_per_s for cost in costs) / 1000
    _OUT.parent.mkdir(parents=True, exist_ok=True)
    _OUT.write_text(json.dumps({"total": total, "streams": [asdict(cost) for cost in costs]}, indent=1))
    print("| stream | records/s | read, ms | score, ms | ms/s |\n|---|---:|---:|---:|---:|")
    for cost in costs:
        print(
            f"| {cost.stream} | {cost.records_per_s:.0f} | {cost.read_ms:.3f} | {cost.score_ms:.3f}"
            f" | {cost.ms_per_s:.1f} |"
        )
    print(f"{total:.3f} core-seconds a station-second")


def _cost(name: str, kind: Any, records: Sequence[Any], settings: ScoreSettings, *, seconds: int, repeats: int) -> Cost:
    codec = Codec()
    payloads = [codec.encode(record) for record in records]
    read_s = min(_cpu_s(lambda: _read(codec, payloads)) for _ in range(repeats))
    score_s = min(_cpu_s(lambda: _score(kind, records, settings)) for _ in range(repeats))
    n = len(records)
    return Cost(name, n / seconds, 1e3 * read_s / n, 1e3 * score_s / n, 1e3 * (read_s + score_s) / seconds)


def _read(codec: Codec, payloads: Sequence[bytes]) -> None:
    for payload in payloads:
        codec.decode(payload)


def _score(kind: Any, records: Sequence[Any], settings: ScoreSettings) -> None:
    scorer, codec = StreamScorer(kind, settings), Codec()
    for record in records:
        for block in scorer.add(record):
            codec.encode(block)


def _cpu_s(work: Callable[[], object]) -> float:
    began_s = time.thread_time()
    work()
    return time.thread_time() - began_s


if __name__ == "__main__":
    main()
