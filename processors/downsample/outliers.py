"""Points that lie alone, told by the distances to their neighbours.

Open3D does the work. It holds the GIL for the whole call, so reduce the cloud by voxels first, and ask for it only
where it is needed.
"""

import numpy as np
from numpy.typing import NDArray

from processors.downsample.library import open3d


def inliers(xyz: NDArray[np.float32], *, neighbours: int, sigmas: float) -> NDArray[np.int64]:
    """Indices of the points that stay, ascending.

    `xyz`: (n, 3) float32, finite, any unit. A point goes when its mean distance to its `neighbours` nearest points is
    more than `sigmas` standard deviations above the mean of all points. Algorithm: Rusu et al., "Towards 3D point
    cloud based object maps for household environments", Robotics and Autonomous Systems 56(11), 2008, as in Open3D.
    A cloud of no more than `neighbours` points stays as it is.

    Raises `StopError` when Open3D can't be imported.
    """
    if len(xyz) <= neighbours:
        return np.arange(len(xyz))
    library = open3d("removal of outliers")
    cloud = library.geometry.PointCloud(library.utility.Vector3dVector(xyz.astype(np.float64)))
    _, kept = cloud.remove_statistical_outlier(neighbours, sigmas)
    return np.sort(np.asarray(kept, dtype=np.int64))
