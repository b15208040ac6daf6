"""The scans of a moving sensor, of one stream of an episode, on their way to clouds. Pure."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from processors.downsample import deskew
from processors.downsample.sample import sampled_cloud
from processors.downsample.settings import StreamSettings
from processors.downsample.streams import CloudStream
from saltwell.contracts.columns import f64, i64
from saltwell.contracts.frames import CloudFrame, PoseBlock, SampledCloud
from saltwell.contracts.timeline import EpisodeAborted, EpisodeDiscarded, EpisodeStopped, FramesIndexed
from saltwell.errors import SkipRecordError
from saltwell.messages.checks import UnreadableFrame, check_cloud
from saltwell.messages.cloud_layout import channel, xyz

_NS = 1_000_000_000
_LEAST_NS, _MOST_NS = -(2**63), 2**63 - 1


class DeskewedStream(CloudStream):
    """Scans of a sensor that moves with a posed body.

    Scan and poses may count from different epochs: the first offset of each to site time, as the timeline tells it,
    brings them together. A scan whose points tell no times, or whose time the poses don't cover, stays as it is.
    """

    companion_kind = "pose"

    def __init__(self, settings: StreamSettings, stream: str) -> None:
        super().__init__(settings)
        self.companion = settings.deskew_pose
        numbers = np.array(settings.sensor_in_body)
        self._sensor = deskew.Pose(numbers[:3], numbers[3:] / np.linalg.norm(numbers[3:]))
        self._track = deskew.PoseTrack()
        self._offset_ns: dict[str, int | None] = {stream: None, self.companion: None}
        self._track_ended = False
        self._next: tuple[int, deskew.ScanTimes | None] | None = None

    def learn(self, record: Any) -> None:
        """Take poses, and how the clocks stand."""
        match record:
            case PoseBlock():
                self._add_poses(record)
            case FramesIndexed():
                for index in record.streams:
                    if self._offset_ns.get(index.stream, 0) is None:
                        self._offset_ns[index.stream] = index.clock_offset_ns
            case EpisodeStopped() | EpisodeAborted() | EpisodeDiscarded():
                for stream, offset_ns in self._offset_ns.items():
                    self._offset_ns[stream] = offset_ns or 0  # what was not told by now never will be

    def companion_ended(self) -> None:
        """No pose comes any more."""
        self._track_ended = True

    def is_ready(self, frame: CloudFrame) -> bool:
        """Whether poses of the whole scan are there."""
        times = self._times_of(frame)
        if times is None or (self._track_ended and not self._track.has_poses):
            return True
        if None in self._offset_ns.values():
            return False
        return self._track_ended or self._track.reaches(self._pose_ns(frame, times.last_s))

    def sample(self, frame: CloudFrame) -> SampledCloud:
        """The cloud of a scan, straightened where that can be."""
        check_cloud(frame)
        as_seen = xyz(frame)
        straight = self._straight(frame, as_seen)
        before = [] if straight is None else ["deskew"]
        points = as_seen if straight is None else straight
        return sampled_cloud(frame, points, channel(frame, "intensity"), self._settings, before=before)

    def _straight(self, frame: CloudFrame, as_seen: NDArray[np.float32]) -> NDArray[np.float32] | None:
        times = self._times_of(frame)
        if times is None or None in self._offset_ns.values():
            return None
        first_ns, last_ns = (self._pose_ns(frame, s) for s in (times.first_s, times.last_s))
        first, last = (self._track.at(t, known_at_ns=last_ns) for t in (first_ns, last_ns))
        if first is None or last is None:
            return None
        motion = deskew.motion_between(
            deskew.placed(first, self._sensor),
            deskew.placed(last, self._sensor),
            seconds=times.last_s - times.first_s,
            until_moment=-times.first_s,
        )
        return deskew.deskewed(as_seen, times.seconds, motion)

    def _times_of(self, frame: CloudFrame) -> deskew.ScanTimes | None:
        """When the points of the frame that is next were measured, found once."""
        if self._next is None or self._next[0] != frame.seq:
            self._next = (frame.seq, _scan_times(frame))
        return self._next[1]

    def _pose_ns(self, frame: CloudFrame, seconds: float) -> int:
        """A moment of a scan, so many s after its stamp, by the clock of the poses."""
        of_scan, of_pose = self._offset_ns.values()
        time_ns = frame.captured_ns + round(seconds * _NS) + (of_scan or 0) - (of_pose or 0)
        return max(_LEAST_NS, min(time_ns, _MOST_NS))

    def _add_poses(self, block: PoseBlock) -> None:
        try:
            columns = (i64(block.captured_ns).tolist(), f64(block.position_m, 3), f64(block.orientation_xyzw, 4))
            rows = list(zip(*columns, strict=True))
        except ValueError as error:
            raise SkipRecordError(f"poses of {block.stream} have columns that do not fit") from error
        for captured_ns, position, orientation in rows:
            length = float(np.linalg.norm(orientation))
            if np.isfinite(position).all() and np.isfinite(length) and length > 0:
                self._track.add(captured_ns, deskew.Pose(position, orientation / length))


def _scan_times(frame: CloudFrame) -> deskew.ScanTimes | None:
    try:
        check_cloud(frame)
    except UnreadableFrame:
        return None
    return deskew.scan_times(frame)
