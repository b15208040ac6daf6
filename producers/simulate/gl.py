"""Which OpenGL renders without a screen, and a plain word when none does."""

import ctypes.util
import logging
import os
import sys

from saltwell.errors import StopError

LIBRARIES = {"egl": "EGL", "osmesa": "OSMesa"}
HELP = (
    "rendering needs EGL or OSMesa: on Debian install libegl1 and libgl1-mesa-dri (EGL), "
    "or libosmesa6 and set MUJOCO_GL=osmesa"
)


def choose_backend() -> None:
    """Set MUJOCO_GL for the import of mujoco that follows; raise StopError when no library is there.

    mujoco reads the variable when it is imported and can't change its mind, so the library is looked for first.
    A variable that is set stays as it is. Only Linux has a choice.
    """
    logging.getLogger("OpenGL").setLevel(logging.WARNING)  # PyOpenGL reports every accelerator that it lacks
    if sys.platform != "linux":
        return
    wanted = os.environ.get("MUJOCO_GL", "").strip().lower()
    if wanted and wanted not in LIBRARIES:
        raise StopError(f"MUJOCO_GL={wanted} can't render without a screen; unset it or use egl or osmesa")
    candidates = [wanted] if wanted else list(LIBRARIES)
    for backend in candidates:
        if ctypes.util.find_library(LIBRARIES[backend]):
            os.environ["MUJOCO_GL"] = backend
            return
    looked_for = " or ".join(f"lib{LIBRARIES[backend]}" for backend in candidates)
    raise StopError(f"no {looked_for} on this machine; {HELP}")


def check_rendering() -> None:
    """Render one empty picture; a broken GL driver may end the process instead of raising."""
    choose_backend()
    import mujoco  # noqa: PLC0415 - reads at import what choose_backend has set

    with mujoco.Renderer(mujoco.MjModel.from_xml_string("<mujoco/>"), 8, 8) as renderer:
        renderer.render()
