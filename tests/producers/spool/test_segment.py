"""A segment is an MCAP file that describes itself."""

import io
import json
from pathlib import Path

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader
from mcap.records import Chunk
from mcap.stream_reader import StreamReader

from producers.spool.chunk import Entry, encode_chunk
from producers.spool.layout import lanes, segment_path, segments
from producers.spool.scan import DamagedSegment, SegmentReader
from producers.spool.segment import SegmentWriter, is_sealed
from saltwell.contracts.codec import Codec

ENTRIES = st.lists(
    st.builds(
        Entry,
        channel_id=st.integers(1, len(lanes())),
        sequence=st.integers(0, 2**40),
        log_time_ns=st.integers(0, 2**64 - 1),
        publish_time_ns=st.integers(0, 2**64 - 1),
        body=st.binary(max_size=200),
    ),
    min_size=1,
    max_size=20,
)


def written(folder: Path, chunks, *, seal: bool = True) -> Path:
    for old in segments(folder):
        old.unlink()
    writer = SegmentWriter.create(segment_path(folder, 7), '{"episodes": []}')
    for entries in chunks:
        writer.append(encode_chunk(entries))
    if seal:
        writer.seal()
    return writer.path


@settings(max_examples=60, deadline=None)
@given(chunks=st.lists(ENTRIES, max_size=3))
def test_other_programs_read_every_message_and_checksum(chunks, tmp_path_factory) -> None:
    path = written(tmp_path_factory.mktemp("segment"), chunks)
    with path.open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        found = sorted((c.id, m.log_time, m.publish_time, m.sequence, m.data) for _, c, m in reader.iter_messages())
        summary = reader.get_summary()
    expected = [(e.channel_id, e.log_time_ns, e.publish_time_ns, e.sequence % 2**32, e.body) for c in chunks for e in c]
    assert found == sorted(expected)
    assert summary is not None
    assert summary.statistics is not None
    assert summary.statistics.message_count == len(expected)
    assert is_sealed(path)


def test_every_chunk_has_a_checksum(tmp_path) -> None:
    path = written(tmp_path, [[Entry(1, 0, 1, 1, b"something")]])
    with path.open("rb") as file:
        [chunk] = [r for r in StreamReader(file, emit_chunks=True, validate_crcs=True).records if isinstance(r, Chunk)]
    assert chunk.uncompressed_crc


def test_a_frame_can_be_read_with_nothing_but_the_file(kit, spooling) -> None:
    take = kit.Take(frames=5)
    log = spooling.log()
    take.record(kit.outbox(log))
    log.close()
    [path] = segments(spooling.folder)
    with path.open("rb") as file:
        stored = [
            (channel.topic, schema.name, fastavro.schemaless_reader(io.BytesIO(m.data), parsed(schema.data), None))
            for schema, channel, m in make_reader(file).iter_messages(log_time_order=False)
        ]
    sent = take.records()
    assert [(topic, name) for topic, name, _ in stored] == [(t, f"saltwell.{type(r).__name__}") for t, r in sent]
    assert [record["episode"] for *_, record in stored] == [record.episode for _, record in sent]


def parsed(schema: bytes):
    return fastavro.parse_schema(json.loads(schema))


@settings(max_examples=60, deadline=None)
@given(chunks=st.lists(ENTRIES, min_size=1, max_size=3), flip=st.data())
def test_whatever_bytes_a_segment_has_its_reader_raises_its_own_error_and_nothing_else(chunks, flip, tmp_path_factory):
    path = written(tmp_path_factory.mktemp("segment"), chunks)
    data = bytearray(path.read_bytes())
    for _ in range(flip.draw(st.integers(1, 4))):
        data[flip.draw(st.integers(0, len(data) - 1))] = flip.draw(st.integers(0, 255))
    path.write_bytes(data)
    damage = []
    try:
        with SegmentReader(path) as reader:
            for chunk in reader.whole_chunks(damage.append):
                list(reader.messages(chunk))
    except DamagedSegment as error:
        damage.append(error)
    assert all(isinstance(error, DamagedSegment) for error in damage)


@settings(deadline=None)
@given(data=st.binary(max_size=300))
def test_arbitrary_bytes_are_no_segment(data, tmp_path_factory) -> None:
    path = tmp_path_factory.mktemp("segment") / "spool-00000001.mcap"
    path.write_bytes(data)
    with pytest.raises(DamagedSegment):
        SegmentReader(path)


def test_a_record_is_stored_without_the_bytes_that_name_a_registry(kit, spooling) -> None:
    log = spooling.log()
    kit.Take(frames=1).record(kit.outbox(log))
    log.close()
    [path] = segments(spooling.folder)
    with path.open("rb") as file:
        first = next(m for *_, m in make_reader(file).iter_messages(log_time_order=False))
    assert Codec().encode(kit.Take(frames=1).records()[0][1])[5:] == first.data
