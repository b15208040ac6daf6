"""A profile as a recording: made once, the same bytes of content every time."""

import hashlib
import heapq
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from mcap.reader import make_reader
from mcap.writer import CompressionType, Writer

from bench import sights
from saltwell.errors import StopError

_T0_NS = 1_767_225_600 * 1_000_000_000
_NS = 1_000_000_000
_JITTER = 0.2  # of a stream's period: arrivals of one stream stay in order
_CHUNK_BYTES = 8 * 1024 * 1024
_KINDS = {
    "color": ("sensor_msgs/msg/CompressedImage", sights.color),
    "depth": ("sensor_msgs/msg/Image", sights.depth),
    "cloud": ("sensor_msgs/msg/PointCloud2", sights.cloud),
    "joints": ("sensor_msgs/msg/JointState", sights.joints),
    "pose": ("geometry_msgs/msg/PoseStamped", sights.pose),
}

Arrived = tuple[int, int, int, bytes]
"""Arrival in ns, number of the stream, capture in ns, message."""


def recording(profile: str, *, seconds: int, folder: Path) -> Path:
    """The recording of a profile in `folder`, made when it is not there yet; StopError for an unknown profile."""
    source = Path(__file__).parent / "profiles" / f"{profile}.toml"
    if not source.is_file():
        known = ", ".join(sorted(p.stem for p in source.parent.glob("*.toml")))
        raise StopError(f"profile {profile!r} is not known; take one of {known}")
    made_from = source.read_bytes() + Path(sights.__file__).read_bytes() + Path(__file__).read_bytes()
    path = folder / f"{profile}-{seconds}s-{hashlib.sha256(made_from).hexdigest()[:8]}.mcap"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        _write(draft, tomllib.loads(source.read_text(encoding="utf-8")), seconds=seconds)
        draft.replace(path)
    return path


def message_bytes(path: Path) -> int:
    """Bytes of a recording's chunks before compression."""
    with path.open("rb") as file:
        summary = make_reader(file).get_summary()
    if summary is None:
        raise StopError(f"{path} has no summary; remove it")
    return sum(chunk.uncompressed_size for chunk in summary.chunk_indexes)


def _write(path: Path, profile: dict[str, Any], *, seconds: int) -> None:
    streams = profile["streams"]
    with path.open("wb") as file:
        writer = Writer(file, chunk_size=_CHUNK_BYTES, compression=CompressionType.ZSTD)
        writer.start(profile="ros2", library="saltwell bench")
        channels = [_channel(writer, stream) for stream in streams]
        arrivals = (_arrivals(i, stream, profile["seed"], seconds) for i, stream in enumerate(streams))
        for arrived_ns, i, captured_ns, data in heapq.merge(*arrivals):
            writer.add_message(channels[i], arrived_ns, data, captured_ns)
        writer.finish()  # type: ignore[no-untyped-call] # mcap gives no type


def _channel(writer: Writer, stream: dict[str, Any]) -> int:
    schema = writer.register_schema(_KINDS[stream["kind"]][0], "ros2msg", b"")
    return int(writer.register_channel(stream["name"], "cdr", schema))


def _arrivals(i: int, stream: dict[str, Any], seed: int, seconds: int) -> Iterator[Arrived]:
    rng = np.random.default_rng([seed, i])
    period_ns = _NS / stream["rate_hz"]
    stamps = (_T0_NS + round(n * period_ns) for n in range(seconds * stream["rate_hz"]))
    for captured_ns, data in _KINDS[stream["kind"]][1](stream, stamps, rng):
        delay_ns = stream["delay_ms"] * 1_000_000 + int(rng.uniform(0, _JITTER) * period_ns)
        yield captured_ns + delay_ns, i, captured_ns, data
