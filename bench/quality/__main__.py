"""`python -m bench.quality`: how often the scorer is right. Figures go to build/quality.json."""

import json
import os
import sys
from pathlib import Path

import click
import cv2
import numpy as np

from bench.quality import faults_images, faults_motion, faults_timing
from bench.quality.faults import LEVELS
from bench.quality.pipeline import Pipeline, score_stream
from bench.quality.report import figures, text
from bench.quality.rules import compare
from bench.quality.study import judge_clean, run
from bench.quality.takes import Take, cut, load_take
from processors.judge.clouds import cloud_faults
from processors.judge.criteria import BUILT_IN, load_criteria
from processors.judge.depths import depth_faults
from processors.judge.images import color_faults
from processors.judge.series import StreamScores
from processors.score import cloud, cloud_shape, depth
from saltwell.errors import SaltwellError, StopError

FAULTS = (*faults_images.FAULTS, *faults_motion.FAULTS, *faults_timing.FAULTS)

_OUT = Path("build/quality.json")
_DATA = Path(os.environ.get("SALTWELL_TEST_DATA", "../shared/data")) / "recordings"
_SECONDS = 6.0
_SET_ON = ("station_composite_6s", "g1_pick_bottle_29", "kuka_torque:first", "quest2_ur5e_traj1:first", "sort_parts")
_REPORTED_ON = ("g1_pick_bottle_30", "tum_rgbd_6s", "kuka_torque:rest", "quest2_ur5e_traj1:rest", "tilt_laser")
_LIDARS = ("lidar_luminar", "lidar_ouster_os0", "lidar_ouster_os1", "lidar_vlp16")
_NAME_OF_FRAMES = {"color": "a camera", "depth": "a depth camera", "cloud": "a lidar"}


@click.command()
@click.option(
    "--part",
    type=click.Choice(["set", "report"]),
    default="report",
    show_default=True,
    help="The takes that thresholds were set on, or the others.",
)
@click.option(
    "--trials", default=12, show_default=True, type=click.IntRange(1, 1000), help="Of each fault at its middle level."
)
@click.option(
    "--more",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    metavar="FILE",
    help="Further clean recordings, e.g. of saltwell simulate; may be given again.",
)
@click.option("--level", "levels", multiple=True, type=click.Choice(LEVELS), help="Only these; may be given again.")
@click.option("--only", multiple=True, metavar="WORD", help="Only faults with this word in their name.")
@click.option("--criteria", default=BUILT_IN, type=click.Path(path_type=Path), metavar="FILE", help="Criteria to try.")
@click.option("--out", default=_OUT, show_default=True, type=click.Path(path_type=Path), metavar="FILE")
def main(
    *,
    part: str,
    trials: int,
    more: tuple[Path, ...],
    levels: tuple[str, ...],
    only: tuple[str, ...],
    criteria: Path,
    out: Path,
) -> None:
    """Put labelled faults into real and simulated takes and count what the verdicts say.

    \b
    Example:
      python -m bench.quality --trials 20 --more take_31.mcap --more take_32.mcap
    """
    cv2.setNumThreads(1)
    for module in (cloud, cloud_shape, depth):
        module.warm()
    try:
        study(part=part, trials=trials, more=more, levels=levels, only=only, criteria=criteria, out=out)
    except SaltwellError as error:
        raise click.ClickException(str(error)) from error


def study(
    *,
    part: str,
    trials: int,
    more: tuple[Path, ...],
    levels: tuple[str, ...],
    only: tuple[str, ...],
    criteria: Path,
    out: Path,
) -> None:
    """Run it all, print it and write it."""
    rules = load_criteria(criteria)
    takes = [*_takes(part), *(piece for path in more for piece in cut(load_take(path), seconds=_SECONDS))]
    pipeline = Pipeline()
    clean = list(judge_clean(takes, pipeline, rules))
    print(f"{len(clean)} clean takes judged", file=sys.stderr)
    chosen = [fault for fault in FAULTS if not only or any(word in fault.name for word in only)]
    done = []
    for trial in run(chosen, takes, pipeline, rules, trials=trials, levels=levels or LEVELS):
        done.append(trial)
        if not trial.right_first:
            print(
                f"{len(done)}: {trial.fault} {trial.level} {trial.scene} {trial.stream}: {trial.first}", file=sys.stderr
            )
    bad = {_NAME_OF_FRAMES[kind]: _bad_frames(takes, kind, rules.settings) for kind in _NAME_OF_FRAMES}
    found = figures(
        clean=clean,
        frames=bad,
        trials=done,
        rules=compare(takes, rules.settings),
        faults=chosen,
        criteria=rules.version,
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(found, indent=1), encoding="utf-8")
    print("\n".join(text(found)))


def _takes(part: str) -> list[Take]:
    """Pieces of 6 s; of a long recording the first third is for setting thresholds, the rest for the report."""
    names = _SET_ON if part == "set" else (*_REPORTED_ON, *_LIDARS)
    takes = []
    for name in names:
        scene, _, which = name.partition(":")
        path = Path("samples") / f"{scene}.mcap" if scene == "sort_parts" else _DATA / f"{scene}.mcap"
        if not path.exists():
            raise StopError(f"{path} is not there; set SALTWELL_TEST_DATA to the folder that holds recordings/")
        pieces = cut(load_take(path), seconds=_SECONDS)
        third = (len(pieces) + 2) // 3
        takes += pieces[:third] if which == "first" else pieces[third:] if which == "rest" else pieces
    return takes


def _bad_frames(takes: list[Take], kind: str, settings: dict[str, float]) -> tuple[int, int]:
    """Frames of clean takes that count as bad for any reason, and all frames."""
    of_kind = {"color": color_faults, "depth": depth_faults, "cloud": cloud_faults}[kind]
    bad = frames = 0
    for take in takes:
        for stream in take.streams(kind):
            scores = StreamScores()
            for block in score_stream(take, stream, take.samples[stream]):
                scores.add(block)
            found = {code: flags for code, flags in of_kind(scores, settings).items() if code != "motion_blur"}
            if found:
                bad += int(np.any(list(found.values()), axis=0).sum())
                frames += len(scores.times_ns())
    return bad, frames


if __name__ == "__main__":
    main()
