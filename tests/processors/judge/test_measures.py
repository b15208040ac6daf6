from dataclasses import MISSING, fields

import numpy as np
import pytest

from processors.judge.criteria import load_criteria
from processors.judge.joints import Motion
from processors.judge.measures import score_measures, timing_measures
from processors.judge.series import StreamScores
from saltwell.contracts.columns import pack_f64, pack_i64
from saltwell.contracts.identity import StreamKind
from saltwell.contracts.results import MetricColumn, ScoreBlock, StreamTiming

SETTINGS = load_criteria().settings
TIMES = np.arange(30) * 100_000_000


@pytest.mark.parametrize(("speed", "seconds"), [(0.5, 1.0), (0.001, 0.0)])
def test_a_freeze_counts_only_while_the_robot_moves(speed: float, seconds: float) -> None:
    repeat = ((np.arange(30) >= 10) & (np.arange(30) < 20)).astype(float)
    scores = StreamScores()
    metric = MetricColumn("repeat", pack_f64(repeat))
    numbers = pack_i64(range(30))
    scores.add(ScoreBlock("site", "r", "e", "/color", "color", numbers, pack_i64(TIMES), [metric], [], 0))
    moving = Motion(TIMES, np.full(30, speed), 0.02)
    found = {m.code: m for m in score_measures("/color", scores, settings=SETTINGS, moving=moving)}
    assert found["freeze"].value == pytest.approx(seconds)
    assert (found["freeze"].from_ns, found["freeze"].to_ns) == (900_000_000, 1_900_000_000)


def timing(*, kind: StreamKind = "color", **more: float) -> StreamTiming:
    """Of 100 frames, each at its step."""
    zeros = {field.name: 0 for field in fields(StreamTiming) if field.default is MISSING}
    usual = {"stream": "/s", "kind": kind, "count": 100, "period_ns": 33e6, "exact": 100}
    return StreamTiming(**{**zeros, **usual, **more})


@pytest.mark.parametrize(
    ("what", "residual_ms", "delays_ms", "told_ms"),
    [
        ("a camera 1.5 times slower than its stamps", 7866.7, (5.0, 2959.0), 7866.7),
        ("one twice as fast as its stamps", 7863.1, (-2977.0, -24.0), 7863.1),
        ("one per cent slow", 156.1, (5.0, 65.0), 156.1),
        ("late bursts of a lidar", 36.6, (7.0, 675.0), 0.0),
        ("bad Wi-Fi", 1.1, (3.0, 342.0), 0.0),
    ],
)
def test_a_clock_runs_away_when_its_offset_is_known_worse_than_delays_spread(
    what: str, residual_ms: float, delays_ms: tuple[float, float], told_ms: float
) -> None:
    low, high = delays_ms
    found = timing(clock_residual_ns=residual_ms * 1e6, delay_min_ns=low * 1e6, delay_p99_ns=high * 1e6)
    [drift] = [m for m in timing_measures(found) if m.code == "clock_drift"]
    assert drift.value == pytest.approx(told_ms), what


@pytest.mark.parametrize(("required", "told"), [(True, True), (False, False)])
def test_only_a_stream_that_steps_need_is_missed(*, required: bool, told: bool) -> None:
    codes = {m.code for m in timing_measures(timing(exact=50, missing=50, required=required))}
    assert ("coverage" in codes) is told
