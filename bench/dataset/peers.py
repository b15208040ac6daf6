"""`python -m bench.dataset.peers`: training files beside LeRobot's own writer: time, size, and what a kill leaves.

Both read the same JPEGs. Ours come out of an episode's archive, and every video is read back and compared; LeRobot's
come out of files, and it is told of the rows at once. The machine, the frames and the joints are the same.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from bench.dataset.episodes import finish
from producers.replay.recording import open_recording
from saltwell.messages.image import CompressedImage
from saltwell.messages.motion import JointState
from sinks.dataset.publish import Wanted, publish
from sinks.dataset.reader import DatasetReader
from sinks.store import open_store

_WRITER = Path(__file__).with_name("lerobot_writer.py")
_CODECS = (("libsvtav1", "files"), ("h264", "files"), ("h264", "streaming"))
_ANY = Wanted(("accept", "review", "reject"))


@click.command()
@click.option(
    "--recording", required=True, type=click.Path(path_type=Path), help="With one camera and two arms' joints."
)
@click.option(
    "--lerobot", default="", metavar="PYTHON", help="Interpreter that has lerobot 0.4.4; without it only ours."
)
@click.option("--episodes", default=4, show_default=True, help="Times that the recording is written.")
def main(recording: Path, lerobot: str, episodes: int) -> None:
    """Write a recording several times with each writer, then kill each in the last episode.

    \b
    Example:
      python -m bench.dataset.peers --recording g1_pick_bottle_29.mcap --lerobot /opt/lerobot/bin/python
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        _prepare(recording, folder, episodes)
        found = {f"saltwell {codec}": _ours(folder, codec, episodes) for codec in ("h264", "av1")}
        for codec, how in _CODECS if lerobot else ():
            found[f"lerobot {codec} {how}"] = _theirs(folder, lerobot, codec, how, episodes)
    sys.stdout.write(json.dumps(found, indent=2) + "\n")


def _prepare(recording: Path, folder: Path, episodes: int) -> None:
    """A store with finished episodes, and the same frames as files for the other writer."""
    store = open_store(str(folder / "store"), create=True)
    for number in range(episodes):
        finish(recording, store, f"take-{number}", folder)
    (folder / "frames").mkdir()
    joints: dict[str, list[Any]] = {"state": [], "action": []}
    pictures = 0
    opened = open_recording(recording)
    kinds = {stream.name: stream.message_type.split("/")[-1] for stream in opened.streams}
    for message in opened.messages():
        if kinds[message.stream] == "CompressedImage":
            jpeg = bytes(CompressedImage.decode(message.data).data)
            (folder / f"frames/{pictures:06d}.jpg").write_bytes(jpeg)
            pictures += 1
        elif kinds[message.stream] == "JointState":
            kind = "action" if "action" in message.stream else "state"
            joints[kind].append(JointState.decode(message.data).position)
    opened.close()
    for name, values in joints.items():
        np.save(folder / f"frames/{name}.npy", np.array(values[:pictures], np.float32))


def _ours(folder: Path, codec: str, episodes: int) -> dict[str, Any]:
    whole = shutil.copytree(folder / "store", folder / f"ours-{codec}")
    costs = _written([sys.executable, "-m", "bench.dataset.ours", str(whole), codec])
    found = _per_frame(costs, costs["bytes"])
    found["cpu_s_per_station_s"] = costs["cpu_s"] / costs["station_s"]
    killed = shutil.copytree(folder / "store", folder / f"ours-{codec}-killed")
    _killed([sys.executable, "-m", "bench.dataset.ours", str(killed), codec], after=episodes - 1)
    target = open_store(str(folder / f"set-{codec}"), create=True)
    (folder / "scratch").mkdir(exist_ok=True)
    publish(open_store(str(killed)), _ANY, target, folder / "scratch", advance=lambda _: None)
    reader = DatasetReader(target)
    rows = sum(1 for number in range(len(reader.episodes)) for _ in reader.rows(number))
    found["after_kill"] = {"loads": not [*reader.problems()], "episodes": len(reader.episodes), "rows": rows}
    return found


def _theirs(folder: Path, python: str, codec: str, how: str, episodes: int) -> dict[str, Any]:
    frames, root = str(folder / "frames"), folder / f"theirs-{codec}-{how}"
    command = [python, str(_WRITER), "write", frames, str(root), str(episodes), codec, how]
    costs = _written(command)
    found = _per_frame(costs, sum(path.stat().st_size for path in root.rglob("*") if path.is_file()))
    killed = folder / f"theirs-{codec}-{how}-killed"
    command[4] = str(killed)
    _killed(command, after=episodes - 1)
    read = subprocess.run([python, str(_WRITER), "read", str(killed)], capture_output=True, check=True, env=_env())
    found["after_kill"] = json.loads(read.stdout.splitlines()[-1])
    return found


def _written(command: Sequence[str]) -> dict[str, Any]:
    done = subprocess.run(command, capture_output=True, check=True, env=_env())
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _killed(command: Sequence[str], *, after: int) -> None:
    """Kill a writer (SIGKILL) once it has said that so many episodes are saved, while it writes the next."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_env()) as writing:
        for line in writing.stdout or ():
            if line.decode().strip() == f"saved {after}":
                break
        writing.kill()


def _per_frame(costs: dict[str, Any], size: int) -> dict[str, Any]:
    frames = costs["frames"]
    return {
        "wall_ms_per_frame": 1e3 * costs["wall_s"] / frames,
        "cpu_ms_per_frame": 1e3 * costs["cpu_s"] / frames,
        "kb_per_frame": size / 1e3 / frames,
    }


def _env() -> dict[str, str]:
    return {**os.environ, "HF_HUB_OFFLINE": "1"}


if __name__ == "__main__":
    main()
