"""`python -m bench.dataset.growth`: what the next ten episodes of a growing dataset cost to publish."""

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click
import numpy as np

from sinks.dataset.features import Column, stats_of
from sinks.dataset.publish import Wanted, publish
from sinks.dataset.reader import DatasetReader
from sinks.dataset.shelf import put_training
from sinks.dataset.table import write_table
from sinks.dataset.training import FORMAT, ROWS, CameraFile, Training, described
from sinks.dataset.video import write_video
from sinks.store import Store, open_store

_ROWS, _SIDE, _FPS, _JOINTS = 30, 64, 30, 14
_NEXT = 10
_CALLS = 5
_ANY = Wanted(("accept",))


@dataclass(frozen=True, slots=True)
class Growth:
    """Seconds that calls of `publish` took on a dataset of so many episodes.

    `begin_s`: the first call, for all of them. `next_s`: ten more, the middle one of five calls. `nothing_s`: no news.
    """

    episodes: int
    begin_s: float
    next_s: float
    nothing_s: float


@click.command()
@click.option("--sizes", default="100,1000,5000", show_default=True, help="Episodes in the dataset, rising.")
def main(sizes: str) -> None:
    """Make a store of small episodes, 30 rows of 14 joints and one camera of 64 x 64, and publish them.

    \b
    Example:
      python -m bench.dataset.growth --sizes 100,1000,5000
    """
    with tempfile.TemporaryDirectory() as folder:
        found = measured([int(size) for size in sizes.split(",")], Path(folder))
    sys.stdout.write(json.dumps([asdict(one) for one in found], indent=2) + "\n")


def measured(sizes: Sequence[int], folder: Path) -> list[Growth]:
    """Costs at each size; the dataset of the largest is checked to be whole."""
    store = open_store(str(folder / "store"), create=True)
    (folder / "files").mkdir()
    training = _small_training(folder / "files")
    made, found = 0, []
    for size in sizes:
        made = _fill(store, training, folder / "files", made, size)
        target = open_store(str(folder / f"set-{size}"), create=True)
        begin_s = _publish(store, target, folder)
        times = []
        for _ in range(_CALLS):
            made = _fill(store, training, folder / "files", made, made + _NEXT)
            times.append(_publish(store, target, folder))
        found.append(Growth(size, begin_s, sorted(times)[_CALLS // 2], _publish(store, target, folder)))
        sys.stderr.write(f"{found[-1]}\n")
    if problems := [*DatasetReader(target).problems()]:
        raise click.ClickException("; ".join(problems))
    return found


def _publish(store: Store, target: Store, folder: Path) -> float:
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        began = time.monotonic()
        publish(store, _ANY, target, Path(scratch), advance=lambda _: None)
        return time.monotonic() - began


def _fill(store: Store, training: Training, files: Path, first: int, count: int) -> int:
    for number in range(first, count):
        put_training(store, replace(training, episode=f"take-{number:06d}"), files)
    return max(first, count)


def _small_training(folder: Path) -> Training:
    """Files of an episode; all episodes of the store have them, under names of their own."""
    random = np.random.default_rng(1)
    numbers = np.arange(_ROWS)
    columns = {
        "timestamp": Column((numbers / _FPS).astype(np.float32)),
        "frame_index": Column(numbers),
        "observation.state": Column(random.normal(size=(_ROWS, _JOINTS)).astype(np.float32)),
        "action": Column(random.normal(size=(_ROWS, _JOINTS)).astype(np.float32)),
    }
    write_table(folder / ROWS, columns)
    pictures = (np.full((_SIDE, _SIDE, 3), 8 * n, np.uint8) for n in range(_ROWS))
    video = write_video(folder / "head.mp4", pictures, fps=_FPS)
    prints = [one.tobytes().hex() for one in video.fingerprints]
    camera = CameraFile("observation.images.head", "head.mp4", video.spec, prints)
    return Training(
        format=FORMAT,
        site="bench",
        robot="g1-01",
        episode="",
        task="sort",
        success=True,
        decision="accept",
        criteria_version="bench",
        manifest_sha256="0" * 64,
        stopped_ns=0,
        fps=_FPS,
        rows=_ROWS,
        time_error_ns=0,
        measured_time=True,
        features={name: column.spec() for name, column in columns.items()},
        stats=stats_of(columns),
        cameras=[camera],
        files=[described(path) for path in sorted(folder.iterdir())],
    )


if __name__ == "__main__":
    main()
