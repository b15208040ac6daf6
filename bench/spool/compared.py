"""The spool's log and others under the same batches."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.spool.logs import LOGS
from bench.spool.playing import MB, play_into
from producers.publisher import Lost
from producers.spool.chunk import Entry
from producers.spool.entries import entry_of
from producers.spool.log import CHUNK_BYTES

_KEPT_BATCHES = 10
"""Batches a compared log holds before the oldest goes: some 80 MB wait for the broker."""


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


def measured_logs(path: Path, folder: Path) -> list[LogFigures]:
    """Each log with what the recording's frames make."""
    collected = _Collected()
    play_into(path, collected)
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
        mb_per_s=size / MB / wall_s,
        cpu_s_per_gb=used_s / (size / 1e9),
        commit_ms_p50=float(np.percentile(took_s, 50)) * 1000,
        commit_ms_p99=float(np.percentile(took_s, 99)) * 1000,
        written=(_written_bytes() - written) / size,
        mb_on_disk_at_end=on_disk / MB,
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


def _written_bytes() -> int:
    """Bytes this process sent to the disk so far; 0 where the system does not tell."""
    io = Path("/proc/self/io")
    if not io.exists():
        return 0
    return int(io.read_text(encoding="ascii").split("write_bytes: ")[1].split("\n", maxsplit=1)[0])
