"""Ways to publish a recording flat out: with a spool, without one, and only encoding it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.spool.playing import MB, play_into, spool_log
from producers.outbox import KafkaOutbox
from producers.publisher import Lost
from producers.spool.layout import segments
from producers.spool.outbox import SpoolOutbox
from producers.spool.sender import Sender
from producers.spool.spool import to_kafka
from saltwell.contracts.codec import Codec


@dataclass(frozen=True, slots=True)
class Way:
    """One way to publish a recording flat out."""

    way: str
    mb_per_s: float
    cpu_s_per_gb: float


def measured_ways(path: Path, size: int, folder: Path, bootstrap: str, *, rounds: int) -> list[Way]:
    """Each way so many times, its medians; `size` bytes of messages are in the recording."""

    def nowhere(_: Path) -> None:
        play_into(path, _Nowhere())

    def direct(_: Path) -> None:
        play_into(path, KafkaOutbox(bootstrap, Codec()))

    def spool_only(spool: Path) -> None:
        with spool_log(spool) as log:
            play_into(path, SpoolOutbox(log))

    def spool_and_send(spool: Path) -> None:
        with spool_log(spool) as log:
            sender = Sender(spool, log, to_kafka(bootstrap))
            sender.start()
            play_into(path, SpoolOutbox(log))
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
    return Way(name, size / MB / (time.perf_counter() - began_s), used_s / (size / 1e9))


def _median(ways: list[Way]) -> Way:
    def of(read: Callable[[Way], float]) -> float:
        return float(np.median([read(way) for way in ways]))

    return Way(ways[0].way, of(lambda w: w.mb_per_s), of(lambda w: w.cpu_s_per_gb))


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
