"""`python -m bench.clouds`: voxels of 5 cm by several libraries, numpy to numpy, and what else becomes of a cloud.

A call's time is the CPU time of the process, which neighbours on the machine change little; the best of some calls
counts. Its stall is how late another thread wakes up meanwhile, which sleeps for 0.2 ms at a time: that is what an
event loop, or a consumer that polls Kafka, would have to wait for the GIL. The least of the calls counts here, too,
because any other may have met the scheduler; `idle` is what the machine does to a thread while nothing is called.
"""

import json
import os
import platform
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before any library reads it: one thread means one

import click
import numpy as np
from numpy.typing import NDArray

from bench import cloud_peers
from bench.cloud_inputs import Depth, Scan, depth_image, scans, uniform
from processors.downsample import deskew, voxels
from processors.downsample.depth import depth_points, rays
from processors.downsample.sample import sampled_cloud
from processors.downsample.settings import StreamSettings
from processors.score import cloud_shape
from saltwell.errors import SaltwellError
from saltwell.messages.cloud_layout import channel, xyz
from saltwell.messages.cloud_points import SampledPoints, pack_points, unpack_points

_WRITTEN = Path("build/clouds.json")
_VOXEL_M, _DEPTH_VOXEL_M = 0.05, 0.02
_TICK_S = 0.0002
_WARMING_CALLS = 2
_WINDOWS, _WINDOW_MS = 12, 4.0
_NAP_S = 0.003  # between calls, so that each begins with the ticking thread asleep

Cloud = NDArray[np.float32]
Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Figure:
    """One way to do one thing: CPU ms of a call, stall ms, calls a second by two threads over those by one."""

    what: str
    on: str
    cpu_ms: float
    stall_ms: float
    two_threads: float
    note: str = ""


@click.command()
@click.option(
    "--recordings",
    default=Path(os.environ.get("SALTWELL_TEST_DATA", "../shared/data")) / "recordings",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder of recordings with lidars.",
)
@click.option("--calls", default=20, show_default=True, type=click.IntRange(3, 1000), help="Calls of each.")
def main(recordings: Path, calls: int) -> None:
    """Measure on recorded scans and on uniform random points; prints a table and writes build/clouds.json."""
    try:
        figures = [*measure(recordings, calls=calls)]
    except SaltwellError as error:
        sys.exit(f"bench: {error}")
    _WRITTEN.parent.mkdir(exist_ok=True)
    written = {"machine": machine(), "calls": calls, "figures": [asdict(f) for f in figures]}
    _WRITTEN.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    print(f"figures: {_WRITTEN}")


def measure(recordings: Path, *, calls: int) -> Iterator[Figure]:
    """All figures, printed as they come."""
    warm()
    print(heading())
    yield from figures_on("5 ms of sleep", {"idle": partial(time.sleep, 0.005)}, calls=calls)
    of_all = ways()
    for scan in [*scans(recordings), uniform()]:
        works = {name: partial(down, scan.xyz) for name, down in of_all.items()}
        yield from figures_on(f"{scan.name} {len(scan.xyz)}", works, calls=calls, note=_voxels)
    for scan in scans(recordings):
        yield from figures_on(scan.name, dict(pipeline(scan)), calls=calls)
    depth = depth_image(recordings)
    yield from figures_on(depth.name, dict(of_depth(depth)), calls=calls)


def ways() -> dict[str, cloud_peers.Down]:
    """Ours and the peers that are installed; says why another is skipped."""
    found: dict[str, cloud_peers.Down] = {"saltwell": ours}
    for peer in cloud_peers.PEERS:
        try:
            found[peer.name] = peer.load(_VOXEL_M)
        except ImportError as error:
            print(f"{peer.name}: skipped ({error}); {peer.install}")
    return found


def ours(xyz_m: Cloud) -> Cloud:
    """Voxels as the downsampler makes them."""
    return voxels.voxel_centroids(xyz_m, None, voxel_m=_VOXEL_M).xyz


def pipeline(scan: Scan) -> Iterator[tuple[str, Work]]:
    """The steps of a scan through the downsampler, one by one and all together."""
    frame, settings = scan.frame, StreamSettings(voxel_m=_VOXEL_M)
    seen, intensity = xyz(frame), channel(frame, "intensity")
    made = voxels.voxel_centroids(seen, intensity, voxel_m=_VOXEL_M)
    points = SampledPoints(made.xyz, made.intensity, made.count)
    sampled = sampled_cloud(frame, seen, intensity, settings)
    raw, packed = 20 * sampled.points, len(sampled.xyz) + len(sampled.intensity) + len(sampled.count)
    yield "layout to arrays", lambda: (xyz(frame), channel(frame, "intensity"))
    yield f"pack {raw / packed:.2f}x", lambda: pack_points(points)
    yield "unpack", lambda: unpack_points(sampled)
    yield "frame to record", lambda: sampled_cloud(frame, xyz(frame), channel(frame, "intensity"), settings)
    yield "shape (scores)", lambda: cloud_shape.cloud_shape(seen)
    times = deskew.scan_times(frame)
    if times is not None:
        motion = deskew.Motion(np.array([0.1, 0.2, 0.5]), np.array([1.0, 0, 0]))
        yield "deskew", lambda: deskew.deskewed(seen, times.seconds, motion)


