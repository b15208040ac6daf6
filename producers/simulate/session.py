"""One recording: step the robot, ask every instrument, write what arrives."""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import mujoco

from producers.simulate.instrument import generator
from producers.simulate.renderer import Renderer
from producers.simulate.robot import STEP_NS
from producers.simulate.station import (
    OUR_MODEL,
    Station,
    describe_missing,
    exploring_station,
    load_model,
    sorting_station,
)
from producers.simulate.teleoperation import LINK_DELAY_S
from producers.simulate.timing import NS, Link
from producers.simulate.writer import Recorder
from saltwell.errors import StopError

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Order:
    """What to record. The same order gives the same file on the same machine."""

    seed: int
    seconds: float
    start_ns: int
    """Time since 1970 at which the recording begins."""
    model: Path | None = None
    """None = the project's own."""
    task: str | None = None
    """Words for /task; None = what the script does."""


@dataclass(frozen=True)
class Outcome:
    """What was recorded."""

    path: Path
    size_bytes: int
    seconds: float
    task: str
    messages: dict[str, int]
    """Count by topic."""
    sorted_parts: dict[str, bool] | None
    """Whether each part of the script lies in the bin at the end; None without the script."""


def record(path: Path, order: Order, *, on_step: Callable[[], None], on_notice: Callable[[str], None]) -> Outcome:
    """Simulate and write a recording under a temporary name, then give it its own.

    `on_step` is called for every simulated millisecond, `on_notice` with what a person should know. Raises
    StopError for a model that can't be used, a machine without OpenGL, and a file that can't be written.
    """
    mujoco.set_mju_user_warning(_log.warning)  # MuJoCo would write them to a file where we stand
    model = load_model(order.model or OUR_MODEL)
    notice = describe_missing(model)
    if notice:
        on_notice(notice)
    with Renderer(model) as renderer:
        if notice:
            station = exploring_station(model, renderer, seed=order.seed, start_ns=order.start_ns, task=order.task)
        else:
            station = sorting_station(
                model, renderer, seed=order.seed, seconds=order.seconds, start_ns=order.start_ns, task=order.task
            )
        return _write(path, order, station, on_step)


def _write(path: Path, order: Order, station: Station, on_step: Callable[[], None]) -> Outcome:
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with unfinished.open("wb") as stream:
            recorder = Recorder(stream, {c.topic: c.message_type for c in station.channels})
            _run(station, recorder, order, on_step)
            sorted_parts = _sorted_parts(station)
            recorder.finish(_provenance(order, station, sorted_parts))
        unfinished.replace(path)
    except OSError as error:
        raise StopError(f"{path} can't be written: {error.strerror or error}") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return Outcome(
        path, path.stat().st_size, order.seconds, station.task, dict(sorted(recorder.counts.items())), sorted_parts
    )


def _run(station: Station, recorder: Recorder, order: Order, on_step: Callable[[], None]) -> None:
    links = {
        c.topic: Link(latency_s=c.latency_s, jitter_s=c.jitter_s, rng=generator(order.seed, f"link {c.topic}"))
        for c in station.channels
    }
    for _ in range(round(order.seconds * NS / STEP_NS)):
        station.robot.step()
        for instrument in station.instruments:
            for sample in instrument.measure(station.robot):
                recorder.push(sample.topic, links[sample.topic].arrival(sample.ready_ns), sample.data)
        # A camera may hand over a picture that was taken since the last step.
        recorder.advance(station.robot.time_ns - STEP_NS)
        on_step()


def _sorted_parts(station: Station) -> dict[str, bool] | None:
    if station.script is None or station.workspace is None:
        return None
    names = [pick.part.name for pick in station.script.picks]
    return {name: station.workspace.holds(station.robot.data.body(name).xpos) for name in names}


def _provenance(order: Order, station: Station, sorted_parts: dict[str, bool] | None) -> dict[str, str]:
    delays = {c.topic: {"latency_s": c.latency_s, "jitter_s": c.jitter_s} for c in station.channels}
    picks = [] if station.script is None else station.script.picks
    return {
        "origin": f"saltwell simulate, MuJoCo {mujoco.__version__}: every value is simulated",
        "model": "the project's own" if order.model is None else order.model.name,
        "seed": str(order.seed),
        "seconds": f"{order.seconds:g}",
        "start_ns": str(order.start_ns),
        "task": station.task,
        "delays": json.dumps(delays),
        "operator_leads_commands_s": f"{LINK_DELAY_S:g}" if picks else "",
        "picks": json.dumps(
            [
                {"part": pick.part.name, "hand": pick.part.side, "start_s": pick.start_s, "cycle_s": pick.cycle_s}
                for pick in picks
            ]
        ),
        "in_bin_at_the_end": json.dumps(sorted_parts),
    }
