import io
from dataclasses import asdict
from typing import Any

import fastavro
import pytest
from fastavro.utils import generate_many
from hypothesis import given
from hypothesis import strategies as st

from bench.fuzz.records import every_record
from saltwell.contracts.codec import Codec, UndecodableRecord
from saltwell.contracts.schemas import RECORD_TYPES, load_schema, pinned_ids, record_name
from saltwell.contracts.timeline import EpisodeStopped

CODEC = Codec()
RECORDS = {record_name(type(record)): record for record in every_record().values()}
EVERY_RECORD = pytest.mark.parametrize("name", RECORD_TYPES)
KNOWN_IDS = sorted(pinned_ids().values())


def framed(name: str, values: dict[str, Any]) -> bytes:
    """What any Confluent client would send."""
    out = io.BytesIO()
    out.write(b"\0" + pinned_ids()[name].to_bytes(4, "big"))
    fastavro.schemaless_writer(out, load_schema(name), values)
    return out.getvalue()


@EVERY_RECORD
def test_every_record_comes_back_as_it_was(name: str) -> None:
    record = RECORDS[name]
    again = CODEC.decode(CODEC.encode(record))
    assert type(again) is RECORD_TYPES[name]
    assert _lists(asdict(again)) == _lists(asdict(record))
    assert CODEC.decode(CODEC.encode(again)) == again


@EVERY_RECORD
def test_what_any_confluent_client_sends_is_a_record_or_undecodable(name: str) -> None:
    for values in generate_many(load_schema(name), 5):
        try:
            record = CODEC.decode(framed(name, values))
        except UndecodableRecord:
            continue
        assert type(record) is RECORD_TYPES[name]


@EVERY_RECORD
def test_a_plain_confluent_reader_reads_what_we_write(name: str) -> None:
    record = RECORDS[name]
    body = io.BytesIO(CODEC.encode(record))
    header = body.read(5)
    assert header[0] == 0
    assert int.from_bytes(header[1:], "big") == pinned_ids()[name]
    values = fastavro.schemaless_reader(body, load_schema(name), None)
    assert values == _lists(asdict(record))
    assert not body.read()


def _lists(value: Any) -> Any:
    match value:
        case dict():
            return {key: _lists(item) for key, item in value.items()}
        case tuple() | list():
            return [_lists(item) for item in value]
        case _:
            return value


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_undecodable_and_nothing_worse(data: bytes) -> None:
    with pytest.raises(UndecodableRecord):
        CODEC.decode(data)


@given(schema_id=st.sampled_from(KNOWN_IDS), body=st.binary(max_size=300))
def test_bytes_behind_a_true_header_are_a_record_or_undecodable(schema_id: int, body: bytes) -> None:
    try:
        record = CODEC.decode(b"\0" + schema_id.to_bytes(4, "big") + body)
    except UndecodableRecord:
        return
    assert type(record) in RECORD_TYPES.values()


@given(cut=st.integers(0, 10_000), extra=st.binary(max_size=9))
def test_a_record_cut_short_or_with_more_behind_it_is_undecodable(cut: int, extra: bytes) -> None:
    whole = CODEC.encode(EpisodeStopped("site", "robot", "episode", 7, 1_767_225_600_000_000_000, None))
    with pytest.raises(UndecodableRecord):
        CODEC.decode(whole[: cut % len(whole)])
    if extra:
        with pytest.raises(UndecodableRecord):
            CODEC.decode(whole + extra)


def test_no_bytes_at_all_are_undecodable() -> None:
    with pytest.raises(UndecodableRecord, match="no bytes"):
        CODEC.decode(None)
