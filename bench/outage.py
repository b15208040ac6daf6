"""An hour of recording while the broker is away: memory stays flat, and everything arrives afterwards.

    python -m bench.outage [--minutes 60]

Plays the sample again and again, as fast as the spool takes it, until so many minutes of it were recorded without a
broker; then the broker is there again. Figures go to build/outage.json.
"""

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import psutil
from confluent_kafka import Consumer, TopicPartition

from producers.memory import MemoryOutbox
from producers.replay.player import Part, play
from producers.spool.layout import segments
from saltwell.bus.memory import MemoryBus
from saltwell.bus.reading import reader_config
from saltwell.cli.topics import create_topics
from saltwell.contracts.access import ROLES
from saltwell.errors import StopError
from saltwell.local.broker import EmbeddedBroker
from saltwell.local.ports import free_ports

_SAMPLE = Path(__file__).resolve().parent.parent / "samples" / "sort_parts.mcap"
_SAMPLE_S = 8.0
_LOOK_S = 0.5
_LOOK_GB = 1.0
_STILL_S = 10.0  # then everything was recorded
_SEND_S = 1800.0
_MIB = 2**20


@dataclass(frozen=True)
class Outage:
    """What came out.

    `resident_mib`: of the recorder, by GB in the spool. `expected` and `arrived`: records. `left`: bytes of segments.
    """

    recorded_minutes: float
    spool_gb: float
    recorded_in_s: float
    resident_mib: list[tuple[float, int]]
    sent_in_s: float
    episodes: int
    expected: int
    arrived: int
    left: int


@click.command()
@click.option("--minutes", default=60.0, show_default=True, type=click.FloatRange(1, 600), help="Of recording.")
def main(minutes: float) -> None:
    """Measure, print, and write build/outage.json."""
    takes = round(minutes * 60 / _SAMPLE_S)
    with tempfile.TemporaryDirectory(prefix="saltwell-outage-") as folder:
        outage = measure(Path(folder), takes)
    click.echo(json.dumps(asdict(outage), indent=2))
    out = Path("build")
    out.mkdir(exist_ok=True)
    (out / "outage.json").write_text(json.dumps(asdict(outage), indent=2) + "\n", encoding="utf-8")


def measure(folder: Path, takes: int) -> Outage:
    """Record so many takes of the sample while the broker is away, then send them."""
    (port,) = free_ports(1)
    spool = folder / "spool"
    with EmbeddedBroker(folder / "kafka", port=port) as broker:
        create_topics(broker.bootstrap, partitions=1, replication=1)
        bootstrap = broker.bootstrap
    command = [sys.executable, "-m", "saltwell.cli.main", "replay", *[str(_SAMPLE)] * takes, "--robot", "r"]
    where = ["--spool", str(spool), "--bootstrap", bootstrap, "--speed", "max", "--json"]
    said = folder / "said.json"
    with said.open("wb") as out:
        began_s = time.monotonic()
        recorder = subprocess.Popen([*command, *where], stdout=out)
    resident = _resident_while_it_records(recorder, spool)
    recorded_s, spool_bytes = time.monotonic() - began_s - _STILL_S, _size(spool)
    with EmbeddedBroker(folder / "kafka", port=port):
        began_s = time.monotonic()
        if recorder.wait(_SEND_S):
            raise StopError("the recorder failed; its message stands above")
        sent_s = time.monotonic() - began_s
        arrived = _records(bootstrap)
    return Outage(
        recorded_minutes=takes * _SAMPLE_S / 60,
        spool_gb=round(spool_bytes / 1e9, 2),
        recorded_in_s=round(recorded_s, 1),
        resident_mib=resident,
        sent_in_s=round(sent_s, 1),
        episodes=len(json.loads(said.read_text(encoding="utf-8"))["episodes"]),
        expected=_records_of_a_take() * takes,
        arrived=arrived,
        left=_size(spool),
    )


def _resident_while_it_records(recorder: "subprocess.Popen[bytes]", spool: Path) -> list[tuple[float, int]]:
    """GB in the spool and resident MiB, until the spool grows no more."""
    process, seen = psutil.Process(recorder.pid), [(0.0, 0)]
    size, grew_s = 0, time.monotonic()
    while not size or time.monotonic() - grew_s < _STILL_S:
        if recorder.poll() is not None:
            raise StopError("the recorder ended before the broker was back")
        if (now := _size(spool)) != size:
            size, grew_s = now, time.monotonic()
        if size > (seen[-1][0] + _LOOK_GB) * 1e9:
            seen.append((round(size / 1e9, 2), process.memory_info().rss // _MIB))
        time.sleep(_LOOK_S)
    return seen[1:]


def _size(spool: Path) -> int:
    return sum(path.stat().st_size for path in segments(spool)) if spool.exists() else 0


def _records(bootstrap: str) -> int:
    """That were ever appended to the topics an edge writes to; retention takes the oldest meanwhile."""
    consumer = Consumer(reader_config(bootstrap))
    try:
        return sum(consumer.get_watermark_offsets(TopicPartition(t, 0), 30)[1] for t in ROLES["edge"].writes)
    finally:
        consumer.close()


def _records_of_a_take() -> int:
    bus = MemoryBus()
    part = Part("r", "take")
    play(_SAMPLE, MemoryOutbox(bus), [part], site="local", task=None, real_time=False, on_message=lambda: None)
    return sum(len(bus.records(topic)) for topic in ROLES["edge"].writes)


if __name__ == "__main__":
    main()
