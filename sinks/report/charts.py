"""Charts as SVG for pages: colours come from the page's own style, and every number is also written out. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import log10

WIDTH = 720
_ROW, _BAR = 26, 16
_LABEL = 190
_LETTERS = 28
_VALUE = 190


@dataclass(frozen=True, slots=True)
class Bar:
    """A row: its name, its parts (class of the page's style, size), what is written at its end, and a tick."""

    name: str
    parts: Sequence[tuple[str, float]]
    value: str
    tick: float | None = None


def bars(rows: Sequence[Bar], *, title: str) -> str:
    """Rows below each other, each of several parts."""
    longest = max((max(sum(size for _, size in row.parts), row.tick or 0.0) for row in rows), default=0.0) or 1.0
    scale = (WIDTH - _LABEL - _VALUE) / longest
    drawn = "".join(_row(row, number * _ROW, scale) for number, row in enumerate(rows))
    return _svg(drawn, height=len(rows) * _ROW + 4, title=title)


def columns(values: Sequence[Sequence[tuple[str, float]]], *, title: str) -> str:
    """A column an hour, each of several parts, from 0 h on; a scale at the left."""
    high, left, foot = 150, 44, 22
    top = nice_top(max((sum(size for _, size in parts) for parts in values), default=0.0))
    wide = (WIDTH - left) / max(len(values), 1)
    drawn = []
    for level in (0.0, 0.5, 1.0):
        y = 8 + high * (1 - level)
        drawn.append(f'<line class="grid" x1="{left}" y1="{y:.1f}" x2="{WIDTH}" y2="{y:.1f}"/>')
        drawn.append(f'<text class="muted" x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{top * level:,.4g}</text>')
    for hour, parts in enumerate(values):
        drawn.append(_column(parts, x=left + hour * wide, wide=wide, high=high, top=top))
        if hour % 3 == 0:
            x = left + hour * wide
            drawn.append(f'<text class="muted" x="{x:.1f}" y="{high + foot}">{hour}:00</text>')
    return _svg("".join(drawn), height=high + foot + 10, title=title)


def progress(share: float, *, pace: float | None = None) -> str:
    """How far a plan is, and a tick where it should be by now."""
    filled = f'<rect class="track" {_size(200, 8)} rx="4"/><rect class="line" {_size(200 * min(share, 1), 8)} rx="4"/>'
    tick = "" if pace is None else f'<rect class="ink" x="{200 * min(pace, 1) - 1:.1f}" y="-3" {_size(2, 14)}/>'
    return f'<svg class="progress" viewBox="0 -3 200 14" role="img" aria-label="{share:.1%}">{filled}{tick}</svg>'


def nice_top(value: float) -> float:
    """The next 1, 2 or 5 of a power of ten that is not less."""
    if value <= 0:
        return 1.0
    power = 10.0 ** int(log10(value) // 1)
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value * (1 - 1e-9))


def _row(row: Bar, y: float, scale: float) -> str:
    middle, x = y + _ROW / 2 + 4, float(_LABEL)
    name = f"<title>{_safe(row.name)}</title>{_safe(_short(row.name))}"
    drawn = [f'<text x="{_LABEL - 8}" y="{middle}" text-anchor="end">{name}</text>']
    for style, size in row.parts:
        if size > 0:
            drawn.append(f'<rect class="{style}" x="{x:.1f}" y="{y + (_ROW - _BAR) / 2}" {_size(size * scale, _BAR)}/>')
        x += size * scale
    if row.tick is not None:
        at = _LABEL + row.tick * scale
        drawn.append(f'<rect class="ink" x="{at - 1:.1f}" y="{y + 2}" {_size(2, _ROW - 4)}/>')
        x = max(x, at)
    drawn.append(f'<text class="muted" x="{x + 8:.1f}" y="{middle}">{_safe(row.value)}</text>')
    return "".join(drawn)


def _column(parts: Sequence[tuple[str, float]], *, x: float, wide: float, high: float, top: float) -> str:
    y, drawn = 8 + high, []
    for style, size in parts:
        tall = high * size / top
        y -= tall
        if size > 0:
            drawn.append(f'<rect class="{style}" x="{x + 1:.1f}" y="{y:.1f}" {_size(wide - 2, tall)}/>')
    return "".join(drawn)


def _size(width: float, height: float) -> str:
    return f'width="{width:.1f}" height="{height:.1f}"'


def _svg(drawn: str, *, height: float, title: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{_safe(title)}">{drawn}</svg>'


def _short(name: str) -> str:
    return name if len(name) <= _LETTERS else name[: _LETTERS - 1] + "…"


def _safe(text: str) -> str:
    return escape("".join(letter if letter.isprintable() else "?" for letter in text))
