"""Everything that the settings need, compiled and imported before the first cloud comes."""

from processors.downsample import deskew, voxels
from processors.downsample.library import open3d
from processors.downsample.settings import Settings


def warm(settings: Settings) -> None:
    """Load it now: a missing library stops the process at its start, in one line."""
    voxels.warm()
    if any(one.deskew_pose for one in settings.all()):
        deskew.warm()
    if any(one.farthest or one.outlier_neighbours for one in settings.all()):
        open3d("farthest-point sampling and removal of outliers")
    if any(one.camera_info for one in settings.all()):
        from processors.downsample import depth, depth_stream  # noqa: PLC0415 - OpenCV only where it is asked for

        del depth_stream
        depth.warm()
