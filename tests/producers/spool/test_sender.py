"""What is in the spool reaches the broker, in order, exactly once downstream, whatever breaks."""

import io
import json
from types import SimpleNamespace

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.records import Channel, Metadata, Schema

from producers.spool import cursor
from producers.spool.framing import Framer
from producers.spool.layout import STATE, checksum, preamble, segments, serialized
from producers.spool.scan import Preamble, SegmentReader, StoredMessage
from producers.spool.sender import Sender
from saltwell.contracts.codec import Codec, PinnedIds
from saltwell.contracts.schemas import schema_text
from saltwell.contracts.timeline import FramesIndexed, StreamIndex
from saltwell.errors import StopError


def spooled(kit, folder, takes, **options):
    spooling = kit.Spooling(folder)
    log = spooling.log(**options)
    for take in takes:
        take.record(kit.outbox(log), flush_every=20)
    log.close()
    return log


def test_everything_arrives_as_without_a_spool_and_the_spool_is_empty_then(kit, spooling) -> None:
    takes = [kit.Take(episode=f"episode-{i}") for i in range(3)]
    log = spooled(kit, spooling.folder, takes)
    broker = kit.Broker()
    kit.send_everything(spooling.folder, log, broker)
    assert broker.records() == [record for take in takes for record in take.records()]
    assert segments(spooling.folder) == []


def test_nothing_waits_for_the_broker_when_an_end_is_told(kit, spooling) -> None:
    class Slow(kit.Broker):
        """Acknowledges one record a poll, and only to who waits."""

        def poll(self, timeout_s: float) -> None:
            if timeout_s and self.waiting:
                self.waiting.pop(0)()

    log = spooling.log(durable_ms=100_000)
    kit.Take().record(kit.outbox(log))
    log.close()
    broker = Slow()
    kit.send_everything(spooling.folder, log, broker)
    assert broker.records() == kit.Take().records()
    names = [name for name, _ in broker.unacknowledged]
    waiting = dict(zip(range(len(names)), (n for _, n in broker.unacknowledged), strict=True))
    assert max(waiting.values()) > 5, "records do wait, as a rule"
    assert waiting[1] == 0, "the begin is acknowledged before the first frame is sent"
    assert waiting[names.index("StreamEnded")] == 0, "all frames before the first stream ends"
    assert waiting[names.index("EpisodeStopped")] == 0, "and everything before the episode does"


@settings(max_examples=20, deadline=None)
@given(breaks=st.lists(st.integers(1, 400), max_size=4), room=st.integers(1, 60))
def test_whatever_breaks_everything_arrives_once_downstream_and_in_order(kit, tmp_path_factory, breaks, room) -> None:
    folder = tmp_path_factory.mktemp("spool")
    takes = [kit.Take(episode=f"episode-{i}", frames=20) for i in range(2)]
    log = spooled(kit, folder, takes, segment_bytes=60_000)
    broker = kit.Broker()
    broker.break_after, broker.room = sorted(breaks), room
    kit.send_everything(folder, log, broker)
    assert kit.once(broker.records()) == [record for take in takes for record in take.records()]
    assert segments(folder) == []


def test_a_sender_that_is_started_again_begins_behind_what_was_acknowledged(kit, spooling) -> None:
    takes = [kit.Take(episode=f"episode-{i}", size=20_000) for i in range(3)]
    log = spooled(kit, spooling.folder, takes, segment_bytes=200_000)
    whole = [record for take in takes for record in take.records()]
    first = kit.Broker()
    first.break_after = [len(whole) // 2]
    sender = Sender(spooling.folder, log, first.connect)
    sender.start()
    kit.until(lambda: not first.break_after)
    sender.stop()
    assert cursor.load(spooling.folder) > cursor.START
    second = kit.Broker()
    kit.send_everything(spooling.folder, log, second)
    assert kit.once(first.records() + second.records()) == whole
    assert len(second.taken) < len(whole)


def test_a_segment_stays_until_everything_in_it_is_acknowledged(kit, spooling) -> None:
    log = spooled(kit, spooling.folder, [kit.Take(frames=60, size=20_000)], segment_bytes=300_000)
    before = segments(spooling.folder)
    assert len(before) > 3

    class Deaf(kit.Broker):
        def poll(self, timeout_s: float) -> None:
            """Never says anything."""

    deaf = Deaf()
    deaf.room = 10**6
    sender = Sender(spooling.folder, log, deaf.connect)
    sender.start()
    kit.until(lambda: len(deaf.taken) > 0)
    sender.stop()
    assert segments(spooling.folder) == before
    assert sender.unacknowledged_bytes == sum(path.stat().st_size for path in before)


def test_recording_and_sending_go_on_side_by_side(kit, spooling) -> None:
    log = spooling.log(segment_bytes=200_000)
    broker = kit.Broker()
    sender = Sender(spooling.folder, log, broker.connect)
    sender.start()
    takes = [kit.Take(episode=f"episode-{i}", size=20_000) for i in range(4)]
    for take in takes:
        take.record(kit.outbox(log))
    kit.until(lambda: len(broker.taken) == sum(len(take.records()) for take in takes))
    kit.until(lambda: len(segments(spooling.folder)) <= 1)
    log.close()
    assert kit.until(lambda: sender.wait(0.1))
    assert broker.records() == [record for take in takes for record in take.records()]


def test_a_spool_of_an_unknown_version_is_refused_with_a_reason(kit, spooling) -> None:
    log = spooled(kit, spooling.folder, [kit.Take(frames=2)])
    [path] = segments(spooling.folder)
    with SegmentReader(path) as reader:
        state = reader.preamble.accounts
    begin = preamble(state)[: -len(serialized(Metadata(STATE, {"accounts": state, "crc32": "0" * 10})))]
    other = begin.replace(b"saltwell.ImageFrame", b"saltwell.ImageFlame")
    crcs = (f"{checksum(text, state):010}".encode() for text in (begin, other))
    path.write_bytes(path.read_bytes().replace(begin, other).replace(*crcs))
    sender = Sender(spooling.folder, log, kit.Broker().connect)
    sender.start()
    with pytest.raises(StopError, match=r"ImageFlame.*send it with the version that wrote it"):
        kit.until(lambda: sender.wait(0.1))


def test_a_record_written_under_an_older_schema_is_sent_under_todays(kit, tmp_path) -> None:
    name = "saltwell.FramesIndexed"
    old = json.loads(schema_text(name))
    [streams] = [field for field in old["fields"] if field["name"] == "streams"]
    item = streams["type"]["items"]
    item["fields"] = [field for field in item["fields"] if "default" not in field]
    values = {"site": "s", "robot": "r", "episode": "e", "ordinal": 3, "through_ns": 9}
    index = {"stream": "/a", "seq": bytes(8), "captured_ns": bytes(8), "arrived_ns": bytes(8), "clock_offset_ns": 7}
    body = io.BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(old), values | {"streams": [index]})

    channel = Channel(id=1, topic="timeline", message_encoding="avro", metadata={}, schema_id=1)
    schema = Schema(id=1, name=name, encoding="avro", data=json.dumps(old).encode())
    reader = SimpleNamespace(path=tmp_path, preamble=Preamble("", {1: channel}, {1: schema}, 0))
    framed = Framer(reader, PinnedIds()).frame(StoredMessage(1, 0, 0, 0, memoryview(body.getvalue())))
    assert framed is not None
    record = Codec().decode(framed.value)
    assert (framed.topic, framed.robot) == ("timeline", "r")
    assert record == FramesIndexed("s", "r", "e", 3, 9, (StreamIndex(**index),))
