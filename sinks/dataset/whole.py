"""Whether an episode's training files are those that were made; what is wrong with one that is not."""

import hashlib
import shutil
from pathlib import Path
from typing import BinaryIO

import numpy as np

from saltwell.errors import StopError
from sinks.dataset.shelf import TrainingMarker
from sinks.dataset.training import ROWS, Training
from sinks.dataset.video import WrongVideo, check_video
from sinks.store import Store

_PART_BYTES = 8 * 1024 * 1024


def checked_rows(store: Store, marker: TrainingMarker, training: Training, scratch: Path) -> Path:
    """The episode's rows, in `scratch`, when all its files have the hashes they were made with.

    Raises StopError that names the episode and the file, and of a video the frame that is missing.
    """
    rows = scratch / ROWS
    for file in training.files:
        key = f"{marker.folder}/{file.name}"
        if file.name == ROWS:
            _copy(store, key, rows)
        with rows.open("rb") if file.name == ROWS else store.open(key) as data:
            sha256 = _sha256(data)
        if sha256 != file.sha256:
            what = _what_is_wrong(store, key, training, scratch)
            raise StopError(f"episode {training.episode}: {what}; nothing of it is published")
    if ROWS not in {file.name for file in training.files}:
        raise StopError(f"episode {training.episode} has no {ROWS}")
    return rows


def _what_is_wrong(store: Store, key: str, training: Training, scratch: Path) -> str:
    name = Path(key).name
    camera = next((c for c in training.cameras if c.file == name), None)
    if camera is None:
        return f"{name} is not the file that was made"
    prints = np.array([np.frombuffer(bytes.fromhex(text), np.uint8) for text in camera.fingerprints])
    _copy(store, key, scratch / name)
    try:
        check_video(scratch / name, prints, fps=training.fps)
    except WrongVideo as error:
        return str(error)
    finally:
        (scratch / name).unlink()
    return f"{name} shows the right frames and is not the file that was made"


def _copy(store: Store, key: str, path: Path) -> None:
    with store.open(key) as source, path.open("wb") as target:
        shutil.copyfileobj(source, target, _PART_BYTES)


def _sha256(data: BinaryIO) -> str:
    return hashlib.file_digest(data, "sha256").hexdigest()  # type: ignore[arg-type] # a BinaryIO has what it takes
