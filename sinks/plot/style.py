"""Colours, letters and words of pictures. Texts from outside are shown as they are: no mathematics, no controls."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any
from warnings import catch_warnings, filterwarnings

from matplotlib import font_manager, rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, MUTED, FAINT = "#1f2430", "#6a7180", "#e3e6eb"
DECISIONS: Mapping[str, str] = {"accept": "#2a8a57", "review": "#c98500", "reject": "#c8372d", "note": "#8b93a1"}
"""Colours of decisions, and of reasons by severity."""

PARTS = ("#2f6fb5", "#d9622b", "#1b9e8a", "#9a5bb0", "#b58900", "#5f6b7a", "#c2477f", "#4f9d3a")
"""Colours that are told apart, also by most who see red and green as one."""

# Tasks are written in the language of those who collect; the first that a machine has is taken for each letter.
_FAMILIES = ("DejaVu Sans", "Noto Sans CJK SC", "Noto Sans SC", "WenQuanYi Micro Hei", "PingFang SC", "Microsoft YaHei")


@contextmanager
def fonts() -> Iterator[None]:
    """Draw with the letters that this machine has; one that no font has becomes a box, without a word."""
    with rc_context({"font.family": list(_families())}), catch_warnings():
        filterwarnings("ignore", message="Glyph .* missing")
        yield


def say(place: Axes | Figure, x: float, y: float, text: str, *, most: int = 200, **how: Any) -> Any:
    """Write a text as it is, at most so many letters of it."""
    return place.text(x, y, plain_text(text, most=most), parse_math=False, **how)


def plain_text(text: str, *, most: int = 200) -> str:
    """A text in one line without anything that is not a letter."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    return shown if len(shown) <= most else shown[: most - 3] + "..."


@cache
def _families() -> tuple[str, ...]:
    known = {font.name for font in font_manager.fontManager.ttflist}
    return tuple(name for name in _FAMILIES if name in known) or ("sans-serif",)
