"""Draws an episode: panels over one axis of time, below each other."""

from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from saltwell.contracts.results import Review
from sinks.dataset.recorded import Recorded
from sinks.episodes.finished import FinishedEpisode, open_archive
from sinks.episodes.manifest import Manifest
from sinks.episodes.reviews import all_reviews, corrected, standing
from sinks.plot import panels
from sinks.plot.series import Clock, filmstrips, scores, skews, torques
from sinks.plot.style import DECISIONS, INK, MUTED, fonts, plain_text, say
from sinks.store import Store

_WIDTH_IN = 16.0
_DPI = 110
_LEFT_IN, _RIGHT_IN = 2.0, 2.0
_TOP_IN, _BOTTOM_IN = 0.95, 0.55
_TITLE_IN, _NO_TITLE_IN = 0.42, 0.1
_MOST_PANELS = 24
_SCORES_TITLE = (
    "score as a share of the stream's own median: sharpness of color, share of depth that is seen, returns of a lidar"
)


class Panel(NamedTuple):
    """A panel: what it is called, how high it is, and what draws it."""

    title: str
    height_in: float
    draw: Callable[[Axes], None]

    @property
    def above_in(self) -> float:
        """Room above it."""
        return _TITLE_IN if self.title else _NO_TITLE_IN


def draw_episode(store: Store, one: FinishedEpisode) -> bytes:
    """A finished episode as PNG, 1760 pixels wide. Raises SkipRecordError or StopError when it can't be read."""
    review = standing(all_reviews(store, episode=one.manifest.episode)).get(one.manifest.episode)
    with open_archive(store, one) as file:
        recorded = Recorded(file, one.manifest)
        clock = Clock(recorded)
        return _png(one.manifest, review, clock.duration_s, _panels(recorded, clock)[:_MOST_PANELS])


def _panels(recorded: Recorded, clock: Clock) -> list[Panel]:
    thumbnail_in = (_WIDTH_IN - _LEFT_IN - _RIGHT_IN) / 10
    found = [Panel("", *panels.reasons(recorded.manifest, clock))]
    found += [
        Panel("", *panels.filmstrip(strip, clock, width_in=thumbnail_in)) for strip in filmstrips(recorded, clock)
    ]
    found += [Panel(f"{one.stream}: {one.unit}", 1.9, panels.envelope(one)) for one in torques(recorded, clock)]
    of_steps = skews(recorded, clock)
    if recorded.steps and of_steps.streams:
        found.append(Panel("skew of each stream at each step, ms", *panels.skews(of_steps, recorded.manifest, clock)))
    if measured := scores(recorded, clock):
        found.append(Panel(_SCORES_TITLE, 1.9, panels.scores(measured)))
    return found


def _png(manifest: Manifest, review: Review | None, duration_s: float, shown: Sequence[Panel]) -> bytes:
    height_in = _TOP_IN + _BOTTOM_IN + sum(panel.above_in + panel.height_in for panel in shown)
    with fonts():
        figure = Figure(figsize=(_WIDTH_IN, height_in), dpi=_DPI, facecolor="white")
        _headline(figure, manifest, review, height_in)
        top_in = height_in - _TOP_IN
        for panel in shown:
            top_in -= panel.above_in + panel.height_in
            _place(figure, panel, manifest, duration_s, bottom_in=top_in, height_in=height_in, last=panel is shown[-1])
        png = BytesIO()
        FigureCanvasAgg(figure).print_png(png)  # type: ignore[no-untyped-call] # theirs
    return png.getvalue()


def _place(
    figure: Figure,
    panel: Panel,
    manifest: Manifest,
    duration_s: float,
    *,
    bottom_in: float,
    height_in: float,
    last: bool,
) -> None:
    width = 1 - (_LEFT_IN + _RIGHT_IN) / _WIDTH_IN
    axes = figure.add_axes((_LEFT_IN / _WIDTH_IN, bottom_in / height_in, width, panel.height_in / height_in))
    panel.draw(axes)
    axes.set_xlim(0, duration_s)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="both", length=0, labelsize=9, labelcolor=MUTED)
    axes.tick_params(axis="x", labelbottom=last)
    if last:
        axes.set_xlabel("seconds since the start", fontsize=9, color=MUTED)
    if panel.title:
        axes.set_title(plain_text(panel.title), fontsize=10, color=INK, loc="left", y=1.0, pad=5, parse_math=False)
    panels.bands(axes, manifest)


def _headline(figure: Figure, manifest: Manifest, review: Review | None, height_in: float) -> None:
    left, right = 0.25 / _WIDTH_IN, 1 - 0.25 / _WIDTH_IN
    first, second = 1 - 0.32 / height_in, 1 - 0.66 / height_in
    seconds = (manifest.stopped_ns - manifest.started_ns) / 1e9
    say(figure, left, first, manifest.episode, size=17, color=INK, weight="bold", va="center")
    counts = corrected(manifest, review)
    about = f"{manifest.robot} at {manifest.site}   {seconds:.1f} s   {manifest.steps} steps   {counts.task}"
    say(figure, left, second, about, size=11, color=MUTED, va="center", most=150)
    badge = {"boxstyle": "round,pad=0.45", "facecolor": DECISIONS[counts.decision], "edgecolor": "none"}
    how: dict[str, Any] = {"size": 14, "color": "white", "weight": "bold", "bbox": badge}
    say(figure, right - 0.003, first, counts.decision.upper(), ha="right", va="center", **how)
    beside = f"criteria {manifest.criteria_version}"
    if review is not None:
        beside = f"said by {review.reviewer}, the verdict was {manifest.decision}"
    say(figure, right, second, beside, size=10, color=MUTED, ha="right", va="center", most=60)
