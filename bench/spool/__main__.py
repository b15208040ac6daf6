"""`python -m bench.spool`: what the edge spool costs against publishing without one, and against other logs."""

import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np

from bench.recording import message_bytes, recording
from bench.spool.compared import LogFigures, measured_logs
from bench.spool.delay import TICK_S, disk_alone, outage, time_to_durable
from bench.spool.playing import MB
from bench.spool.ways import Way, measured_ways
from producers.spool.log import DURABLE_MS
from saltwell.cli.topics import create_topics
from saltwell.contracts.topics import DEFAULT_PARTITIONS
from saltwell.errors import SaltwellError
from saltwell.local.broker import EmbeddedBroker

_FOLDER = Path("build/bench")
_FIGURES = Path("build/spool.json")


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured.

    `durable_ms` in real time; `disk_ms` = the disk alone, the same bytes written and synchronized every 50 ms.
    `outage_rss_mib` = resident memory by GB spooled, while no broker is there.
    """

    cores: int
    recording_mb: float
    real_time_mb_per_s: float
    durable_bound_ms: int
    durable_ms: dict[str, float]
    disk_ms: dict[str, float]
    outage_rss_mib: dict[str, float]
    ways: list[Way]
    logs: list[LogFigures]


@click.command()
@click.option("--seconds", default=6, show_default=True, type=click.IntRange(1, 60), help="Length of the recording.")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1, 20), help="Medians over so many.")
@click.option(
    "--outage-gb", default=2, show_default=True, type=click.IntRange(1, 200), help="Spooled without a broker."
)
def main(seconds: int, rounds: int, outage_gb: int) -> None:
    """Measure the spool on what station 1 sends.

    \b
    Example:
      python -m bench.spool --seconds 6 --rounds 3
    """
    try:
        path = recording("station-1", seconds=seconds, folder=_FOLDER)
        figures = measure(path, seconds=seconds, rounds=rounds, outage_gb=outage_gb)
    except SaltwellError as error:
        sys.exit(f"bench: {error}")
    _FIGURES.write_text(json.dumps(asdict(figures), indent=2) + "\n", encoding="utf-8")
    print(table(figures))
    print(f"figures: {_FIGURES}")


def measure(path: Path, *, seconds: int, rounds: int, outage_gb: int) -> Figures:
    """All figures; files are removed afterwards."""
    size = message_bytes(path)
    with tempfile.TemporaryDirectory(prefix="spool-", dir=_FOLDER) as scratch:
        folder = Path(scratch)
        durable_s = time_to_durable(path, folder / "durable")
        disk_s = disk_alone(folder / "disk", size=int(size / seconds * TICK_S), ticks=int(seconds / TICK_S))
        found = outage(path, folder / "outage", upto=outage_gb * 1_000_000_000)
        with EmbeddedBroker(folder / "kafka") as broker:
            create_topics(broker.bootstrap, partitions=DEFAULT_PARTITIONS, replication=1)
            ways = measured_ways(path, size, folder, broker.bootstrap, rounds=rounds)
        logs = measured_logs(path, folder)
    return Figures(
        cores=os.cpu_count() or 1,
        recording_mb=size / MB,
        real_time_mb_per_s=size / MB / seconds,
        durable_bound_ms=DURABLE_MS,
        durable_ms=_percentiles_ms(durable_s),
        disk_ms=_percentiles_ms(disk_s),
        outage_rss_mib=found,
        ways=ways,
        logs=logs,
    )


def table(figures: Figures) -> str:
    """The figures for people."""
    durable, disk = (
        ", ".join(f"{p} {ms:.0f} ms" for p, ms in d.items()) for d in (figures.durable_ms, figures.disk_ms)
    )
    outage = ", ".join(f"{mib:.0f} MiB after {gb} GB" for gb, mib in figures.outage_rss_mib.items())
    lines = [
        f"station 1: {figures.recording_mb:.0f} MB at {figures.real_time_mb_per_s:.0f} MB/s, {figures.cores} cores",
        f"time to durable in real time, bound {figures.durable_bound_ms} ms: {durable}",
        f"the disk alone at that rate: {disk}",
        f"no broker: resident {outage}",
        f"{'flat out':28} {'MB/s':>7} {'CPU s/GB':>9}",
    ]
    lines += [f"{w.way:28} {w.mb_per_s:7.0f} {w.cpu_s_per_gb:9.2f}" for w in figures.ways]
    lines.append(
        f"{'as the log, 8 MiB batches':28} {'MB/s':>7} {'CPU s/GB':>9} {'p50 ms':>7} {'p99 ms':>7} "
        f"{'written':>8} {'MB at end':>9}"
    )
    lines += [
        f"{g.log:28} {g.mb_per_s:7.0f} {g.cpu_s_per_gb:9.2f} {g.commit_ms_p50:7.0f} {g.commit_ms_p99:7.0f} "
        f"{g.written:8.2f} {g.mb_on_disk_at_end:9.0f}"
        for g in figures.logs
    ]
    return "\n".join(lines)


def _percentiles_ms(values_s: Sequence[float]) -> dict[str, float]:
    return {f"p{p}": float(np.percentile(values_s, p)) * 1000 for p in (50, 90, 99, 100)}


if __name__ == "__main__":
    main()
