"""Sensor clocks: what to add to a sensor's stamps to get the site's time, and how well that is known."""

from producers.clock.calibration import DERIVED, Calibration, SensorCalibration, load_calibration
from producers.clock.sensor import ClockReading, SensorClock

__all__ = ["DERIVED", "Calibration", "ClockReading", "SensorCalibration", "SensorClock", "load_calibration"]
