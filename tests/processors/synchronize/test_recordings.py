"""What is known of the clocks and delays of real recordings (their README) is found by the code."""

from pathlib import Path
from typing import Any

import pytest

from processors.synchronize.episode import EpisodeSteps
from producers.clock import SensorCalibration
from producers.publisher import EpisodePublisher
from producers.replay.recording import open_recording
from producers.replay.samples import declare, to_sample
from saltwell.contracts.results import AlignmentEnded, StreamTiming
from saltwell.contracts.timeline import EpisodeStarted, EpisodeStopped, FramesIndexed, StreamEnded

MS = 1_000_000


class _Timeline:
    def __init__(self) -> None:
        self.events: list[Any] = []

    def send(self, topic, record, *, on_lost=None) -> int:
        if topic == "timeline":
            self.events.append(record)
        return 0

    def flush(self) -> None:
        pass


def report(path: Path, calibration=None) -> AlignmentEnded:
    """The sync report of a recording, published and synchronized as in the pipeline."""
    recording, timeline = open_recording(path), _Timeline()
    publisher = EpisodePublisher(timeline, site="site", robot="robot", episode="take", calibration=calibration)
    readers = {stream.name: to_sample(stream) for stream in recording.streams}
    last_ns = 0
    for message in recording.messages():
        if not last_ns:
            publisher.start([declare(s) for s in recording.streams], started_ns=message.arrived_ns, task="", source={})
        last_ns = message.arrived_ns
        publisher.publish(readers[message.stream](message))
    publisher.stop(stopped_ns=last_ns)
    recording.close()
    return _synchronized(timeline.events)


def _synchronized(events) -> AlignmentEnded:
    for event in events:
        match event:
            case EpisodeStarted():
                steps = EpisodeSteps(event)
            case FramesIndexed():
                for _ in steps.index(event):
                    pass
            case StreamEnded():
                steps.end_stream(event.stream)
            case EpisodeStopped():
                *_, ended = steps.end(stopped_ns=event.stopped_ns, ending="stopped")
    assert isinstance(ended, AlignmentEnded)
    return ended


def timings(ended: AlignmentEnded) -> dict[str, StreamTiming]:
    return {timing.stream: timing for timing in ended.streams}


def delays_ms(timing: StreamTiming) -> list[float]:
    return [ns / MS for ns in (timing.delay_min_ns, timing.delay_p50_ns, timing.delay_p99_ns, timing.delay_max_ns)]


def test_stamps_in_the_future_of_their_receipt_are_found_and_put_right(recordings) -> None:
    joints = timings(report(recordings / "kuka_torque.mcap"))["/joint_states"]
    least, median, _, most = delays_ms(joints)
    assert (least, median, most) == pytest.approx((-4.86, -4.39, -2.27), abs=0.01)
    assert joints.clock_offset_ns / MS == pytest.approx(-4.4, abs=0.5)
    assert joints.delay_max_ns <= 0
    assert (joints.clock_source, joints.clock_steps, joints.dropped) == ("kept", 0, 0)
    assert joints.period_ns == pytest.approx(10 * MS, rel=1e-3)


def test_the_lidars_device_lies_a_third_of_a_second_behind_its_host(recordings) -> None:
    points = timings(report(recordings / "lidar_vlp16.mcap"))["/lidar/points"]
    assert delays_ms(points) == pytest.approx([368.1] * 4, abs=0.05)


def test_another_epoch_is_found_to_the_millisecond(recordings) -> None:
    points = timings(report(recordings / "lidar_luminar.mcap"))["/lidar/points"]
    assert points.clock_source == "foreign"
    assert points.delay_p50_ns / 1e9 == pytest.approx(20_543_620.18, abs=0.01)
    assert points.clock_offset_ns / 1e9 == pytest.approx(20_543_620.18, abs=0.04)


def test_bursts_of_arrivals_are_told_and_are_no_jumps_of_a_clock(recordings) -> None:
    found = timings(report(recordings / "tilt_laser.mcap"))
    assert delays_ms(found["/imu_data"]) == pytest.approx([1.7, 81, 561, 681], rel=0.02)
    assert delays_ms(found["/scan"]) == pytest.approx([43, 62, 560, 653], rel=0.02)
    assert {name: timing.clock_steps for name, timing in found.items() if timing.clock_steps} == {}


def test_the_headsets_offset_is_found_within_two_milliseconds_once_its_latency_is_known(recordings) -> None:
    calibration = {"/headset/pose": SensorCalibration(latency_ns=15 * MS)}
    headset = timings(report(recordings / "quest2_ur5e_traj1.mcap", calibration))["/headset/pose"]
    assert headset.clock_source == "calibrated"
    assert headset.clock_offset_ns / MS == pytest.approx(258, abs=2)
    assert headset.clock_residual_ns >= abs(headset.clock_offset_ns - 258 * MS)
    assert headset.clock_steps == 0


def test_a_clock_that_is_set_is_told_from_frames_that_are_lost(recordings) -> None:
    found = timings(report(recordings / "station_composite_faults.mcap"))
    set_by_ms = {name: timing.largest_clock_step_ns / MS for name, timing in found.items() if timing.clock_steps}
    assert set_by_ms == pytest.approx(dict.fromkeys(("/vr/head", "/vr/left", "/vr/right"), 250.0), abs=2)
    assert {name: t.dropped for name, t in found.items() if t.dropped} == {"/head/color": 12}
    assert found["/vr/head"].longest_gap_ns < 25 * MS


def test_a_clean_station_has_no_jump_no_loss_and_every_step(recordings) -> None:
    ended = report(recordings / "station_composite_6s.mcap")
    assert (ended.steps, ended.complete_steps, ended.deadline_steps) == (180, 180, 0)
    assert all(t.clock_steps == t.dropped == t.late == t.out_of_order == 0 for t in ended.streams)


def test_how_far_color_and_depth_are_apart_is_found(recordings) -> None:
    depth = timings(report(recordings / "tum_rgbd_6s.mcap"))["/camera/depth"]
    found = (depth.signed_skew_min_ns, depth.signed_skew_p50_ns, depth.signed_skew_max_ns)
    assert [ns / MS for ns in found] == pytest.approx([-0.3, 6.6, 12.8], abs=0.1)
