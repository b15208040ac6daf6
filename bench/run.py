"""`python -m bench.run`: what stations cost on this machine, and how soon their episodes are finished."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from bench.recording import message_bytes, recording
from bench.sampling import Sampler
from saltwell.cli.topics import create_topics
from saltwell.contracts.codec import Codec
from saltwell.contracts.topics import DEFAULT_PARTITIONS, TOPICS
from saltwell.errors import SaltwellError, StopError
from saltwell.local import children
from saltwell.local.broker import EmbeddedBroker
from saltwell.local.demo import Plan, replay_command
from saltwell.local.finished import Seen, Watcher
from saltwell.local.stack import Stack

_FOLDER = Path("build/bench")
_FINISH_S = 300.0
_REPLAY_S_PER_SECOND = 20  # a replay that is slower than this by far is stuck
_STOP_S = 5.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run measured; `processes` by name: CPU in s, station-seconds a core-second, peak memory in bytes."""

    profile: str
    stations: int
    seconds: int
    cores: int
    wall_s: float
    replay_wall_s: float
    station_seconds_per_core_second: float
    input_bytes: int
    broker_bytes: int
    broker_bytes_per_input_byte: float
    topic_bytes: dict[str, int]
    stop_to_verdict_s: dict[str, float]
    stop_to_stored_s: dict[str, float]
    decisions: list[str]
    processes: dict[str, dict[str, float]]


@click.command()
@click.option("--profile", default="station-1", show_default=True, help="A file of bench/profiles.")
@click.option("--stations", default=1, show_default=True, type=click.IntRange(1, 100), help="Robots at once.")
@click.option("--seconds", default=10, show_default=True, type=click.IntRange(1, 3600), help="Length of the episode.")
def main(profile: str, stations: int, seconds: int) -> None:
    """Play a profile in real time through the whole pipeline and tell what it took.

    \b
    Example:
      python -m bench.run --profile station-1 --stations 2 --seconds 10
    """
    try:
        path = recording(profile, seconds=seconds, folder=_FOLDER)
        figures = measure(path, profile, stations=stations, seconds=seconds)
    except SaltwellError as error:
        sys.exit(f"bench: {error}")
    written = _FOLDER / f"{profile}.json"
    written.write_text(json.dumps(asdict(figures), indent=2) + "\n", encoding="utf-8")
    print(table(figures))
    print(f"figures: {written}")


