"""`python -m bench.spool`: what the edge spool costs against publishing without one, and against other logs."""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
import psutil

from bench.recording import message_bytes, recording
from bench.spool_logs import LOGS
from producers.outbox import KafkaOutbox
from producers.publisher import Lost, Outbox
from producers.replay.player import Part, play
from producers.spool.chunk import Entry
from producers.spool.entries import entry_of
from producers.spool.layout import segments
from producers.spool.log import CHUNK_BYTES, DURABLE_MS, SpoolLog
from producers.spool.outbox import SpoolOutbox
from producers.spool.recovery import recover
from producers.spool.room import Room
from producers.spool.sender import Sender
from producers.spool.spool import to_kafka
from saltwell.cli.topics import create_topics
from saltwell.contracts.codec import Codec
from saltwell.contracts.topics import DEFAULT_PARTITIONS
from saltwell.errors import SaltwellError
from saltwell.local.broker import EmbeddedBroker

_FOLDER = Path("build/bench")
_FIGURES = Path("build/spool.json")
_MB = 1_000_000
_PART = Part("robot", "episode")
_ROOM = Room(cap_bytes=2**62, reserve_bytes=0, floor_bytes=1_000_000_000)
_TICK_S = 0.05
_KEPT_BATCHES = 10
"""Batches a compared log holds before the oldest goes: some 80 MB wait for the broker."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to publish a recording flat out."""

    way: str
    mb_per_s: float
    cpu_s_per_gb: float


