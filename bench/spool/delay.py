"""How long a record waits for the disk, and what memory waits for a broker."""

import os
import time
from pathlib import Path

import psutil

from bench.spool.playing import play_into, spool_log
from producers.spool.layout import segments
from producers.spool.outbox import SpoolOutbox
from producers.spool.sender import Sender
from producers.spool.spool import to_kafka

TICK_S = 0.05


def time_to_durable(path: Path, folder: Path) -> list[float]:
    """Seconds from hand-over to disk of each record, played as it was recorded."""
    waited: list[float] = []
    with spool_log(folder, waited.append) as log:
        play_into(path, SpoolOutbox(log), real_time=True)
    return waited


def disk_alone(path: Path, *, size: int, ticks: int) -> list[float]:
    """Seconds that the disk takes to have `size` bytes, once a tick."""
    data, took_s = os.urandom(size), []
    with path.open("wb", buffering=0) as file:
        for _ in range(ticks):
            began_s = time.perf_counter()
            file.write(data)
            os.fsync(file.fileno())
            took_s.append(time.perf_counter() - began_s)
            time.sleep(max(TICK_S - took_s[-1], 0))
    path.unlink()
    return took_s


def outage(path: Path, folder: Path, *, upto: int) -> dict[str, float]:
    """Resident memory in MiB by GB spooled, with a sender that finds no broker."""
    found: dict[str, float] = {}
    with spool_log(folder) as log:
        sender = Sender(folder, log, to_kafka("127.0.0.1:9"))
        sender.start()
        while log.used_bytes < upto:
            play_into(path, SpoolOutbox(log))
            found[f"{log.used_bytes / 1e9:.1f}"] = psutil.Process().memory_info().rss / 2**20
        sender.stop()
    for segment in segments(folder):
        segment.unlink()
    return found