def of_depth(depth: Depth) -> Iterator[tuple[str, Work]]:
    """A depth image to voxels of 2 cm: ours keeps those of 3 points or more, Open3D has no such filter."""
    of = rays(depth.camera)

    def cloud() -> Any:
        points = depth_points(depth.mm, of)
        return voxels.voxel_centroids(points, None, voxel_m=_DEPTH_VOXEL_M, min_points=3)

    yield "saltwell depth to voxels", cloud
    try:
        yield "open3d depth to voxels", cloud_peers.open3d_depth(depth.mm, depth.camera, _DEPTH_VOXEL_M)
    except ImportError as error:
        print(f"open3d: skipped ({error})")


def figures_on(
    name: str, works: Mapping[str, Work], *, calls: int, note: Callable[[Any], str] = lambda _: ""
) -> Iterator[Figure]:
    """Measure several ways on one thing in turns, so that what else the machine does meets all of them."""
    notes = {what: note(work()) for what, work in works.items()}
    for _ in range(_WARMING_CALLS):
        for work in works.values():
            work()
    cost: dict[str, list[tuple[float, float]]] = {what: [] for what in works}
    for _ in range(calls):
        for what, work in works.items():
            cost[what].append(_call(work))
    for what, work in works.items():
        cpu_ms, stall_ms = (min(column) for column in zip(*cost[what], strict=True))
        yield told(Figure(what, name, cpu_ms, stall_ms, _two_threads(work, one_ms=cpu_ms), notes[what]))


def warm() -> None:
    """Compile everything of ours before it is measured."""
    voxels.warm()
    cloud_shape.warm()
    deskew.warm()


def machine() -> dict[str, str]:
    """What it ran on, and with what."""
    libraries = {}
    for name in ("numpy", "numba", "zstandard", "open3d-cpu", "small_gicp", "kiss-icp"):
        try:
            libraries[name] = version(name)
        except ImportError:
            libraries[name] = "not installed"
    return {"python": platform.python_version(), "cores": str(os.cpu_count()), "cpu": platform.machine(), **libraries}


def heading() -> str:
    """The head of the table."""
    return f"{'what':26} {'on':26} {'CPU ms':>8} {'stall ms':>9} {'2 threads':>10}  note"


def told(one: Figure) -> Figure:
    """Print a line of the table."""
    print(
        f"{one.what:26} {one.on:26} {one.cpu_ms:8.2f} {one.stall_ms:9.2f} {one.two_threads:9.2f}x  {one.note}",
        flush=True,
    )
    return one


def _voxels(made: Cloud) -> str:
    return f"{len(made)} voxels"


class _Ticker:
    """A thread that sleeps for a moment, over and over, and notes the longest time between two awakenings."""

    def __init__(self) -> None:
        self.longest_s = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        time.sleep(_NAP_S)
        self.longest_s = 0.0
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        before = time.perf_counter()
        while not self._stop.is_set():
            time.sleep(_TICK_S)
            now = time.perf_counter()
            self.longest_s = max(self.longest_s, now - before)
            before = now


def _call(work: Work) -> tuple[float, float]:
    """CPU ms of a call, by all its threads; and, of another call, the stall of another thread in ms."""
    began = time.process_time()
    work()
    used = time.process_time() - began
    with _Ticker() as ticker:
        work()
        time.sleep(_NAP_S)
    return used * 1e3, ticker.longest_s * 1e3


def _two_threads(work: Work, *, one_ms: float) -> float:
    """How much faster two threads are than one. Short windows, the best of many: few of them are disturbed."""
    calls = max(1, min(10, int(_WINDOW_MS / max(one_ms, 1e-3))))

    def in_a_row(times: int) -> None:
        for _ in range(times):
            work()

    def seconds(pool: ThreadPoolExecutor, shares: list[int]) -> float:
        began = time.perf_counter()
        list(pool.map(in_a_row, shares))
        return time.perf_counter() - began

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(in_a_row, [1, 1]))
        windows = [(seconds(pool, [2 * calls]), seconds(pool, [calls, calls])) for _ in range(_WINDOWS)]
    alone_s, both_s = (min(column) for column in zip(*windows, strict=True))
    return float(alone_s / both_s)


if __name__ == "__main__":
    main()
