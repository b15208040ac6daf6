"""The optics of a spinning lidar: rays cast into the scene."""

from typing import Any, NamedTuple

import mujoco
import numpy as np
from numpy.typing import NDArray

RINGS, COLUMNS = 20, 250
LOWEST_DEG, HIGHEST_DEG = -60.0, 10.0
MIN_RANGE_M, MAX_RANGE_M = 0.3, 30.0
NOISE_M = 0.006
LOST_SHARE = 0.01  # returns that real optics miss
GRAIN_M = 2.0**-8  # the sensor reports multiples of this, about 4 mm


class Returns(NamedTuple):
    """What some columns of a turn gave back: n points in the frame of the sensor."""

    points_m: NDArray[np.float32]
    """(n, 3)"""
    intensity: NDArray[np.float32]
    """(n,) 0..255"""
    column: NDArray[np.int64]
    """(n,) the column that each point belongs to, which says when it was fired."""


class Optics:
    """20 rings from -60 to 10 degrees, 250 columns a turn, fired column by column."""

    def __init__(self, model: Any, *, site: str, rng: np.random.Generator) -> None:
        """Put it at a site; its own body doesn't return its rays."""
        self._model = model
        self._site_id = model.site(site).id
        self._body_id = int(model.site_bodyid[self._site_id])
        self._rng = rng
        self._albedo = _albedos(model)
        azimuth = np.linspace(np.pi, -np.pi, COLUMNS, endpoint=False)[:, np.newaxis]
        elevation = np.radians(np.linspace(LOWEST_DEG, HIGHEST_DEG, RINGS))[np.newaxis, :]
        self._rays = np.stack(
            np.broadcast_arrays(
                np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)
            ),
            axis=-1,
        )

    def fire(self, data: Any, first: int, count: int) -> Returns:
        """Cast `count` columns from number `first` on into the present state."""
        rays = self._rays[first : first + count].reshape(-1, 3)
        turned = rays @ data.site_xmat[self._site_id].reshape(3, 3).T
        range_m, geom, normal = self._cast(data, turned)
        facing = np.abs(np.einsum("ij,ij->i", normal, turned))
        intensity = np.round(255 * self._albedo[geom] * facing)
        range_m = range_m + self._rng.normal(0, NOISE_M, len(rays))
        seen = (geom >= 0) & (range_m > MIN_RANGE_M) & (self._rng.random(len(rays)) > LOST_SHARE)
        points = np.round(range_m[seen, np.newaxis] * rays[seen] / GRAIN_M) * GRAIN_M
        columns = first + np.repeat(np.arange(count), RINGS)
        return Returns(points.astype(np.float32), intensity[seen].astype(np.float32), columns[seen])

    def _cast(
        self, data: Any, rays: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.float64]]:
        """Return the range in m, the geom (-1 = none) and the surface normal of every ray."""
        count = len(rays)
        geom, range_m, normal = np.full(count, -1, np.int32), np.zeros(count), np.zeros(3 * count)
        mujoco.mj_multiRay(
            self._model,
            data,
            pnt=data.site_xpos[self._site_id],
            vec=rays.ravel(),
            geomgroup=None,
            flg_static=True,
            bodyexclude=self._body_id,
            geomid=geom,
            dist=range_m,
            normal=normal,
            nray=count,
            cutoff=MAX_RANGE_M,
        )
        return range_m, geom, normal.reshape(-1, 3)


def _albedos(model: Any) -> NDArray[np.float64]:
    """Return the brightness 0..1 of every geom, by its material or its own colour."""
    colors = model.geom_rgba.copy()
    made_of = model.geom_matid
    colors[made_of >= 0] = model.mat_rgba[made_of[made_of >= 0]]
    return np.asarray(colors[:, :3].mean(axis=1) * 0.7)