@dataclass(frozen=True, slots=True)
class LogFigures:
    """One log under the same batches: `written` are bytes that went to the disk for each byte of a record."""

    log: str
    mb_per_s: float
    cpu_s_per_gb: float
    commit_ms_p50: float
    commit_ms_p99: float
    written: float
    mb_on_disk_at_end: float


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
        durable_s = _time_to_durable(path, folder / "durable")
        disk_s = _disk_alone(folder / "disk", size=int(size / seconds * _TICK_S), ticks=int(seconds / _TICK_S))
        outage = _outage(path, folder / "outage", upto=outage_gb * 1_000_000_000)
        with EmbeddedBroker(folder / "kafka") as broker:
            create_topics(broker.bootstrap, partitions=DEFAULT_PARTITIONS, replication=1)
            ways = _ways(path, size, folder, broker.bootstrap, rounds=rounds)
        logs = _logs(path, folder)
    return Figures(
        cores=os.cpu_count() or 1,
        recording_mb=size / _MB,
        real_time_mb_per_s=size / _MB / seconds,
        durable_bound_ms=DURABLE_MS,
        durable_ms=_percentiles_ms(durable_s),
        disk_ms=_percentiles_ms(disk_s),
        outage_rss_mib=outage,
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


class _Nowhere:
    """An outbox that only encodes: what reading and naming cost."""

    def __init__(self) -> None:
        self._codec = Codec()

    def send(self, topic: str, record: Any, *, on_lost: Lost | None = None) -> int:
        """Encode."""
        del topic, on_lost
        return len(self._codec.encode(record))

    def flush(self) -> None:
        """It is gone."""


def _time_to_durable(path: Path, folder: Path) -> list[float]:
    """Seconds from hand-over to disk of each record, played as it was recorded."""
    waited: list[float] = []
    with _log(folder, waited.append) as log:
        _play(path, SpoolOutbox(log), real_time=True)
    return waited


def _disk_alone(path: Path, *, size: int, ticks: int) -> list[float]:
    """Seconds that the disk takes to have `size` bytes, once a tick."""
    data, took_s = os.urandom(size), []
    with path.open("wb", buffering=0) as file:
        for _ in range(ticks):
            began_s = time.perf_counter()
            file.write(data)
            os.fsync(file.fileno())
            took_s.append(time.perf_counter() - began_s)
            time.sleep(max(_TICK_S - took_s[-1], 0))
    path.unlink()
    return took_s


def _outage(path: Path, folder: Path, *, upto: int) -> dict[str, float]:
    """Resident memory in MiB by GB spooled, with a sender that finds no broker."""
    found: dict[str, float] = {}
    with _log(folder) as log:
        sender = Sender(folder, log, to_kafka("127.0.0.1:9"))
        sender.start()
        while log.used_bytes < upto:
            _play(path, SpoolOutbox(log))
            found[f"{log.used_bytes / 1e9:.1f}"] = psutil.Process().memory_info().rss / 2**20
        sender.stop()
    for segment in segments(folder):
        segment.unlink()
    return found


def _percentiles_ms(values_s: list[float]) -> dict[str, float]:
    return {f"p{p}": float(np.percentile(values_s, p)) * 1000 for p in (50, 90, 99, 100)}


def _ways(path: Path, size: int, folder: Path, bootstrap: str, *, rounds: int) -> list[Way]:
    def nowhere(_: Path) -> None:
        _play(path, _Nowhere())

    def direct(_: Path) -> None:
        _play(path, KafkaOutbox(bootstrap, Codec()))

    def spool_only(spool: Path) -> None:
        with _log(spool) as log:
            _play(path, SpoolOutbox(log))

    def spool_and_send(spool: Path) -> None:
        with _log(spool) as log:
            sender = Sender(spool, log, to_kafka(bootstrap))
            sender.start()
            _play(path, SpoolOutbox(log))
            log.close()
            while not sender.wait(0.05):
                pass

    ways: dict[str, Callable[[Path], None]] = {
        "encode only": nowhere,
        "publish, no spool": direct,
        "spool, not sent": spool_only,
        "spool and publish": spool_and_send,
    }
    found: dict[str, list[Way]] = {name: [] for name in ways}
    for i in range(rounds):  # in turns, so that what else the machine does meets all of them
        for name, way in ways.items():
            spool = folder / f"{name}-{i}"
            found[name].append(_measured(name, size, partial(way, spool)))
            for segment in segments(spool):
                segment.unlink()
    return [_median(of_way) for of_way in found.values()]


def _measured(name: str, size: int, run: Callable[[], None]) -> Way:
    began_s, cpu_s = time.perf_counter(), time.process_time()
    run()
    used_s = time.process_time() - cpu_s
    return Way(name, size / _MB / (time.perf_counter() - began_s), used_s / (size / 1e9))


def _median(ways: list[Way]) -> Way:
    def of(read: Callable[[Way], float]) -> float:
        return float(np.median([read(way) for way in ways]))

    return Way(ways[0].way, of(lambda w: w.mb_per_s), of(lambda w: w.cpu_s_per_gb))


def _logs(path: Path, folder: Path) -> list[LogFigures]:
    collected = _Collected()
    _play(path, collected)
    batches = list(_batches(collected.entries))
    return [_log_figures(name, batches, folder / name) for name in LOGS]


def _log_figures(name: str, batches: list[list[Entry]], folder: Path) -> LogFigures:
    folder.mkdir()
    log = LOGS[name](folder)
    size = sum(len(e.body) for batch in batches for e in batch)
    took_s: list[float] = []
    written, began_s, cpu_s = _written_bytes(), time.perf_counter(), time.process_time()
    for n, batch in enumerate(batches):
        at_s = time.perf_counter()
        log.append(batch)
        took_s.append(time.perf_counter() - at_s)
        if n >= _KEPT_BATCHES:
            log.drop_oldest()
    wall_s, used_s = time.perf_counter() - began_s, time.process_time() - cpu_s
    for _ in range(min(_KEPT_BATCHES, len(batches))):
        log.drop_oldest()
    log.close()
    on_disk = sum(file.stat().st_blocks * 512 for file in folder.iterdir())
    return LogFigures(
        log=name,
        mb_per_s=size / _MB / wall_s,
        cpu_s_per_gb=used_s / (size / 1e9),
        commit_ms_p50=float(np.percentile(took_s, 50)) * 1000,
        commit_ms_p99=float(np.percentile(took_s, 99)) * 1000,
        written=(_written_bytes() - written) / size,
        mb_on_disk_at_end=on_disk / _MB,
    )


class _Collected:
    """An outbox that keeps entries of the spool in memory."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def send(self, topic: str, record: Any, *, on_lost: Lost | None = None) -> int:
        """Keep."""
        del on_lost
        entry, _ = entry_of(topic, record, now_ns=0)
        self.entries.append(entry)
        return entry.size

    def flush(self) -> None:
        """It is all there."""


def _batches(entries: list[Entry]) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    for entry in entries:
        batch.append(entry)
        if sum(e.size for e in batch) >= CHUNK_BYTES:
            yield batch
            batch = []
    if batch:
        yield batch


@contextmanager
def _log(folder: Path, observe: Callable[[float], None] = lambda _: None) -> Iterator[SpoolLog]:
    folder.mkdir()
    log = SpoolLog(folder, recover(folder), room=_ROOM, observe=observe)
    try:
        yield log
    finally:
        log.close()


def _play(path: Path, outbox: Outbox, *, real_time: bool = False) -> None:
    play(path, outbox, [_PART], site="local", task="", real_time=real_time, on_message=lambda: None)


def _written_bytes() -> int:
    """Bytes this process sent to the disk so far; 0 where the system does not tell."""
    io = Path("/proc/self/io")
    if not io.exists():
        return 0
    return int(io.read_text(encoding="ascii").split("write_bytes: ")[1].split("\n", maxsplit=1)[0])


if __name__ == "__main__":
    main()
