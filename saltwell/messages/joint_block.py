"""Many JointState messages at once: those of a block differ in stamp and numbers only. Pure."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from saltwell.contracts.columns import Float64s, Int64s
from saltwell.messages.cdr import MalformedMessage
from saltwell.messages.joint_names import encoded_names
from saltwell.messages.motion import JointState

_LAYOUTS = 64
_NS = 1_000_000_000
_ENCAPSULATION_BYTES = 4
_SEC_AT, _NANOSEC_AT, _NAMES_AT = 4, 8, 12


def encode_joint_block(
    *,
    frame_id: str,
    names: Sequence[str],
    stamps_ns: Int64s,
    position: Float64s,
    velocity: Float64s,
    effort: Float64s,
) -> list[bytes]:
    """Encode n samples of j joints: the same bytes as `JointState.encode` of each.

    `stamps_ns` is (n,); `position` (rad), `velocity` (rad/s) and `effort` (Nm) are (n, j), or (n, 0) where not
    given. Raises MalformedMessage for other shapes and for stamps whose seconds don't fit in 32 bits.
    """
    columns = {"position": position, "velocity": velocity, "effort": effort}
    _check(stamps_ns, columns)
    layout, blank = _layout(frame_id, tuple(names), tuple(values.shape[1] for values in columns.values()))
    raw = bytearray(blank * len(stamps_ns))
    block = np.ndarray(len(stamps_ns), layout, raw)
    block["sec"], block["nanosec"] = np.divmod(stamps_ns, _NS)
    for name, values in columns.items():
        block[name] = values
    return [bytes(raw[at : at + len(blank)]) for at in range(0, len(raw), len(blank))]


def _check(stamps_ns: Int64s, columns: Mapping[str, Float64s]) -> None:
    for name, values in columns.items():
        if values.ndim != 2 or len(values) != len(stamps_ns):  # noqa: PLR2004 - rows and columns
            raise MalformedMessage(f"{name} has shape {values.shape} for {len(stamps_ns)} stamps; (n, j) is needed")
    seconds = stamps_ns // _NS
    if np.any(seconds != seconds.astype(np.int32)):
        raise MalformedMessage(f"stamps of {stamps_ns.min()} to {stamps_ns.max()} ns: seconds don't fit in 32 bits")


@lru_cache(maxsize=_LAYOUTS)
def _layout(frame_id: str, names: tuple[str, ...], widths: tuple[int, ...]) -> tuple[np.dtype[np.void], bytes]:
    """Where the numbers of a sample lie, and a sample whose numbers are zero."""
    blank = JointState(0, frame_id, names, *(np.zeros(width) for width in widths)).encode()
    offsets, at = [_SEC_AT, _NANOSEC_AT], _NAMES_AT + len(encoded_names(frame_id, names))
    for width in widths:
        at += -at % 4 + 4  # behind the count
        at += (_ENCAPSULATION_BYTES - at) % 8 if width else 0
        offsets.append(at)
        at += 8 * width
    layout: np.dtype[np.void] = np.dtype(
        {
            "names": ["sec", "nanosec", "position", "velocity", "effort"],
            "formats": ["<i4", "<u4", *(("<f8", (width,)) for width in widths)],
            "offsets": offsets,
            "itemsize": len(blank),
        }
    )
    return layout, blank
