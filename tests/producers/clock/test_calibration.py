import pytest

from producers.clock import DERIVED, SensorCalibration, load_calibration
from saltwell.errors import StopError


def test_a_file_says_latency_and_whose_stamps_are_made_by_hardware(tmp_path) -> None:
    (tmp_path / "clocks.toml").write_text(
        '["/head/color"]\nlatency_ms = 30.5\n["/points"]\nstamps = "hardware"\n["/imu"]\nlatency_ms = 0\n'
        '["/wrist"]\nstamps = "derived"\n'
    )
    assert load_calibration(tmp_path / "clocks.toml") == {
        "/head/color": SensorCalibration(latency_ns=30_500_000),
        "/points": SensorCalibration(stamps="hardware"),
        "/imu": SensorCalibration(),
        "/wrist": DERIVED,
    }


@pytest.mark.parametrize(
    "wrong",
    [
        '["/a"]\nlatency_ms = -1',
        '["/a"]\nlatency_ms = nan',
        '["/a"]\nlatency_ms = "30"',
        '["/a"]\nlatency_ms = true',
        '["/a"]\nlatency = 30',
        '["/a"]\nstamps = "ptp"',
        '["/a"]\nstamps = "sensor"',
        '["/a"]',
        "a = 3",
        "= broken",
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path, wrong) -> None:
    (tmp_path / "clocks.toml").write_text(wrong)
    with pytest.raises(StopError, match=r"clocks\.toml") as refused:
        load_calibration(tmp_path / "clocks.toml")
    assert "\n" not in str(refused.value)
