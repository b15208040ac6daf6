"""What is looked for in the log. The log is a list here: reading a real one is the bus's promise."""

from typing import Any

import pytest

from producers.recover import recovery as module
from producers.recover.recovery import Recovery
from saltwell.bus.raw import Raw
from saltwell.contracts.codec import Codec
from saltwell.contracts.frames import MessageFrame
from saltwell.contracts.results import SetAside
from saltwell.contracts.timeline import EpisodeStarted, EpisodeStopped, StreamDeclared

WHO = ("site", "robot", "take")
STREAM = StreamDeclared("/task", "other", 0.0, "hold", "", "", "", "", {})
STARTED = EpisodeStarted(*WHO, 0, 100, "sort", "", [STREAM], {})
STOPPED = EpisodeStopped(*WHO, 9, 200, success=True)
BEGAN_MS = 1_700_000_000_000


class _Outbox:
    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []

    def send(self, topic: str, record: Any, **_: Any) -> None:
        self.sent.append((topic, record))

    def flush(self) -> None:
        pass


def _frame(seq: int) -> MessageFrame:
    return MessageFrame(*WHO, "/task", seq, 100, 100, "std_msgs/msg/String", b"")


def test_frames_are_found_though_the_beginning_was_sent_again_and_another_brokers_clock_is_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    codec, outbox = Codec(), _Outbox()
    log = {
        "timeline": [(STARTED, BEGAN_MS), (STARTED, BEGAN_MS + 900_000)],
        "frames.other": [(_frame(0), BEGAN_MS - 2_000), (_frame(1), BEGAN_MS + 1_000_000)],
    }

    def read_to_end(_: str, topic: str, partitions: list[int], *, since_ms: int = 0) -> list[Raw]:
        return [
            Raw(topic, partitions[0], offset, b"", codec.encode(record), at_ms, at_ms)
            for offset, (record, at_ms) in enumerate(log.get(topic, []))
            if at_ms >= since_ms
        ]

    monkeypatch.setattr(module, "read_to_end", read_to_end)
    late = SetAside("timeline", 0, 7, "synchronize", "closed", *WHO[1:], "", -1, b"", codec.encode(STOPPED))
    done = Recovery("nowhere", codec, "take", "take-r", asides=lambda: iter([late])).publish(outbox)
    assert [record.seq for topic, record in outbox.sent if topic == "frames.other" and hasattr(record, "seq")] == [0, 1]
    assert (done.episode, done.records, done.late) == ("take-r", 2, 1)


def test_what_is_set_aside_between_two_looks_is_sent_once(monkeypatch: pytest.MonkeyPatch) -> None:
    codec, outbox = Codec(), _Outbox()
    log = {"timeline": [STARTED], "frames.other": [_frame(0), _frame(1)]}

    def read_to_end(_: str, topic: str, partitions: list[int], *, since_ms: int = 0) -> list[Raw]:
        records = enumerate(log.get(topic, []))
        return [Raw(topic, partitions[0], at, b"", codec.encode(it), since_ms, since_ms) for at, it in records]

    def aside(topic: str, offset: int, record: Any) -> SetAside:
        return SetAside(topic, 0, offset, "synchronize", "closed", *WHO[1:], "", -1, b"", codec.encode(record))

    looks = [[aside("timeline", 7, STOPPED)], [aside("timeline", 7, STOPPED), aside("frames.other", 1, _frame(1))]]
    monkeypatch.setattr(module, "read_to_end", read_to_end)
    done = Recovery("nowhere", codec, "take", "take-r", asides=lambda: iter(looks.pop(0))).publish(outbox)
    assert [record.seq for topic, record in outbox.sent if topic == "frames.other" and hasattr(record, "seq")] == [0, 1]
    assert (done.records, done.late) == (2, 1)
