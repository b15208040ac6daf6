"""The panels of a picture: each function gives what draws one, and where it depends on the content, how high it is."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, ListedColormap

from saltwell.contracts.results import Reason
from saltwell.names import groups
from sinks.episodes.manifest import Manifest
from sinks.plot.series import THUMBNAILS, Clock, Envelope, Filmstrip, Floats, Score, Skews
from sinks.plot.style import DECISIONS, FAINT, INK, MUTED, PARTS, plain_text, say

Draw = Callable[[Axes], None]

_ROW_IN = 0.25
_MOST_REASONS = 14
_SEVERITIES = ("reject", "review", "note")
_LETTERS = 22
_SKEW_TOP_MS = 40.0
_MISSING = "#c8372d"
_SKEW_COLORS = LinearSegmentedColormap.from_list("skew", ["#eaf1f8", "#9cc1e2", "#3f7fbd", "#123a66"])
_INSTANT_SHARE = 0.004
_BESIDE_SHARE = 0.006
_LETTER_SHARE = 0.0062  # of the axis, at 9.5 points
_ROOM_SHARE = 1.15  # up to the right border of the picture


def reasons(manifest: Manifest, clock: Clock) -> tuple[float, Draw]:
    """A row a reason, worst first: when it was, if it was at a time, and what it says."""
    ordered = sorted(manifest.reasons, key=lambda reason: _SEVERITIES.index(reason.severity))
    shown, more = ordered[:_MOST_REASONS], len(ordered) - _MOST_REASONS

    def draw(axes: Axes) -> None:
        for row, reason in enumerate(shown):
            _reason(axes, reason, row, manifest, clock)
        if more > 0:
            say(axes, 0, len(shown), f"and {more} more", size=9, color=MUTED, va="center")
        if not shown:
            say(axes, 0, 0, "nothing against it", size=10, color=MUTED, va="center")
        axes.set_ylim(max(len(shown), 1) - 0.5 + (more > 0), -0.5)
        axes.set_yticks([])

    return _ROW_IN * (max(len(shown), 1) + (more > 0)), draw


def filmstrip(strip: Filmstrip, clock: Clock, *, width_in: float) -> tuple[float, Draw]:
    """A camera's pictures, each at its time; a field with a cross where it gave none."""
    shapes = [picture.shape for picture in strip.pictures if picture is not None]
    high = max((height / width for height, width, _ in shapes), default=0.5)
    high = min(high, 1.3)

    def draw(axes: Axes) -> None:
        each_s = clock.duration_s / THUMBNAILS
        for number, picture in enumerate(strip.pictures):
            left, right = (number + 0.02) * each_s, (number + 0.98) * each_s
            if picture is None:
                axes.fill_between([left, right], 0, 1, color=FAINT, lw=0)
                axes.plot([left, right, np.nan, left, right], [0, 1, np.nan, 1, 0], color="white", lw=1.5)
            else:
                axes.imshow(picture, extent=(left, right, 0, 1), aspect="auto", zorder=2)
        axes.set_ylim(0, 1)
        axes.set_yticks([0.5], [_name(strip.stream)], parse_math=False)

    return width_in * 0.96 * high, draw


def envelope(one: Envelope) -> Draw:
    """A line a joint; a colour a part of the body, or a joint where they are all of one part."""
    parts = groups(one.joints)
    if len(parts) == 1 and len(one.joints) <= len(PARTS):
        parts = {joint: [joint] for joint in one.joints}

    def draw(axes: Axes) -> None:
        for number, (part, joints) in enumerate(sorted(parts.items())):
            color = PARTS[number % len(PARTS)]
            for joint in joints:
                axes.plot(one.times_s, one.values[:, one.joints.index(joint)], color=color, lw=0.9, alpha=0.8)
            axes.plot(
                [], [], color=color, lw=2.5, label=f"{_name(part)}{f' ({len(joints)})' if len(joints) > 1 else ''}"
            )
        _quiet_grid(axes)
        _key(axes)

    return draw


def skews(of_steps: Skews, manifest: Manifest, clock: Clock) -> tuple[float, Draw]:
    """A row a stream: the darker, the further its frame lies from the step; red where there is none."""

    def draw(axes: Axes) -> None:
        rows = len(of_steps.streams)
        extent = (0, clock.duration_s, rows - 0.5, -0.5)
        held = _held(of_steps.skew_ms)
        how: dict[str, Any] = {"extent": extent, "aspect": "auto", "interpolation": "nearest", "zorder": 1}
        how |= {"vmin": 0.0, "vmax": _SKEW_TOP_MS}
        axes.imshow(np.ma.masked_invalid(held), cmap=_SKEW_COLORS, **how)
        axes.imshow(np.ma.masked_where(~np.isinf(held), np.ones_like(held)), cmap=ListedColormap([_MISSING]), **how)
        axes.hlines(np.arange(1, rows) - 0.5, 0, clock.duration_s, color="white", lw=2, zorder=2)
        axes.set_yticks(range(rows), [_name(stream) for stream in of_steps.streams], parse_math=False)
        for row, stream in enumerate(of_steps.streams):
            timing = manifest.streams[stream].timing
            text = f"p99 {timing.skew_p99_ns / 1e6:.1f}" if timing is not None else ""
            say(axes, clock.duration_s * 1.008, row, text, size=9, color=MUTED, va="center")
        _scale(axes, rows)

    return _ROW_IN * len(of_steps.streams), draw


