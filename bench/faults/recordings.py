"""The recordings that the robots play: small, lossless at the source, and with clocks that step or not."""

from collections import Counter
from collections.abc import Callable, Mapping
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

Change = Callable[[str, int, int, bytes], tuple[int, bytes] | None]
"""From stream, number, arrival in ns and message to the arrival and message that stand instead; None = none."""


def recordings(folder: Path) -> Mapping[str, Path]:
    """The recordings by variant, made when they are not there yet."""
    plain = recording("faults", seconds=SECONDS, folder=folder)
    return {"plain": plain} | {name: _stepped(plain, name, step_ns) for name, step_ns in STEPS_NS.items()}


def rewritten(source: Path, target: Path, change: Change) -> Path:
    """Write a recording anew with its messages changed, in order of arrival; gives `target`."""
    draft = target.with_suffix(".draft")
    counted: Counter[str] = Counter()
    channels: dict[int, int] = {}
    with source.open("rb") as original, draft.open("wb") as file:
        writer = Writer(file)
        writer.start(profile="ros2", library="saltwell bench")
        for schema, channel, message in make_reader(original).iter_messages(log_time_order=True):
            if channel.id not in channels:
                kept = writer.register_schema(schema.name, schema.encoding, schema.data) if schema else 0
                channels[channel.id] = writer.register_channel(channel.topic, channel.message_encoding, kept)
            changed = change(channel.topic, counted[channel.topic], message.log_time, message.data)
            counted[channel.topic] += 1
            if changed is not None:
                writer.add_message(channels[channel.id], changed[0], changed[1], changed[0])
        writer.finish()  # type: ignore[no-untyped-call] # mcap gives no type
    return draft.replace(target)


def moved(data: bytes, by_ns: int) -> bytes:
    """A CDR message whose header's stamp (int32 s, uint32 ns, behind the encapsulation) is moved."""
    end = _CDR_HEADER_BYTES + _STAMP_BYTES
    seconds = int.from_bytes(data[_CDR_HEADER_BYTES : end - 4], "little", signed=True)
    stamp_ns = seconds * _NS + int.from_bytes(data[end - 4 : end], "little") + by_ns
    stamp = (stamp_ns // _NS).to_bytes(4, "little", signed=True) + (stamp_ns % _NS).to_bytes(4, "little")
    return data[:_CDR_HEADER_BYTES] + stamp + data[end:]


def _stepped(plain: Path, name: str, step_ns: int) -> Path:
    """The recording with two clocks that step in its middle."""
    path = plain.with_name(f"{plain.stem}-{name}.mcap")
    first_ns: list[int] = []

    def step(stream: str, _: int, arrived_ns: int, data: bytes) -> tuple[int, bytes]:
        first_ns.append(arrived_ns)
        later = arrived_ns > first_ns[0] + SECONDS * _NS // 2
        return arrived_ns, moved(data, step_ns) if later and stream in _STEPPING else data

    return path if path.exists() else rewritten(plain, path, step)
