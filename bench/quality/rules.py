"""Published absolute rules on the same frames: the variance of the Laplacian against 80 and 100, mean light against 40.

They look at each frame by itself. Ours compares with what is usual for the camera, here with the median of the
clean frames of the take.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from bench.quality.takes import Take
from processors.score.image import ImageScore, ImageScorer

_EVERY = 6
Pixels = npt.NDArray[np.uint8]

_FAULTS: dict[str, Callable[[Pixels], npt.NDArray[Any]]] = {
    "clean": lambda p: p,
    "blur 5 px": lambda p: cv2.blur(p, (max(2, round(5 * p.shape[1] / 640)), 1)),
    "blur 9 px": lambda p: cv2.blur(p, (max(2, round(9 * p.shape[1] / 640)), 1)),
    "blur 15 px": lambda p: cv2.blur(p, (max(2, round(15 * p.shape[1] / 640)), 1)),
    "out of focus 2 px": lambda p: cv2.GaussianBlur(p, (0, 0), 2 * p.shape[1] / 640),
    "half the light": lambda p: p * 0.5,
    "a quarter of the light": lambda p: p * 0.25,
}


@dataclass(frozen=True, slots=True)
class Flagged:
    """Of so many frames of a kind, how many each rule flags."""

    frames: str
    of: int
    laplacian_80: int
    laplacian_100: int
    light_40: int
    blurred: int
    exposed: int


def compare(takes: Sequence[Take], settings: dict[str, float]) -> list[Flagged]:
    """What the rules flag among the colour frames of takes, clean and with faults."""
    counts = {name: np.zeros(6, dtype=int) for name in _FAULTS}
    for take in takes:
        for stream in take.streams("color"):
            frames = [_pixels(sample) for sample in take.samples[stream][::_EVERY]]
            usual = [_score(pixels) for pixels in frames]
            for name, change in _FAULTS.items():
                counts[name] += sum(_flags(change(pixels), usual, settings) for pixels in frames)
    return [Flagged(name, *map(int, found)) for name, found in counts.items()]


def _flags(pixels: npt.NDArray[Any], usual: Sequence[ImageScore], settings: dict[str, float]) -> Any:
    image = np.clip(pixels, 0, 255).astype(np.uint8)
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    laplacian = float(cv2.Laplacian(grey, cv2.CV_64F).var())
    one = _score(image)
    sharp = _sharpness(one) / np.median([_sharpness(u) for u in usual])
    detail = one.detail / np.median([u.detail for u in usual])
    light = one.brightness / np.median([u.brightness for u in usual])
    blurred = sharp < settings["blurred_ratio"] and detail < settings["blurred_detail_ratio"]
    exposed = abs(np.log(light)) > np.log(settings["exposure_ratio"])
    return np.array([1, laplacian < 80, laplacian < 100, grey.mean() < 40, blurred, exposed], dtype=int)


def _score(image: Pixels) -> ImageScore:
    payload = bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90])[1])
    return ImageScorer().score(payload, encoding="jpeg", width=0, height=0, step=0)


def _sharpness(score: ImageScore) -> float:
    return score.sharpness / (score.brightness + 1) ** 2


def _pixels(sample: Any) -> Pixels:
    return np.asarray(cv2.imdecode(np.frombuffer(sample.payload, np.uint8), cv2.IMREAD_COLOR), dtype=np.uint8)