def scores(measured: Sequence[Score]) -> Draw:
    """A line a stream."""

    def draw(axes: Axes) -> None:
        for number, one in enumerate(measured):
            color = PARTS[number % len(PARTS)]
            axes.plot(one.times_s, one.share, color=color, lw=1.1, label=_name(one.stream))
        axes.set_ylim(0, 2)
        axes.set_yticks([0, 1, 2], ["0", "1", "2"])
        _quiet_grid(axes)
        _key(axes)

    return draw


def bands(axes: Axes, manifest: Manifest) -> None:
    """The times at which something was found, behind every panel."""
    for reason in manifest.reasons:
        if reason.severity != "note" and (span := _span_s(reason, manifest)) is not None:
            axes.axvspan(span[0], max(span[1], span[0]), color=DECISIONS[reason.severity], alpha=0.13, lw=0.8, zorder=0)


def _reason(axes: Axes, reason: Reason, row: int, manifest: Manifest, clock: Clock) -> None:
    color = DECISIONS[reason.severity]
    text = plain_text(reason.text, most=140)
    begin_s = end_s = 0.0
    if (span := _span_s(reason, manifest)) is not None:
        begin_s, end_s = span[0], max(span[1], span[0] + clock.duration_s * _INSTANT_SHARE)
        axes.barh(row, end_s - begin_s, left=begin_s, height=0.62, color=color, lw=0)
    beside_s = clock.duration_s * _BESIDE_SHARE
    before = end_s + len(text) * clock.duration_s * _LETTER_SHARE > clock.duration_s * _ROOM_SHARE
    at_s, side = (begin_s - beside_s, "right") if before else (end_s + beside_s, "left")
    say(axes, at_s if span else 0.0, row, text, size=9.5, color=INK, va="center", ha=side if span else "left")
    place = axes.get_yaxis_transform()
    name = f"{reason.severity}: {reason.code}"
    say(axes, -0.006, row, name, transform=place, size=9, color=color, va="center", ha="right", most=32)


def _span_s(reason: Reason, manifest: Manifest) -> tuple[float, float] | None:
    """From when to when, in seconds since the start; None for what is of no time."""
    if not reason.from_ns:
        return None
    begin_s = (reason.from_ns - manifest.started_ns) / 1e9
    return begin_s, max(begin_s, (reason.to_ns - manifest.started_ns) / 1e9)


def _held(skew_ms: Floats) -> Floats:
    """Each step's value until the next one is due: there are more parts than steps in a short episode.

    Where no step is for longer, because the camera that sets them lost frames, nothing stays.
    """
    there = np.flatnonzero(~np.isnan(skew_ms).all(axis=0))
    wide = int(np.ceil(1.5 * np.median(np.diff(there)))) if len(there) > 1 else 1
    parts = np.arange(skew_ms.shape[1])
    latest = np.searchsorted(there, parts, side="right") - 1
    held = np.take(skew_ms[:, there], np.maximum(latest, 0), axis=1)
    held[:, (latest < 0) | (parts - there[np.maximum(latest, 0)] >= wide)] = np.nan
    return held


def _scale(axes: Axes, rows: int) -> None:
    """What the colours mean, above the panel at the right."""
    box = axes.inset_axes((0.8, 1.0 + 0.3 / rows, 0.1, 0.45 / rows))
    box.imshow(np.linspace(0, 1, 64)[None, :], aspect="auto", cmap=_SKEW_COLORS)
    box.set_axis_off()
    for x, text, side, color in (
        (0.795, "0", "right", MUTED),
        (0.905, f"{_SKEW_TOP_MS:.0f} ms and more", "left", MUTED),
        (0.77, "no match", "right", _MISSING),
    ):
        say(axes, x, 1.0 + 0.52 / rows, text, transform=axes.transAxes, size=8.5, color=color, ha=side, va="center")


def _quiet_grid(axes: Axes) -> None:
    axes.grid(axis="y", color=FAINT, lw=0.8)
    axes.set_axisbelow(True)


def _key(axes: Axes) -> None:
    """What the colours mean, beside the panel."""
    legend = axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=8.5, handlelength=1.2)
    for text in legend.get_texts():
        text.set_parse_math(False)


def _name(stream: str) -> str:
    """A stream's name, its end when it is long: that tells it apart."""
    shown = plain_text(stream)
    return shown if len(shown) <= _LETTERS else "..." + shown[-_LETTERS + 3 :]
