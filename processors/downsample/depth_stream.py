"""The depth images of one stream of an episode on their way to clouds. Pure."""

import logging
from typing import Any

import numpy as np

from processors.downsample.depth import depth_points, rays, scaled
from processors.downsample.sample import sampled_cloud
from processors.downsample.settings import StreamSettings
from processors.downsample.streams import CloudStream
from processors.score.decode import depth_mm
from saltwell.contracts.frames import ImageFrame, MessageFrame, SampledCloud
from saltwell.errors import SkipRecordError
from saltwell.messages.camera_info import CameraInfo
from saltwell.messages.checks import check_image

log = logging.getLogger(__name__)


class UncalibratedCameraError(SkipRecordError):
    """A depth image whose camera's calibration never came, or can't be used."""


class DepthStream(CloudStream):
    """Depth images. The first calibration that can be used holds for the whole episode.

    It may be that of the camera's larger or smaller images: drivers often tell one for color and depth.
    """

    def __init__(self, settings: StreamSettings) -> None:
        super().__init__(settings)
        self.companion = settings.camera_info
        self._camera: CameraInfo | None = None
        self._rays = np.empty((0, 0, 2), np.float32)
        self._never = False

    def learn(self, record: Any) -> None:
        """Take the calibration."""
        if not isinstance(record, MessageFrame) or self._camera is not None:
            return
        try:
            camera = CameraInfo.decode(record.payload)
            self._rays, self._camera = rays(camera), camera
        except SkipRecordError as error:
            log.warning("episode %s: %s: %s", record.episode, self.companion, error)

    def companion_ended(self) -> None:
        """No calibration comes any more."""
        self._never = True
        if self._camera is None:
            log.warning("%s told no calibration that can be used: no clouds of its depth images", self.companion)

    def is_ready(self, frame: Any) -> bool:
        """Whether the calibration is there."""
        del frame
        return self._never or self._camera is not None

    def sample(self, frame: ImageFrame) -> SampledCloud:
        """The cloud of an image."""
        if self._camera is None:
            raise UncalibratedCameraError(f"{frame.stream} has no calibration: {self.companion} told none")
        check_image(frame)
        image = depth_mm(
            frame.payload,
            encoding=frame.encoding,
            width=frame.width,
            height=frame.height,
            step=frame.step,
            big_endian=frame.big_endian,
        )
        if image.shape != self._rays.shape[:2]:
            height, width = image.shape
            self._rays = rays(scaled(self._camera, width=width, height=height))
        return sampled_cloud(frame, depth_points(image, self._rays), None, self._settings, before=["depth"])
