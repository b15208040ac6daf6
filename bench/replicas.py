"""Whether work spreads: 1, 2 and 4 replicas of *score* in containers, each with a part of a core, while robots join.

    python -m bench.replicas [--cpus 0.2]

Needs a Docker daemon (tests/containers/docker.sh). Prints, for each number of replicas, the seconds from stop to
verdict and what share of the records each replica read; figures go to build/replicas.json.
"""

import json
import tempfile
import time
from dataclasses import asdict, dataclass
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any

import click
import numpy as np
from docker.models.containers import Container
from prometheus_client.parser import text_string_to_metric_families

from bench.floor import Floor, daemon_answers, floor, healthy, until
from saltwell.contracts.codec import Codec
from saltwell.contracts.partition import partition_of
from saltwell.contracts.registry import RegistryIds
from saltwell.errors import StopError
from saltwell.local.finished import Seen, Watcher
from saltwell.local.stack import WORKERS

_PART = "score"
_SHARDS = 4
_REPLICAS = (1, 2, 4)
_JOIN_S = 2.0
_PLAY_S = 180
_FINISH_S = 300
_METRICS = "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:9400/metrics').read().decode())"


@dataclass(frozen=True)
class Round:
    """What came out with so many replicas. `shares`: of the records read, by replica."""

    replicas: int
    episodes: int
    lost: int
    stop_to_verdict_s: dict[str, float]
    shares: list[float]


def robots() -> list[str]:
    """One for each shard: the replicas share, not luck."""
    firsts: dict[int, str] = {}
    for name in (f"g1-{number:02d}" for number in islice(count(), 1000)):
        firsts.setdefault(partition_of(name, _SHARDS), name)
    return [firsts[shard] for shard in range(_SHARDS)]


def measure(running: Floor, replicas: int, *, cpus: float) -> Round:
    """Start the replicas that are missing, then let robots join, each with a take as it was recorded."""
    names = [_PART, *(f"{_PART}-{replica}" for replica in range(2, replicas + 1))]
    for replica, name in enumerate(names, start=1):
        if name not in running.parts:
            until(partial(healthy, running.start(_PART, replica=replica, nano_cpus=int(cpus * 1e9))), f"{name} healthy")
    before = [_records_read(running.parts[name]) for name in names]
    players = []
    for robot in robots():
        players.append(running.play(robot=robot, episode=f"{robot}-of-{replicas}", speed="1"))
        time.sleep(_JOIN_S)
    seen = _finished(running, [_played(player) for player in players])
    read = np.subtract([_records_read(running.parts[name]) for name in names], before)
    took_s = seen.stop_to_verdict_s()
    return Round(
        replicas=replicas,
        episodes=len(seen.finished),
        lost=sum(stream.sent - stream.written for e in seen.finished.values() for stream in e.streams),
        stop_to_verdict_s={f"p{p}": float(np.percentile(took_s, p)) for p in (50, 95)},
        shares=[float(share) for share in read / read.sum()],
    )


def _records_read(replica: Container) -> float:
    answer: Any = replica.exec_run(["python3", "-c", _METRICS]).output
    families = text_string_to_metric_families(answer.decode())
    return sum(s.value for f in families for s in f.samples if s.name == "saltwell_records_read_total")


def _played(player: Container) -> str:
    if player.wait(timeout=_PLAY_S)["StatusCode"]:
        raise StopError(player.logs().decode())
    [episode] = json.loads(player.logs(stderr=False))["episodes"]
    return str(episode["id"])


def _finished(running: Floor, episodes: list[str]) -> Seen:
    watcher = Watcher(running.door, Codec(RegistryIds(running.registry)))
    try:
        seen = watcher.wait(episodes, deadline_s=_FINISH_S, check=lambda: None)
    finally:
        watcher.close()
    seen.finished = {episode: seen.finished[episode] for episode in episodes}
    return seen


def table(rounds: list[Round]) -> str:
    """The figures for people."""
    lines = [f"{'replicas':>8} {'episodes':>9} {'lost':>5} {'verdict p50 s':>14} {'p95 s':>6}  share of the records"]
    for r in rounds:
        took_s, shares = r.stop_to_verdict_s, " ".join(f"{share:.2f}" for share in r.shares)
        lines.append(f"{r.replicas:8} {r.episodes:9} {r.lost:5} {took_s['p50']:14.2f} {took_s['p95']:6.2f}  {shares}")
    return "\n".join(lines)


@click.command()
@click.option(
    "--cpus", default=0.2, show_default=True, type=click.FloatRange(0.05, 2), help="Of one replica, in cores."
)
def main(cpus: float) -> None:
    """Measure, print, and write build/replicas.json."""
    if not daemon_answers():
        raise StopError("no Docker daemon answers: start one, or `source tests/containers/docker.sh FOLDER`")
    others = [part for part in WORKERS if part != _PART]
    with tempfile.TemporaryDirectory() as folder, floor(Path(folder), parts=others) as running:
        rounds = [measure(running, replicas, cpus=cpus) for replicas in _REPLICAS]
    click.echo(table(rounds))
    out = Path("build")
    out.mkdir(exist_ok=True)
    (out / "replicas.json").write_text(json.dumps([asdict(r) for r in rounds], indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
