"""`python -m bench.dataset.ours STORE CODEC`: makes training files of all finished episodes of a store.

Prints `saved K` after each episode, and what it cost at the end.
"""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

from sinks.dataset.processor import train
from sinks.dataset.shelf import load_training, trained_episodes
from sinks.dataset.video import Codec
from sinks.episodes.finished import list_episodes, load_episode
from sinks.store import open_store


def main(url: str, codec: Codec) -> None:
    """Make them, as `saltwell sink dataset` does."""
    store = open_store(url)
    names = sorted(set(list_episodes(store)) - set(trained_episodes(store)))
    cpu_s, wall_s = _cpu_s(), time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        for number, name in enumerate(names, start=1):
            train(store, name, Path(scratch), codec=codec)
            sys.stdout.write(f"saved {number}\n")
            sys.stdout.flush()
    costs = {"wall_s": time.monotonic() - wall_s, "cpu_s": _cpu_s() - cpu_s}
    trained = [load_training(store, name)[1] for name in names]
    manifests = [load_episode(store, name).manifest for name in names]
    costs["frames"] = sum(len(camera.fingerprints) for one in trained for camera in one.cameras)
    costs["bytes"] = sum(file.bytes for one in trained for file in one.files)
    costs["station_s"] = sum(one.stopped_ns - one.started_ns for one in manifests) / 1e9
    sys.stdout.write(json.dumps(costs) + "\n")


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main(sys.argv[1], "av1" if sys.argv[2] == "av1" else "h264")
