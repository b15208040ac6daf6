"""The frames of one stream of an episode on their way to clouds. Pure.

A frame may have to wait: a depth image for its camera's calibration, a scan for the poses of its time. They come in
other topics, which are read independently, so nothing here may depend on what comes first: a frame waits until what
it needs is there, or will never be.
"""

import logging
from collections import deque
from collections.abc import Iterator
from typing import Any

from processors.downsample.sample import sampled_cloud
from processors.downsample.settings import StreamSettings
from saltwell.contracts.frames import CloudFrame, ImageFrame, SampledCloud
from saltwell.contracts.identity import StreamKind
from saltwell.errors import SkipRecordError
from saltwell.messages.checks import check_cloud
from saltwell.messages.cloud_layout import channel, xyz
from saltwell.metrics import CLOUDLESS, DUPLICATES

log = logging.getLogger(__name__)

MAX_WAITING_BYTES = 256 * 1024 * 1024
"""What may wait of one stream; beyond it the oldest frame goes on with what is there. Topics are read in step, some 2 s
apart at most, so this much waits only for what the robot itself does not send."""

_PART = "downsample"


class CloudStream:
    """Scans that need nothing but themselves."""

    companion = ""
    """Name of the stream that tells what frames here wait for; empty = nothing."""

    companion_kind: StreamKind = "other"

    def __init__(self, settings: StreamSettings) -> None:
        self._settings = settings
        self._seen: set[int] = set()
        self._told: set[str] = set()
        self._waiting: deque[Any] = deque()
        self._waiting_bytes = 0

    def take(self, frame: CloudFrame | ImageFrame) -> None:
        """A frame; a further copy of one is dropped."""
        if frame.seq in self._seen:
            DUPLICATES.labels(_PART).inc()
            return
        self._seen.add(frame.seq)
        self._waiting.append(frame)
        self._waiting_bytes += len(frame.payload)

    def learn(self, record: Any) -> None:
        """A record of the companion stream, or an event of the timeline."""

    def companion_ended(self) -> None:
        """The companion stream tells nothing more."""

    def clouds(self) -> Iterator[SampledCloud]:
        """What can be given now. A frame that can't be read gives none: it is the scorer's to set aside."""
        while self._waiting and (self._waiting_bytes > MAX_WAITING_BYTES or self.is_ready(self._waiting[0])):
            frame = self._waiting.popleft()
            self._waiting_bytes -= len(frame.payload)
            try:
                yield self.sample(frame)
            except SkipRecordError as error:
                self._tell(error)

    def _tell(self, error: SkipRecordError) -> None:
        """Count the frame; the first of each kind of error is spoken of."""
        kind = type(error).__name__
        if kind not in self._told:
            self._told.add(kind)
            log.warning("a frame gives no cloud: %s", error)
        CLOUDLESS.labels(kind).inc()

    @property
    def waits(self) -> bool:
        """Whether a frame waits."""
        return bool(self._waiting)

    def is_ready(self, frame: Any) -> bool:
        """Whether all is there, or will never be, that the frame needs."""
        del frame
        return True

    def sample(self, frame: Any) -> SampledCloud:
        """The cloud of a frame; SkipRecordError when there can be none."""
        check_cloud(frame)
        return sampled_cloud(frame, xyz(frame), channel(frame, "intensity"), self._settings)
