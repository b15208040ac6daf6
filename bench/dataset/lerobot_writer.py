"""LeRobot's own writer on the same frames. Runs by its path in an environment of its own, which has lerobot 0.4.4.

`lerobot_writer.py write FRAMES ROOT EPISODES CODEC STREAMING` prints `saved K` after each episode and costs at the end;
`lerobot_writer.py read ROOT` says what can be read.
"""

import json
import resource
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from lerobot.datasets.lerobot_dataset import LeRobotDataset  # type: ignore[import-not-found] # not in our environment


def write(frames: Path, root: Path, episodes: int, codec: str, streaming: bool) -> None:  # noqa: FBT001 - from argv
    """Record the frames so many times over."""
    states, actions = np.load(frames / "state.npy"), np.load(frames / "action.npy")
    pictures = [path.read_bytes() for path in sorted(frames.glob("*.jpg"))]
    height, width = _rgb(pictures[0]).shape[:2]
    joints = {"dtype": "float32", "shape": (states.shape[1],), "names": None}
    camera = {"dtype": "video", "shape": (height, width, 3), "names": ["height", "width", "channels"]}
    dataset = LeRobotDataset.create(
        "bench/peer",
        30,
        {"observation.state": joints, "action": joints, "observation.images.head": camera},
        root=root,
        vcodec=codec,
        streaming_encoding=streaming,
        image_writer_threads=0 if streaming else 4,
    )
    cpu_s, wall_s = _cpu_s(), time.monotonic()
    for number in range(episodes):
        for state, action, picture in zip(states, actions, pictures, strict=True):
            row = {"observation.state": state, "action": action, "observation.images.head": _rgb(picture)}
            dataset.add_frame({**row, "task": "sort"})
        dataset.save_episode()
        sys.stdout.write(f"saved {number + 1}\n")
        sys.stdout.flush()
    dataset.finalize()
    costs = {"wall_s": time.monotonic() - wall_s, "cpu_s": _cpu_s() - cpu_s, "frames": episodes * len(pictures)}
    sys.stdout.write(json.dumps(costs) + "\n")


def read(root: Path) -> None:
    """What a trainer gets, and which files are whole by themselves."""
    found: dict[str, object] = {}
    try:
        dataset = LeRobotDataset("bench/peer", root=root, video_backend="pyav")
        rows = sum(1 for number in range(len(dataset)) if dataset[number] is not None)
        found = {"loads": True, "episodes": dataset.num_episodes, "rows": rows}
    except Exception as error:  # noqa: BLE001 - whatever it raises is the finding
        found = {"loads": False, "error": f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"}
    tables = sorted(root.rglob("*.parquet"))
    found["parquet_files"], found["whole_parquet_files"] = len(tables), sum(map(_is_whole, tables))
    sys.stdout.write(json.dumps(found) + "\n")


def _is_whole(path: Path) -> bool:
    try:
        pq.read_table(path)
    except (OSError, pa.ArrowException):
        return False
    return True


def _rgb(jpeg: bytes) -> np.ndarray:
    decoded = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    return np.empty((0, 0, 3)) if decoded is None else cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB)


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]), sys.argv[5], sys.argv[6] == "streaming")
    else:
        read(Path(sys.argv[2]))
