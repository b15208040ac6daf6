"""How to open an episode in viewers that others make. Both read its MCAP file as it is."""

import shlex
import shutil
from pathlib import Path

from saltwell.errors import StopError
from sinks.episodes.layout import key_part
from sinks.store import Store

_PART_BYTES = 8 * 1024 * 1024


def opening_page(episode: str, path: Path) -> str:
    """What to type and click for an episode's file on this machine."""
    file, rrd = shlex.quote(str(path)), shlex.quote(f"{key_part(episode)}.rrd")
    return "\n".join(
        [
            f"Rerun     rerun {file}",
            f"          rerun mcap convert {file} -o {rrd}",
            "          (pip install rerun-sdk)",
            f"Foxglove  https://app.foxglove.dev or its desktop app: Open local file(s), {path}",
        ]
    )


def fetching_page(episode: str, store: str) -> str:
    """What to type when the file is on a server."""
    words = ("saltwell", "episodes", "open", episode, "--store", store, "--to", ".")
    return f"the file is on a server; copy it first:\n  {shlex.join(words)}"


def copied(store: Store, key: str, path: Path) -> Path:
    """Copy an object to a file; it has its name when it is whole. Raises StopError when the disk refuses."""
    draft = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with store.open(key) as source, draft.open("wb") as target:
            shutil.copyfileobj(source, target, _PART_BYTES)
        return draft.replace(path)
    except OSError as error:
        raise StopError(f"can't write {path}: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)
