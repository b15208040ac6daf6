"""The cameras: pictures taken at instants of their own between the steps of the physics."""

from collections.abc import Iterator
from typing import NamedTuple

from producers.simulate.camera_info import CameraInfo
from producers.simulate.instrument import Channel, Sample, generator
from producers.simulate.pictures import Grain, depth_mm, jpeg
from producers.simulate.renderer import Renderer
from producers.simulate.robot import Robot
from producers.simulate.timing import Pulse
from saltwell.messages.image import CompressedImage, Image

COLOR_LATENCY_S, DEPTH_LATENCY_S, ARRIVAL_JITTER_S = 0.028, 0.034, 0.002
STAMP_JITTER_S = 0.0001


class View(NamedTuple):
    """One stream of a camera of the model."""

    camera: int
    """Its id in the model."""
    frame_id: str
    topic: str
    """The prefix: /head gives /head/color."""
    width: int
    height: int
    rate_hz: float
    phase_s: float


class ColorCamera:
    """JPEG pictures, and what a pinhole needs to know beside them where it's wanted."""

    def __init__(self, view: View, renderer: Renderer, *, seed: int, with_info: bool) -> None:
        """Look through a camera of the renderer's model."""
        self._view, self._renderer = view, renderer
        self._topic, self._info_topic = f"{view.topic}/color", f"{view.topic}/camera_info"
        rng = generator(seed, self._topic)
        self._pulse = Pulse(rate_hz=view.rate_hz, phase_s=view.phase_s, jitter_s=STAMP_JITTER_S, rng=rng)
        self._grain = Grain(width=view.width, height=view.height, rng=rng)
        self._with_info = with_info
        self.channels: tuple[Channel, ...] = (_channel(self._topic, "CompressedImage", COLOR_LATENCY_S),)
        if with_info:
            self.channels += (_channel(self._info_topic, "CameraInfo", COLOR_LATENCY_S),)

    def measure(self, robot: Robot) -> Iterator[Sample]:
        """Take the pictures that are due."""
        for instant_ns in self._pulse.due(robot.time_ns - robot.start_ns):
            stamp_ns = robot.start_ns + instant_ns
            camera, frame_id, _, width, height, *_ = self._view
            picture = self._renderer.color(robot.snapshot(stamp_ns), camera, width=width, height=height)
            message = CompressedImage(stamp_ns, frame_id, "jpeg", jpeg(self._grain.add(picture)))
            yield Sample(self._topic, stamp_ns, message.encode())
            if self._with_info:
                info = CameraInfo(stamp_ns, frame_id, width, height, float(robot.model.cam_fovy[camera]))
                yield Sample(self._info_topic, stamp_ns, info.encode())


class DepthCamera:
    """Distances in mm along the camera's axis, registered to the colour picture of the same camera."""

    def __init__(self, view: View, renderer: Renderer, *, seed: int) -> None:
        """Look through a camera of the renderer's model."""
        self._view, self._renderer = view, renderer
        self._topic = f"{view.topic}/depth"
        rng = generator(seed, self._topic)
        self._pulse = Pulse(rate_hz=view.rate_hz, phase_s=view.phase_s, jitter_s=STAMP_JITTER_S, rng=rng)
        self.channels = (_channel(self._topic, "Image", DEPTH_LATENCY_S),)

    def measure(self, robot: Robot) -> Iterator[Sample]:
        """Take the pictures that are due."""
        for instant_ns in self._pulse.due(robot.time_ns - robot.start_ns):
            stamp_ns = robot.start_ns + instant_ns
            camera, frame_id, _, width, height, *_ = self._view
            picture = depth_mm(self._renderer.depth(robot.snapshot(stamp_ns), camera, width=width, height=height))
            message = Image(
                stamp_ns=stamp_ns,
                frame_id=frame_id,
                height=height,
                width=width,
                encoding="16UC1",
                big_endian=False,
                step=2 * width,
                data=picture.astype("<u2").tobytes(),
            )
            yield Sample(self._topic, stamp_ns, message.encode())


def _channel(topic: str, kind: str, latency_s: float) -> Channel:
    return Channel(topic, f"sensor_msgs/msg/{kind}", latency_s=latency_s, jitter_s=ARRIVAL_JITTER_S)
