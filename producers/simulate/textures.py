"""Textures of the station, painted by arithmetic so that the repository carries no pictures."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

BOARDS = 6
RIBS = 10
Pattern = Callable[[int, int, np.random.Generator], NDArray[np.float64]]


def paint(model: Any) -> None:
    """Multiply the flat textures of a compiled MjModel that this module knows by name with their pattern.

    The colour stays the one of the model file. Call it before a renderer uploads the textures; a model without
    such names is left as it is. The picture is the same at every call.
    """
    for texture_id in range(model.ntex):
        pattern = PATTERNS.get(model.texture(texture_id).name)
        if pattern is None:
            continue
        start = model.tex_adr[texture_id]
        height, width, channels = (
            int(field[texture_id]) for field in (model.tex_height, model.tex_width, model.tex_nchannel)
        )
        pixels = model.tex_data[start : start + height * width * channels].reshape(height, width, channels)
        gain = pattern(height, width, np.random.default_rng(texture_id))
        pixels[:] = np.clip(pixels * gain[..., np.newaxis], 0, 255).astype(np.uint8)


def _noise(height: int, width: int, rng: np.random.Generator, cells: tuple[int, int]) -> NDArray[np.float64]:
    """Smooth noise in -1..1 with `cells` (down, across) independent values."""
    coarse = rng.uniform(-1, 1, cells)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.float64)


def _wood(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Boards with grain along the width."""
    across = np.linspace(0, 45, height)[:, np.newaxis] + 5 * _noise(height, width, rng, (8, 3))
    fibre = _noise(height, width, rng, (height // 24, 10))
    board, seam = -(-height // BOARDS), height // 500
    boards = np.repeat(rng.uniform(0.9, 1.06, BOARDS), board)[:height, np.newaxis]
    seams = np.where(np.arange(height) % board < seam, 0.6, 1.0)[:, np.newaxis]
    return np.asarray(boards * seams * (1 + 0.04 * np.sin(across) + 0.02 * fibre))


def _concrete(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Stains of three sizes."""
    return np.asarray(
        1
        + 0.08 * _noise(height, width, rng, (6, 6))
        + 0.07 * _noise(height, width, rng, (40, 40))
        + 0.04 * _noise(height, width, rng, (200, 200))
    )


def _brick(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Eight courses of four bricks, every second course moved by half a brick."""
    row = np.arange(height) * 8 // height
    column = (np.arange(width)[np.newaxis, :] + (row % 2)[:, np.newaxis] * (width // 8)) % width
    tone = rng.uniform(0.8, 1.15, (8, 4))[row[:, np.newaxis], column * 4 // width]
    joint = (np.arange(height)[:, np.newaxis] % (height // 8) < height // 100) | (column % (width // 4) < width // 100)
    return np.where(joint, 1.3, tone) * (1 + 0.1 * _noise(height, width, rng, (128, 128)))


def _panel(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Sound-absorbing wall panels: a grid of seams over a fine grain."""
    seam = (np.arange(height)[:, np.newaxis] % (height // 2) < height // 80) | (
        np.arange(width)[np.newaxis, :] % (width // 2) < width // 80
    )
    return np.where(seam, 0.6, 1 + 0.12 * _noise(height, width, rng, (100, 100)))


def _mat(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a rubber mat with ribs both ways."""
    rib = (np.arange(height)[:, np.newaxis] % (height // RIBS) < height // RIBS // 4) | (
        np.arange(width)[np.newaxis, :] % (width // RIBS) < width // RIBS // 4
    )
    return np.where(rib, 1.1, 0.95) * (1 + 0.05 * _noise(height, width, rng, (height // 4, width // 4)))


def _speckle(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Grains of two to four pixels, as on cast plastic."""
    return 1 + 0.09 * _noise(height, width, rng, (height // 3, width // 3))


def _brushed(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Fine lines along the width."""
    return 1 + 0.05 * _noise(height, width, rng, (height // 2, 4)) + 0.05 * _noise(height, width, rng, (12, 6))


PATTERNS: dict[str, Pattern] = {
    "wood": _wood,
    "concrete": _concrete,
    "brick": _brick,
    "panel": _panel,
    "mat": _mat,
    "speckle": _speckle,
    "brushed": _brushed,
}
