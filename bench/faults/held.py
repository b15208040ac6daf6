"""What the store holds of an episode: the checker's other side. Reads what readers read, and nothing else."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mcap.exceptions import McapError
from mcap.reader import make_reader

from bench.faults.sent import Frame, digest
from saltwell.errors import SaltwellError
from sinks.episodes.verify import verify
from sinks.store import Store
from sinks.store_errors import NotInStore

_ALIGNMENT = "/saltwell/alignment"


@dataclass(slots=True)
class Held:
    """A finished episode as it is read: frames with the hashes of their bytes, and what the ledger lists as lost."""

    manifest_sha256: str
    frames: list[tuple[Frame, str]] = field(default_factory=list)
    listed: dict[Frame, str] = field(default_factory=dict)
    alignment: str = ""
    ending: str = "stopped"
    decision: str = ""
    problems: list[str] = field(default_factory=list)


def read_held(store: Store, episode: str) -> Held | None:
    """Read an episode by its marker; None when it has none. What can't be read is named in `problems`."""
    try:
        marker = json.loads(store.get(f"finished/{episode}.json"))
    except NotInStore:
        return None
    held = Held(marker["manifest_sha256"])
    try:
        held.problems += verify(store, episode).problems
        text = store.get(marker["manifest"])
        if hashlib.sha256(text).hexdigest() != held.manifest_sha256:
            held.problems.append("manifest.json is not the one that the marker names")
        _read_manifest(json.loads(text), held)
        _read_archive(store, marker["manifest"].rpartition("/")[0] + "/episode.mcap", held)
    except (SaltwellError, McapError, ValueError, KeyError) as error:
        held.problems.append(f"{type(error).__name__}: {error}")
    return held


def _read_manifest(manifest: Mapping[str, Any], held: Held) -> None:
    held.ending, held.decision = manifest["ending"], manifest["decision"]
    for stream, entry in manifest["streams"].items():
        for lost in entry["ledger"]["missing"]:
            for seq in range(lost["first"], lost["first"] + lost["count"]):
                held.listed[stream, seq] = lost["cause"]


def _read_archive(store: Store, key: str, held: Held) -> None:
    steps = hashlib.sha256()
    with store.open(key) as file:
        for _, channel, message in make_reader(file, validate_crcs=True).iter_messages():
            if channel.topic == _ALIGNMENT:
                steps.update(message.data)
            elif not channel.topic.startswith("/saltwell/") and not channel.topic.endswith("/sampled"):
                held.frames.append(((channel.topic, message.sequence), digest(message.data)))
    held.alignment = steps.hexdigest()[:16]


def repeated(items: Sequence[Any]) -> list[Any]:
    """Those that are there more than once."""
    return [item for item, count in Counter(items).items() if count > 1]
