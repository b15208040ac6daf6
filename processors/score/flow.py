"""How the picture of a camera moves from one frame to the next: a few signed numbers, for the check of its stamps.

The judge compares them with the speeds of the joints (processors/judge/content). Signed flow in quarters of the
picture tells time two to three times as well as one flow energy or frame difference: speeds that pass through zero
are sharp marks, and four quarters see different joints (docs/content-check.md).
"""

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from saltwell.contracts.columns import Float64s

LABELS: tuple[str, ...] = tuple(
    f"{row}_{column}_{axis}_px" for row in ("upper", "lower") for column in ("left", "right") for axis in "xy"
)
"""What the eight numbers are: mean flow in a quarter of the picture, pixels of the reduced image, x right, y down."""

_WIDTH = 160
_LEAST_SIDE = 32

# OpenCV divides this flow into as many stripes as it has threads, and the stripes show in the result.
cv2.setNumThreads(1)


class FlowMeter:
    """Measures the pictures of one camera in order; remembers the last one."""

    def __init__(self) -> None:
        self._last: NDArray[np.uint8] | None = None
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)

    def see(self, grey: NDArray[np.uint8]) -> Float64s | None:
        """Take the next picture, (h, w) uint8; give the flow since the last one, (8,) as `LABELS` say.

        None for a picture that repeats the last one (cameras do that, under a new stamp) or is too small. Zeros for
        the first one, and for the first of another size. Flow: Kroeger et al., "Fast optical flow using dense
        inverse search", ECCV 2016, at a width of 160 pixels.
        """
        reduced = _reduced(grey)
        if min(reduced.shape) < _LEAST_SIDE:
            return None
        last, self._last = self._last, reduced
        if last is None or last.shape != reduced.shape:
            return np.zeros(len(LABELS))
        if np.array_equal(last, reduced):
            return None
        # The stub has no None for the flow that is to be made.
        field = self._flow.calc(last, reduced, cast("NDArray[np.float32]", None))
        return _quarters(field).ravel()


def _reduced(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = grey.shape
    if width <= _WIDTH:
        return grey
    size = (_WIDTH, max(1, round(height * _WIDTH / width)))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _quarters(field: NDArray[np.generic]) -> Float64s:
    """Average (h, w, 2) over quarters: (2, 2, 2) as row, column, axis."""
    row, column = field.shape[0] // 2, field.shape[1] // 2
    parts = (field[:row, :column], field[:row, column:], field[row:, :column], field[row:, column:])
    return np.array([cv2.mean(np.ascontiguousarray(part))[:2] for part in parts])
