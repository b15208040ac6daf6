"""The main job on one machine: recordings in, finished episodes out, and a look at what came of it."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saltwell.contracts.codec import Codec
from saltwell.contracts.registry import schema_ids
from saltwell.local.finished import Seen, Watcher
from saltwell.local.stack import Stack
from saltwell.report import episode_object

_FINISH_S = 300.0

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to play."""

    recordings: Sequence[Path]
    robot: str
    robots: int
    speed: str
    task: str | None = None


def run_demo(plan: Plan, *, bootstrap: str, store: str, logs: Path, tell: Tell) -> dict[str, Any]:
    """Play the recordings through real worker processes; gives the report of `demo --json`."""
    began_s = time.monotonic()
    stack = Stack(logs, bootstrap=bootstrap, store=store)
    watcher = Watcher(bootstrap, Codec(schema_ids()))
    try:
        tell("starting synchronize, downsample, score, judge and the episode sink")
        stack.start()
        tell(f"playing {len(plan.recordings)} recording(s) as {plan.robots} robot(s), speed {plan.speed}")
        played = _replay(plan, bootstrap)
        tell("waiting for the finished episodes")
        seen = watcher.wait([p["id"] for p in played], deadline_s=_FINISH_S, check=stack.check)
    finally:
        watcher.close()
        stack.stop()
    return report(played, seen, wall_s=time.monotonic() - began_s)


def report(played: Sequence[dict[str, Any]], seen: Seen, *, wall_s: float) -> dict[str, Any]:
    """The object that `demo --json` prints; latencies are the worst over the episodes."""
    return {
        "episodes": [episode_object(seen.finished[p["id"]]) for p in played],
        "station_seconds": sum(p["seconds"] for p in played),
        "wall_s": wall_s,
        "stop_to_verdict_s": max(seen.stop_to_verdict_s()),
        "stop_to_stored_s": max(seen.stop_to_stored_s()),
    }


def replay_command(plan: Plan, bootstrap: str) -> list[str]:
    """The command that plays the plan."""
    command = [sys.executable, "-m", "saltwell.cli.main", "replay", *map(str, plan.recordings)]
    command += ["--robot", plan.robot, "--robots", str(plan.robots), "--speed", plan.speed]
    command += ["--bootstrap", bootstrap, "--json"]
    return [*command, "--task", plan.task] if plan.task is not None else command


def _replay(plan: Plan, bootstrap: str) -> list[dict[str, Any]]:
    done = subprocess.run(replay_command(plan, bootstrap), stdout=subprocess.PIPE, stderr=None, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)  # its own line stands above
    episodes: list[dict[str, Any]] = json.loads(done.stdout)["episodes"]
    return episodes
