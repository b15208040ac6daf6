import numpy as np
import pytest

from sinks.dataset.interpolate import Samples, at_steps, windows
from sinks.episodes.annotations import StepMatch

SAMPLES = Samples(np.array([3, 4, 6]), np.array([30, 40, 60]), np.array([[1.0], [2.0], [6.0]]))


def _match(kind, seq: int, seq_next: int = -1, skew_ns: int = 0, span_ns: int = 0, since_ns: int = 0) -> StepMatch:
    return StepMatch("/arm", kind, seq, seq_next, skew_ns, span_ns, since_ns)


def test_between_two_frames_the_alignment_says_where_whatever_the_clock_did_meanwhile() -> None:
    """The sensor's times are those of another epoch: only the alignment knew the offset at these frames."""
    matches = [_match("exact", 3), _match("interpolated", 4, 6, 0, 20, 5), _match("interpolated", 4, 6, 0, 20, 20)]
    assert at_steps(SAMPLES, matches)[:, 0].tolist() == [1.0, 3.0, 6.0]


def test_a_step_without_a_match_has_no_value() -> None:
    assert np.isnan(at_steps(SAMPLES, [_match("missing", -1), _match("held", 5)])).all()


def test_a_window_ends_with_the_last_sample_before_its_step() -> None:
    matches = [_match("interpolated", 4, 6, 0, 20, 5), _match("held", 6, skew_ns=7), _match("held", 6, skew_ns=-7)]
    assert windows(SAMPLES, matches, length=2)[..., 0].tolist() == [[1.0, 2.0], [1.0, 2.0], [2.0, 6.0]]


def test_a_window_has_no_values_before_the_first_sample_or_without_a_match() -> None:
    found = windows(SAMPLES, [_match("exact", 3), _match("missing", -1)], length=2)[..., 0]
    assert found[0] == pytest.approx([np.nan, 1.0], nan_ok=True)
    assert np.isnan(found[1]).all()
