"""Pictures of a scene: colour and distance, without a screen."""

from typing import Any, Self

import mujoco
import numpy as np
from numpy.typing import NDArray

from producers.simulate.gl import HELP
from saltwell.errors import StopError

MAX_WIDTH, MAX_HEIGHT = 640, 480
MAX_SHADOW_SIZE = 1024


class Renderer:
    """An OpenGL context that holds one model. Close it, or use it in a `with` block."""

    def __init__(self, model: Any) -> None:
        """Open the context; raise StopError when there is none."""
        buffer = model.vis.global_
        buffer.offwidth, buffer.offheight = max(buffer.offwidth, MAX_WIDTH), max(buffer.offheight, MAX_HEIGHT)
        # Drawn by a CPU, a finer map of shadows costs more than the picture.
        model.vis.quality.shadowsize = min(model.vis.quality.shadowsize, MAX_SHADOW_SIZE)
        self._model = model
        self._option = mujoco.MjvOption()
        self._scene = mujoco.MjvScene(model, maxgeom=model.ngeom + 1000)
        try:
            self._gl = mujoco.GLContext(buffer.offwidth, buffer.offheight)
            self._gl.make_current()
            self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100)
        except Exception as error:
            # PyOpenGL, the driver and MuJoCo each raise errors of their own here, and all mean the same.
            reason = " ".join(str(error).split())
            raise StopError(f"OpenGL doesn't start ({type(error).__name__}: {reason}); {HELP}") from error
        self._context.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the context back."""
        self._context.free()
        self._gl.free()

    def color(self, data: Any, camera: int, *, width: int, height: int) -> NDArray[np.uint8]:
        """Return (height, width, 3) red, green, blue."""
        picture = np.empty((height, width, 3), dtype=np.uint8)
        self._draw(data, camera, width, height, flat=False)
        mujoco.mjr_readPixels(picture, None, mujoco.MjrRect(0, 0, width, height), self._context)
        return picture[::-1]

    def depth(self, data: Any, camera: int, *, width: int, height: int) -> NDArray[np.float64]:
        """Return (height, width) distances in m along the camera's axis."""
        reversed_z = np.empty((height, width), dtype=np.float32)
        self._draw(data, camera, width, height, flat=True)
        mujoco.mjr_readPixels(None, reversed_z, mujoco.MjrRect(0, 0, width, height), self._context)
        near, far = (edge * self._model.stat.extent for edge in (self._model.vis.map.znear, self._model.vis.map.zfar))
        # The buffer holds 1 at the near plane and 0 at the far one, hyperbolic between.
        return np.asarray(near * far / (reversed_z[::-1].astype(np.float64) * (far - near) + near))

    def _draw(self, data: Any, camera: int, width: int, height: int, *, flat: bool) -> None:
        view = mujoco.MjvCamera()
        view.type, view.fixedcamid = mujoco.mjtCamera.mjCAMERA_FIXED, camera
        mujoco.mjv_updateScene(self._model, data, self._option, None, view, mujoco.mjtCatBit.mjCAT_ALL, self._scene)
        # Distances need no light; drawn as segments they are also cheaper.
        self._scene.flags[mujoco.mjtRndFlag.mjRND_SEGMENT] = flat
        self._scene.flags[mujoco.mjtRndFlag.mjRND_IDCOLOR] = flat
        self._gl.make_current()
        mujoco.mjr_render(mujoco.MjrRect(0, 0, width, height), self._scene, self._context)