def measure(path: Path, profile: str, *, stations: int, seconds: int) -> Figures:
    """Run the pipeline over the recording; its files are removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="run-", dir=_FOLDER) as scratch:
        folder = Path(scratch).resolve()
        with EmbeddedBroker(folder / "kafka") as broker:
            create_topics(broker.bootstrap, partitions=DEFAULT_PARTITIONS, replication=1)
            stack = Stack(folder / "logs", bootstrap=broker.bootstrap, store=str(folder / "store"))
            try:
                stack.start()
                sampler = _sampler(broker, stack)
                plan = Plan((path,), "robot", stations, "1")
                began_s = time.monotonic()
                seen, replay_wall_s = _play(plan, broker.bootstrap, stack, sampler, limit_s=seconds)
                wall_s = time.monotonic() - began_s
            finally:
                stack.stop()
            topic_bytes = _topic_bytes(folder / "kafka" / "data")
    input_bytes, broker_bytes = stations * message_bytes(path), sum(topic_bytes.values())
    station_seconds = stations * seconds
    return Figures(
        profile=profile,
        stations=stations,
        seconds=seconds,
        cores=os.cpu_count() or 1,
        wall_s=wall_s,
        replay_wall_s=replay_wall_s,
        station_seconds_per_core_second=station_seconds / sum(use.cpu_s for use in sampler.uses.values()),
        input_bytes=input_bytes,
        broker_bytes=broker_bytes,
        broker_bytes_per_input_byte=broker_bytes / input_bytes,
        topic_bytes=topic_bytes,
        stop_to_verdict_s=_percentiles(seen.stop_to_verdict_s()),
        stop_to_stored_s=_percentiles(seen.stop_to_stored_s()),
        decisions=[
            f"{e.decision}: {', '.join(f'{r.code} {r.stream}'.strip() for r in e.reasons)}"
            for e in seen.finished.values()
        ],
        processes=_by_process(sampler, station_seconds),
    )


def table(figures: Figures) -> str:
    """The figures for people."""
    lines = [
        f"{figures.profile}: {figures.stations} station(s), {figures.seconds} s, {figures.cores} cores",
        f"{figures.wall_s:.1f} s in all, {figures.replay_wall_s:.1f} s of them the replay",
        f"{'process':14} {'CPU s':>8} {'station-s a core-s':>20} {'peak MiB':>9}",
    ]
    lines += [
        f"{name:14} {use['cpu_s']:8.2f} {use['station_seconds_per_core_second']:20.2f} {use['peak_bytes'] / 2**20:9.0f}"
        for name, use in figures.processes.items()
    ]
    total_s = sum(use["cpu_s"] for use in figures.processes.values())
    lines.append(f"{'all':14} {total_s:8.2f} {figures.station_seconds_per_core_second:20.2f}")
    lines.append(
        f"broker: {figures.broker_bytes / 1e6:.1f} MB written for {figures.input_bytes / 1e6:.1f} MB of input, "
        f"{figures.broker_bytes_per_input_byte:.3f} a byte"
    )
    for what, values in (("verdict", figures.stop_to_verdict_s), ("stored", figures.stop_to_stored_s)):
        lines.append(f"stop to {what:8} p50 {values['p50']:.2f} s, p95 {values['p95']:.2f} s")
    return "\n".join(lines + [f"verdict {said}" for said in figures.decisions])


def _sampler(broker: EmbeddedBroker, stack: Stack) -> Sampler:
    """Looks at broker and workers from now on: what they used to start is not counted."""
    sampler = Sampler()
    sampler.add("broker", broker.pid)
    for name, worker in stack.workers.items():
        sampler.add(name, worker.process.pid)
    return sampler


def _play(plan: Plan, bootstrap: str, stack: Stack, sampler: Sampler, *, limit_s: float) -> tuple[Seen, float]:
    """Replay and wait for the finished episodes; gives what was seen, and how long the replay took in s."""

    def look() -> None:
        stack.check()
        sampler.sample()

    watcher = Watcher(bootstrap, Codec())
    try:
        episodes, replay_wall_s = _replay(plan, bootstrap, watcher, sampler, look, limit_s=limit_s)
        return watcher.wait(episodes, deadline_s=_FINISH_S, check=look), replay_wall_s
    finally:
        watcher.close()


def _replay(
    plan: Plan, bootstrap: str, watcher: Watcher, sampler: Sampler, look: Callable[[], None], *, limit_s: float
) -> tuple[list[str], float]:
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder) / "replay.json"
        began_s = time.monotonic()
        with said.open("wb") as out:
            process = subprocess.Popen(replay_command(plan, bootstrap), stdout=out)
        try:
            sampler.add("replay", process.pid, since_start=True)
            while process.poll() is None:
                look()
                watcher.turn()
                if time.monotonic() - began_s > 60 + _REPLAY_S_PER_SECOND * limit_s:
                    raise StopError("the replay does not end")
        finally:
            children.stop(process, grace_s=_STOP_S)
        if process.returncode:
            raise StopError("the replay failed; its message stands above")
        played: list[dict[str, Any]] = json.loads(said.read_text(encoding="utf-8"))["episodes"]
        return [episode["id"] for episode in played], time.monotonic() - began_s


def _topic_bytes(data: Path) -> dict[str, int]:
    """Size of each topic's log on the broker's disk; Kafka's own topics together as `(internal)`."""
    sizes = {topic.name: 0 for topic in TOPICS} | {"(internal)": 0}
    for log in data.rglob("*.log"):
        name = log.parent.name.rpartition("-")[0]
        sizes[name if name in sizes else "(internal)"] += log.stat().st_size
    return sizes


def _by_process(sampler: Sampler, station_seconds: int) -> dict[str, dict[str, float]]:
    return {
        name: {
            "cpu_s": use.cpu_s,
            "station_seconds_per_core_second": station_seconds / max(use.cpu_s, 1e-9),
            "peak_bytes": use.peak_bytes,
        }
        for name, use in sampler.uses.items()
    }


def _percentiles(values: list[float]) -> dict[str, float]:
    return {f"p{p}": float(np.percentile(values, p)) for p in (50, 95)}


if __name__ == "__main__":
    main()
