"""The recordings that the robots play: small, lossless at the source, and with clocks that step or not."""

from collections.abc import Mapping
from pathlib import Path

from mcap.reader import make_reader
from mcap.writer import Writer

from bench.recording import recording

SECONDS = 3
STEPS_NS = {"forward": 700_000_000, "back": -700_000_000}
"""How far the clock of the stepping streams goes: far enough to be seen, and nothing is lost."""

_STEPPING = ("/head/color", "/joint_states")
_STAMP_BYTES = 8
_CDR_HEADER_BYTES = 4
_NS = 1_000_000_000


def recordings(folder: Path) -> Mapping[str, Path]:
    """The recordings by variant, made when they are not there yet."""
    plain = recording("faults", seconds=SECONDS, folder=folder)
    return {"plain": plain} | {name: _stepped(plain, name, step_ns) for name, step_ns in STEPS_NS.items()}


def _stepped(plain: Path, name: str, step_ns: int) -> Path:
    path = plain.with_name(f"{plain.stem}-{name}.mcap")
    if path.exists():
        return path
    draft = path.with_suffix(".draft")
    with plain.open("rb") as source, draft.open("wb") as file:
        reader = make_reader(source)
        writer = Writer(file)
        writer.start(profile="ros2", library="saltwell bench")
        channels: dict[int, int] = {}
        middle_ns = 0
        for schema, channel, message in reader.iter_messages(log_time_order=True):
            middle_ns = middle_ns or message.log_time + SECONDS * _NS // 2
            if channel.id not in channels:
                kept = writer.register_schema(schema.name, schema.encoding, schema.data) if schema else 0
                channels[channel.id] = writer.register_channel(channel.topic, channel.message_encoding, kept)
            data = message.data
            if channel.topic in _STEPPING and message.log_time > middle_ns:
                data = _restamped(data, step_ns)
            writer.add_message(channels[channel.id], message.log_time, data, message.publish_time)
        writer.finish()  # type: ignore[no-untyped-call] # mcap gives no type
    draft.replace(path)
    return path


def _restamped(data: bytes, step_ns: int) -> bytes:
    """A CDR message whose header's stamp (int32 s, uint32 ns, behind the encapsulation) is moved."""
    end = _CDR_HEADER_BYTES + _STAMP_BYTES
    seconds = int.from_bytes(data[_CDR_HEADER_BYTES : end - 4], "little", signed=True)
    stamp_ns = seconds * _NS + int.from_bytes(data[end - 4 : end], "little") + step_ns
    stamp = (stamp_ns // _NS).to_bytes(4, "little", signed=True) + (stamp_ns % _NS).to_bytes(4, "little")
    return data[:_CDR_HEADER_BYTES] + stamp + data[end:]
