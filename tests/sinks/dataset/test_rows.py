import numpy as np
import pytest

from saltwell.errors import SkipRecordError
from sinks.dataset.rows import _filled
from sinks.dataset.training import _check_names


def test_a_joint_that_is_never_measured_does_not_take_the_others_with_it() -> None:
    values = np.array([[1.0, np.nan, np.nan], [2.0, np.nan, 5.0], [3.0, np.nan, np.nan]])
    assert _filled(values).tolist() == [[1.0, 0.0, 5.0], [2.0, 0.0, 5.0], [3.0, 0.0, 5.0]]


def test_a_missing_row_is_the_nearest_one() -> None:
    values = np.array([[np.nan], [1.0], [np.nan], [np.nan], [4.0]])
    assert _filled(values)[:, 0].tolist() == [1.0, 1.0, 1.0, 4.0, 4.0]


def test_two_streams_of_one_plain_name_are_refused() -> None:
    _check_names(["/head/color", "/head_left/color"])
    with pytest.raises(SkipRecordError, match="/head/color and /head_color are both head_color"):
        _check_names(["/head/color", "/head_color"])
