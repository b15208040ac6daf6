"""From points in a sensor's frame to a sampled cloud, as the settings of a stream say. Pure."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from processors.downsample.farthest import farthest_points
from processors.downsample.outliers import inliers
from processors.downsample.settings import StreamSettings
from processors.downsample.voxels import voxel_centroids
from saltwell.contracts.frames import CloudFrame, ImageFrame, SampledCloud
from saltwell.messages.cloud_points import SampledPoints, pack_points


def sampled_cloud(
    of: CloudFrame | ImageFrame,
    xyz: NDArray[np.float32],
    intensity: NDArray[np.float32] | None,
    settings: StreamSettings,
    *,
    before: Sequence[str] = (),
) -> SampledCloud:
    """The smaller cloud of a frame: voxels, then what else the settings ask for.

    `xyz` (n, 3) float32 m and `intensity` (n,) are the frame's points; `before` names what was done with them already.
    Raises `UnusableCloudError` for too many points.
    """
    voxels = voxel_centroids(
        xyz, intensity, voxel_m=settings.voxel_m, crop=settings.crop, min_points=settings.min_points
    )
    kept, steps = np.arange(len(voxels.count)), [*before, "voxel"]
    if settings.outlier_neighbours:
        kept = inliers(voxels.xyz, neighbours=settings.outlier_neighbours, sigmas=settings.outlier_sigmas)
        steps.append("outliers")
    if settings.farthest:
        kept = kept[farthest_points(voxels.xyz[kept], count=settings.farthest)]
        steps.append("farthest")
    mean = None if voxels.intensity is None else voxels.intensity[kept]
    packed = pack_points(SampledPoints(voxels.xyz[kept], mean, voxels.count[kept]), step_m=settings.step_m)
    return SampledCloud(
        site=of.site,
        robot=of.robot,
        episode=of.episode,
        stream=of.stream,
        seq=of.seq,
        captured_ns=of.captured_ns,
        frame_id=of.frame_id,
        method="+".join(steps),
        voxel_m=settings.voxel_m,
        points_in=voxels.valid,
        points=packed.points,
        step_m=packed.step_m,
        xyz=packed.xyz,
        intensity=packed.intensity,
        count=packed.count,
    )
