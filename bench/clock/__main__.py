"""`python -m bench.clock`: how well a sensor's clock is known, and how soon again after it was set."""

import json
import time
from pathlib import Path
from typing import Any

import click
import numpy as np

from bench.clock.estimators import ESTIMATORS, TwoHulls, errors_ms
from bench.clock.simulated import SENSORS, Sensor, simulate
from saltwell.contracts.columns import Float64s

_WRITTEN = Path("build/clock.json")
_SET_AT_S = 60.5
_RECOVERED_MS = 1.0
_WARM_S = 10.0
_AGES_S = ((0, 1), (1, 3), (3, 10), (10, 30), (30, 600))


@click.command()
@click.option("--runs", default=4, show_default=True, type=click.IntRange(1, 1000), help="Runs of ten minutes.")
@click.option(
    "--clean-runs", default=100, show_default=True, help="Runs of a minute, in which any jump is a false one."
)
def main(runs: int, clean_runs: int) -> None:
    """Measure; prints tables and writes build/clock.json.

    \b
    Example:
      python -m bench.clock --runs 4 --clean-runs 100
    """
    figures = {sensor.name: _sensor(sensor, runs=runs, clean_runs=clean_runs) for sensor in SENSORS}
    _WRITTEN.parent.mkdir(parents=True, exist_ok=True)
    _WRITTEN.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(table(figures))
    print(f"figures: {_WRITTEN}")


def _sensor(sensor: Sensor, *, runs: int, clean_runs: int) -> dict[str, Any]:
    return {
        "error_ms": {name: _error(sensor, name, runs=1 if name != "two hulls" else runs) for name in ESTIMATORS},
        "by_age": _by_age(sensor, runs=min(clean_runs, 30)),
        "set_by_50_ms_s": {f"{by_s:+.3f}": _recovery(sensor, by_s, runs=10) for by_s in (0.050, -0.050)},
        "false_jumps": {"runs": clean_runs, "jumps": sum(_jumps(sensor, seed) for seed in range(clean_runs))},
    }


def _error(sensor: Sensor, name: str, *, runs: int) -> dict[str, float]:
    """Of whole runs of ten minutes, and of the same without the first seconds."""
    began_s = time.process_time()
    runs_of_it = (simulate(sensor, seed=seed, seconds=600) for seed in range(runs))
    errors = np.abs([[*errors_ms(ESTIMATORS[name](), run)] for run in runs_of_it])
    spent_s = time.process_time() - began_s
    warm = errors[:, int(_WARM_S * sensor.rate_hz) :]
    p50, p99 = np.percentile(errors, [50, 99]).tolist()
    return {
        "p50": p50,
        "p99": p99,
        "p99_warm": float(np.percentile(warm, 99)),
        "us_a_frame": spent_s / errors.size * 1e6,
    }


def _by_age(sensor: Sensor, *, runs: int) -> list[dict[str, float]]:
    """Error and stated bound by the time since the first frame: what short episodes have."""
    errors, bounds = [], []
    for seed in range(runs):
        run, estimator = simulate(sensor, seed=seed, seconds=60), TwoHulls()
        rows = [(abs(error), estimator.clock.reading().residual_ns / 1e6) for error in errors_ms(estimator, run)]
        errors.append([error for error, _ in rows])
        bounds.append([bound for _, bound in rows])
    age_s = np.arange(len(errors[0])) / sensor.rate_hz
    return [_age(np.array(errors), np.array(bounds), (age_s >= a) & (age_s < b)) | {"from_s": a} for a, b in _AGES_S]


def _age(errors: Float64s, bounds: Float64s, at: np.ndarray[Any, np.dtype[np.bool_]]) -> dict[str, float]:
    p50, p99 = np.percentile(errors[:, at], [50, 99]).tolist()
    return {
        "p50": p50,
        "p99": p99,
        "bound_p50": float(np.median(bounds[:, at])),
        "within_bound": float(np.mean(errors[:, at] <= bounds[:, at])),
    }


def _recovery(sensor: Sensor, by_s: float, *, runs: int) -> dict[str, float]:
    """Seconds from the jump until the error stays below a millisecond, and whether each was told, once."""
    seconds, told = [], 0
    for seed in range(runs):
        run, estimator = simulate(sensor, seed=seed, seconds=90).set_clock(_SET_AT_S, by_s), TwoHulls()
        errors = np.abs([*errors_ms(estimator, run)])
        wrong = np.flatnonzero(errors > _RECOVERED_MS)
        behind = (int(wrong[-1]) + 1) / sensor.rate_hz - _SET_AT_S if wrong.size else 0.0
        seconds.append(max(behind, 0.0))
        told += estimator.clock.reading().jumps == 1
    return {"median": float(np.median(seconds)), "worst": max(seconds), "told": told, "runs": runs}


def _jumps(sensor: Sensor, seed: int) -> int:
    run, estimator = simulate(sensor, seed=seed, seconds=60), TwoHulls()
    for captured_ns, arrived_ns in zip(run.captured_ns.tolist(), run.arrived_ns.tolist(), strict=True):
        estimator.clock.add(captured_ns, arrived_ns)
    return estimator.clock.reading().jumps


def table(figures: dict[str, Any]) -> str:
    """The figures for a terminal."""
    lines = []
    for sensor, of in figures.items():
        lines += [sensor, f"  {'error, ms':16}{'p50':>9}{'p99':>9}{'p99 from 10 s':>15}{'us a frame':>12}"]
        lines += [
            f"  {name:16}{e['p50']:9.3f}{e['p99']:9.3f}{e['p99_warm']:15.3f}{e['us_a_frame']:12.1f}"
            for name, e in of["error_ms"].items()
        ]
        lines += [
            f"  from {age['from_s']:2} s        {age['p50']:9.3f}{age['p99']:9.3f}   bound {age['bound_p50']:.3f},"
            f" holds for {100 * age['within_bound']:.2f} %"
            for age in of["by_age"]
        ]
        lines += [
            f"  set by {by} s: right again after {r['median']:.2f} s, worst {r['worst']:.2f} s;"
            f" told {r['told']} of {r['runs']}"
            for by, r in of["set_by_50_ms_s"].items()
        ]
        lines += [
            f"  {of['false_jumps']['jumps']} false jumps in {of['false_jumps']['runs']} clean runs of a minute",
            "",
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
