"""`python -m bench.sync`: what the synchronizer pairs, how soon and at what cost, against other policies."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from bench.sync.cost import cost
from bench.sync.policies import Policy, Row, approximate_time, as_of_arrival, covered, latest_at_tick, saltwell
from bench.sync.scenario import STREAMS, Sent, scenario

_WRITTEN = Path("build/sync.json")
_QUIX = Path("build/quixstreams")
_QUIX_VERSION = "3.28.1"
_WORKER = Path(__file__).with_name("quix_worker.py")
_NS_PER_MS = 1_000_000
_COST_S = 10
_OTHERS: dict[str, Policy] = {
    "ApproximateTime, queue 10": approximate_time(10),
    "ApproximateTime, queue 50": approximate_time(50),
    "latest at tick": latest_at_tick,
    "as of arrival": as_of_arrival,
}


@click.command()
@click.option("--seconds", default=120, show_default=True, type=click.IntRange(4, 3600), help="Length of the scenario.")
@click.option("--stations", default=200, show_default=True, type=click.IntRange(1, 1000), help="Stations side by side.")
@click.option("--quix/--no-quix", default=True, help="Also quixstreams, in an environment of its own (downloads it).")
def main(seconds: int, stations: int, quix: bool) -> None:  # noqa: FBT001 - click passes by name
    """Measure; prints a table and writes build/sync.json.

    \b
    Example:
      python -m bench.sync --seconds 120 --stations 200
    """
    frames = scenario(seconds=seconds)
    figures: dict[str, Any] = {"saltwell": _saltwell(frames)}
    figures |= {name: _other(policy, frames) for name, policy in _OTHERS.items()}
    if quix:
        figures["quixstreams join_asof"] = _quix(frames)
    costs = cost(scenario(seconds=_COST_S), seconds=_COST_S, stations=stations)
    _WRITTEN.parent.mkdir(parents=True, exist_ok=True)
    _WRITTEN.write_text(json.dumps({"policies": figures, "cost": costs}, indent=2) + "\n", encoding="utf-8")
    print(table(figures, costs))
    print(f"figures: {_WRITTEN}")


def _saltwell(frames: Sequence[Sent]) -> dict[str, Any]:
    began_s = time.process_time()
    rows, report = saltwell(frames)
    cpu_us = (time.process_time() - began_s) / len(frames) * 1e6
    holds = {"p50": report.hold_p50_ns / _NS_PER_MS, "p99": report.hold_p99_ns / _NS_PER_MS}
    kinds = {t.stream: {"interpolated": t.interpolated, "held": t.held, "missing": t.missing} for t in report.streams}
    return _figures(rows, frames, cpu_us) | {"hold_ms": holds, "kinds": kinds, "at_deadline": report.deadline_steps}


def _other(policy: Policy, frames: Sequence[Sent]) -> dict[str, Any]:
    began_s = time.process_time()
    rows = [*policy(frames)]
    return _figures(rows, frames, (time.process_time() - began_s) / len(frames) * 1e6)


def _figures(rows: Sequence[Row], frames: Sequence[Sent], cpu_us: float) -> dict[str, Any]:
    holds = [row.hold_ns / _NS_PER_MS for row in rows] or [0.0]
    skews = {stream.name: _p99([row.skew_ns[i] for row in rows]) for i, stream in enumerate(STREAMS[1:])}
    p50, p99 = np.percentile(holds, [50, 99]).tolist()
    return {
        "covered": covered(rows, frames),
        "hold_ms": {"p50": p50, "p99": p99},
        "skew_p99_ms": skews,
        "cpu_us": cpu_us,
    }


def _p99(skews_ns: Sequence[int | None]) -> float:
    found = [abs(skew) / _NS_PER_MS for skew in skews_ns if skew is not None]
    return float(np.percentile(found, 99)) if found else float("nan")


def _quix(frames: Sequence[Sent]) -> dict[str, Any]:
    """The join of quixstreams, whose times are whole milliseconds."""
    python = _quix_environment()
    ms = [[f.arrived_ns // _NS_PER_MS, f.stream, f.seq, f.captured_ns // _NS_PER_MS] for f in frames]
    asked = json.dumps({"streams": [stream.name for stream in STREAMS], "frames": ms})
    done = subprocess.run([python, _WORKER], input=asked, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"bench: quixstreams: {done.stderr[-500:]}")
    answer = json.loads(done.stdout)
    exact = {f.captured_ns // _NS_PER_MS: f.captured_ns for f in frames if f.stream == 0}
    rows = [
        Row(exact[t_ms], 0, [None if t is None else (t - t_ms) * _NS_PER_MS for t in found])
        for t_ms, _, found in answer["rows"]
    ]
    costs = {name: answer[name] for name in ("bytes_out_per_in", "peak_bytes")}
    return _figures(rows, frames, answer["cpu_us"]) | costs


def _quix_environment() -> Path:
    python = _QUIX / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", _QUIX], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", f"quixstreams=={_QUIX_VERSION}"], check=True)
    return python


def table(figures: dict[str, Any], costs: dict[str, float]) -> str:
    """The figures for a terminal."""
    head = f"{'':28}{'covered':>9}{'hold p50':>10}{'p99 ms':>8}{'skew p99 ms:':>14}"
    lines = [head + "".join(f"{stream.name:>13}" for stream in STREAMS[1:]) + f"{'us a frame':>12}"]
    for name, f in figures.items():
        skews = "".join(f"{f['skew_p99_ms'][stream.name]:13.1f}" for stream in STREAMS[1:])
        hold = f"{f['hold_ms']['p50']:10.1f}{f['hold_ms']['p99']:8.1f}"
        lines.append(f"{name:28}{100 * f['covered']:8.1f}%{hold}{'':14}{skews}{f['cpu_us']:12.1f}")
    lines += [
        "",
        f"{costs['stations']:.0f} stations of {costs['frames_a_second']:.0f} frames a second, with the codec:",
        f"  {costs['us_a_frame']:.1f} us a frame, {costs['us_an_event']:.0f} us an event of the timeline",
        f"  {costs['stations_a_core']:.0f} stations a core, {costs['kb_a_station']:.0f} kB a station",
        f"  {costs['bytes_out_per_in']:.2f} bytes out per byte in",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
