import io
from typing import Any

import numpy as np
import pytest
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory

from producers.simulate.camera_info import CameraInfo
from producers.simulate.writer import Recorder
from saltwell.messages.text import String


def _read(stream: io.BytesIO) -> list[tuple[str, Any, Any]]:
    stream.seek(0)
    reader = make_reader(stream, decoder_factories=[DecoderFactory()])
    return [(c.topic, m, ros) for _, c, m, ros in reader.iter_decoded_messages(log_time_order=False)]


def test_messages_lie_in_the_order_of_arrival_and_are_numbered_by_topic() -> None:
    stream = io.BytesIO()
    recorder = Recorder(stream, {"/a": "std_msgs/msg/String", "/b": "std_msgs/msg/String"})
    recorder.push("/a", 30, String("late").encode())
    recorder.push("/b", 10, String("early").encode())
    recorder.advance(20)
    recorder.push("/b", 25, String("next").encode())
    recorder.finish({"origin": "test"})
    read = _read(stream)
    assert [(topic, m.log_time, m.sequence, ros.data) for topic, m, ros in read] == [
        ("/b", 10, 0, "early"),
        ("/b", 25, 1, "next"),
        ("/a", 30, 0, "late"),
    ]


def test_camera_info_decodes_and_puts_the_axis_in_the_middle() -> None:
    stream = io.BytesIO()
    recorder = Recorder(stream, {"/info": "sensor_msgs/msg/CameraInfo"})
    recorder.push("/info", 1, CameraInfo(1_500_000_000, "head_camera", 640, 480, 60.0).encode())
    recorder.finish({})
    [(_, _, info)] = _read(stream)
    assert (info.header.stamp.sec, info.header.stamp.nanosec) == (1, 500_000_000)
    assert (info.width, info.height, info.distortion_model) == (640, 480, "plumb_bob")
    focal_px = 240 / np.tan(np.radians(30))
    assert info.k == pytest.approx([focal_px, 0, 319.5, 0, focal_px, 239.5, 0, 0, 1])
    assert info.p == pytest.approx([focal_px, 0, 319.5, 0, 0, focal_px, 239.5, 0, 0, 0, 1, 0])
    assert info.roi.do_rectify is False
