"""The capacity table is arithmetic that can be followed by hand."""

import pytest

from bench.capacity import Plan, Station, need, station_of

STATION = Station(parts_core_s=1.2, broker_core_s=0.6, log_bytes=70e6, read_bytes=150e6, stored_bytes=50e6)


def test_a_plan_is_counted_by_its_peak_in_cores_and_by_its_day_in_bytes():
    of = need(Plan("ten stations, half the day", 10 * 43_200, hours_a_day=12, peak=2), STATION)
    assert of.stations == pytest.approx(20)
    assert of.cores == pytest.approx(20 * 1.2 / 0.6)
    assert of.log_in_mb_s == pytest.approx(20 * 70)
    assert of.stored_tb_a_day == pytest.approx(432_000 * 50e6 / 1e12)
    assert of.broker_disk_tb == pytest.approx(432_000 * 70e6 * 2 * 3 / 1e12)


def test_what_has_fewer_sensors_needs_as_many_stations_and_less_of_the_rest():
    whole = need(Plan("robots", 432_000, hours_a_day=12, peak=2), STATION)
    part = need(Plan("cameras", 432_000, hours_a_day=12, peak=2, share=0.1), STATION)
    assert part.stations == whole.stations
    assert part.cores == pytest.approx(whole.cores / 10)
    assert part.stored_tb_a_day == pytest.approx(whole.stored_tb_a_day / 10)


def test_figures_of_the_bench_are_taken_by_the_station_second():
    parts = ("broker", "synchronize", "downsample", "score", "judge", "episodes", "replay")
    figures = {
        "stations": 2,
        "seconds": 10,
        "topic_bytes": {"frames.color": 200, "frames.cloud": 100, "clouds.sampled": 60, "scores": 40},
        "processes": {name: {"cpu_s": 20.0} for name in parts},
    }
    station = station_of(figures, stored_bytes=5)
    assert station.parts_core_s == 5  # five parts; the replay is not the centre's
    assert station.broker_core_s == 1
    assert station.log_bytes == 20
    assert station.read_bytes == (2 * 300 + 160) / 20
