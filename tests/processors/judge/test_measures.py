import numpy as np
import pytest

from processors.judge.criteria import load_criteria
from processors.judge.joints import Motion
from processors.judge.measures import score_measures
from processors.judge.series import StreamScores
from saltwell.contracts.columns import pack_f64, pack_i64
from saltwell.contracts.results import MetricColumn, ScoreBlock

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
