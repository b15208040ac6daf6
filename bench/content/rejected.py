"""`python -m bench.content.rejected`: what else was tried to compare a camera with joints, on cameras in one clock."""

from collections.abc import Callable, Iterable
from pathlib import Path

import click
import numpy as np

from bench.content.scores import score_blocks
from processors.judge.content import signals
from processors.judge.content.lag import Lag, Lags, explained_by_all
from processors.judge.content.motion import Motion, StreamMotion
from saltwell.contracts.columns import Float64s, f64, i64
from saltwell.contracts.results import ScoreBlock

_JOINTS = "/joint_states"
_LAGS = Lags.between(-0.4, 0.4)
_WINDOW_S = 0.1
_MOVES_RAD = 0.02

Steps = Callable[[Motion, Motion], Float64s]
"""From the flow (8 numbers a frame) and the frame difference (1 number) to what is compared, a frame a row."""

_TRIED: dict[str, tuple[bool, Steps]] = {
    "frame difference": (False, lambda _, difference: difference.values),
    "flow energy": (False, lambda flow, _: _quarters(flow.values).sum(axis=1, keepdims=True)),
    "flow energy of each quarter": (False, lambda flow, _: _quarters(flow.values)),
    "signed flow of the whole": (True, lambda flow, _: flow.values.reshape(-1, 4, 2).mean(axis=1)),
    "signed flow of each quarter": (True, lambda flow, _: flow.values),
}
"""With whether joints count with their sign, or by how far they went."""


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True), metavar="FILE.mcap..")
def main(paths: tuple[Path, ...]) -> None:
    """Print, for each way, the error over all cameras of recordings whose streams share one clock.

    \b
    Example:
      python -m bench.content.rejected samples/sort_parts.mcap build/take-*.mcap
    """
    pairs = [pair for path in paths for pair in _pairs(score_blocks(path))]
    print(f"{len(pairs)} cameras\n{'compared':30} {'rms ms':>8} {'largest ms':>11} {'median bound ms':>16}")
    for name, (signed, steps) in _TRIED.items():
        lags = [lag for pair in pairs if (lag := _lag(*pair, signed=signed, steps=steps)) is not None]
        off_ms = np.array([lag.lag_s for lag in lags]) * 1000
        bound_ms = np.median([lag.error_s for lag in lags]) * 1000
        print(f"{name:30} {np.sqrt(np.mean(off_ms**2)):8.1f} {np.abs(off_ms).max():11.1f} {bound_ms:16.1f}")


def _pairs(blocks: list[ScoreBlock]) -> Iterable[tuple[Motion, Motion, Motion]]:
    """Joints, flow and frame difference of each camera."""
    origin_ns = min(int(i64(b.captured_ns)[0]) for b in blocks if len(b.captured_ns))
    motions: dict[str, StreamMotion] = {}
    for block in blocks:
        for trace in block.motion:
            motions.setdefault(block.stream, StreamMotion()).add(trace)
    for camera in sorted({block.stream for block in blocks if block.kind == "color"}):
        joints, flow = (motions[name].motion(clock_offset_ns=0, origin_ns=origin_ns) for name in (_JOINTS, camera))
        if joints is not None and flow is not None:
            yield joints, flow, _difference([b for b in blocks if b.stream == camera], origin_ns)


def _difference(blocks: list[ScoreBlock], origin_ns: int) -> Motion:
    """The metric `motion` of the frames that don't repeat the one before."""
    times_ns = np.concatenate([i64(block.captured_ns) for block in blocks])
    metrics = {name: np.concatenate([_metric(block, name) for block in blocks]) for name in ("motion", "repeat")}
    fresh = np.isfinite(metrics["motion"]) & (metrics["repeat"] == 0)
    return Motion(("motion",), (times_ns[fresh] - origin_ns) / 1e9, metrics["motion"][fresh, np.newaxis])


def _metric(block: ScoreBlock, name: str) -> Float64s:
    found = [f64(metric.values) for metric in block.metrics if metric.name == name]
    return found[0] if found else np.full(len(i64(block.captured_ns)), np.nan)


def _quarters(flow: Float64s) -> Float64s:
    return np.asarray(np.linalg.norm(flow.reshape(-1, 4, 2), axis=2))


def _lag(joints: Motion, flow: Motion, difference: Motion, *, signed: bool, steps: Steps) -> Lag | None:
    rows = steps(flow, difference)
    times_s = flow.times_s if len(rows) == len(flow.times_s) else difference.times_s
    moving = joints.values[:, np.ptp(joints.values, axis=0) > _MOVES_RAD]
    gone = moving if signed else np.cumsum(np.abs(np.diff(moving, axis=0, prepend=moving[:1])), axis=0)
    grid = signals.common_grid(joints.times_s, times_s)
    speeds = signals.rates(joints.times_s, gone, grid, window_s=_WINDOW_S)
    seen = signals.rates(times_s, np.cumsum(rows, axis=0), grid, window_s=_WINDOW_S)
    return explained_by_all(signals.without_trend(speeds), signals.without_trend(seen), _LAGS)


if __name__ == "__main__":
    main()
