import io
import random
import tracemalloc
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader
from mcap.records import Channel, ChunkIndex, Footer, Message, Schema
from mcap.stream_reader import StreamReader
from mcap_ros2.decoder import DecoderFactory

from saltwell.errors import SkipRecordError, StopError
from sinks.episodes.archive import ArchiveSummary, EpisodeArchive, let_go
from sinks.episodes.chunks import CHUNK_BYTES

Recorded = tuple[Schema, Channel, Message]


def recorded(path: Path) -> list[Recorded]:
    with path.open("rb") as file:
        return [(s, c, m) for s, c, m in make_reader(file).iter_messages(log_time_order=False) if s is not None]


@pytest.fixture(scope="module")
def station(recordings: Path) -> list[Recorded]:
    return recorded(recordings / "station_composite_6s.mcap")


@pytest.fixture(scope="module")
def station_file(station: list[Recorded], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("archive") / "episode.mcap"
    archive_of(station, path)
    return path


def finish(archive: EpisodeArchive, path: Path, metadata: dict[str, dict[str, str]]) -> ArchiveSummary:
    file = path.open("wb")
    try:
        return archive.finish(file, metadata)
    finally:
        let_go(file)


def archive_of(messages: Iterable[Recorded], path: Path) -> ArchiveSummary:
    messages = list(messages)
    archive = EpisodeArchive(path.parent)
    for schema, channel in {c.topic: (s, c) for s, c, _ in messages}.values():
        archive.declare(
            channel.topic,
            schema_name=schema.name,
            schema_encoding=schema.encoding,
            schema=schema.data.decode(),
            message_encoding=channel.message_encoding,
            metadata=channel.metadata,
            compress="Compressed" not in schema.name,
        )
    for _, channel, m in messages:
        archive.add(channel.topic, m.data, log_time_ns=m.log_time, publish_time_ns=m.publish_time, sequence=m.sequence)
    return finish(archive, path, {"saltwell": {"robot": "g1-04", "episode": "e"}})


def interleaved(streams: dict[str, list[Recorded]], rng: random.Random) -> Iterator[Recorded]:
    turns = [name for name, messages in streams.items() for _ in messages]
    rng.shuffle(turns)
    rest = {name: iter(messages) for name, messages in streams.items()}
    return (next(rest[name]) for name in turns)


def by_stream(messages: Iterable[Recorded]) -> dict[str, list[Recorded]]:
    streams = defaultdict(list)
    for one in messages:
        streams[one[1].topic].append(one)
    return streams


def synthetic(streams: Sequence[Sequence[tuple[int, int]]]) -> list[Recorded]:
    """Messages of streams given as (time, size) pairs."""
    return [
        (
            Schema(id=n, name=f"Type{n % 2}", encoding="ros2msg", data=b"string data"),
            Channel(id=n, topic=f"/{n}", message_encoding="cdr", metadata={}, schema_id=n),
            Message(n, time, bytes([n, seq % 256]) * size, time, seq),
        )
        for n, messages in enumerate(streams)
        for seq, (time, size) in enumerate(messages)
    ]


# Sizes up to 600 kB: some chunks hold many messages, some one.
message = st.tuples(st.integers(0, 2**40), st.one_of(st.integers(0, 100), st.integers(100_000, 300_000)))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(message, max_size=12), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_the_file_does_not_show_how_streams_interleaved(
    tmp_path: Path, streams: list[list[tuple[int, int]]], rng: random.Random
) -> None:
    messages = synthetic(streams)
    first = archive_of(messages, tmp_path / "first.mcap")
    second = archive_of(interleaved(by_stream(messages), rng), tmp_path / "second.mcap")

    assert (tmp_path / "first.mcap").read_bytes() == (tmp_path / "second.mcap").read_bytes()
    assert first == second


def test_a_real_station_gives_the_same_file_in_any_interleaving(
    station: list[Recorded], station_file: Path, tmp_path: Path
) -> None:
    archive_of(interleaved(by_stream(station), random.Random(17)), tmp_path / "other.mcap")

    assert (tmp_path / "other.mcap").read_bytes() == station_file.read_bytes()


@pytest.mark.parametrize("log_time_order", [True, False])
def test_every_message_comes_back_with_its_times(
    station: list[Recorded],
    station_file: Path,
    log_time_order: bool,  # noqa: FBT001 - pytest passes by name
) -> None:
    def essence(messages: Iterable[Recorded]) -> dict[str, list[tuple[int, int, int, bytes]]]:
        return {
            name: [(m.log_time, m.publish_time, m.sequence, m.data) for *_, m in of_stream]
            for name, of_stream in by_stream(messages).items()
        }

    with station_file.open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        messages = [(s, c, m) for s, c, m in reader.iter_messages(log_time_order=log_time_order) if s is not None]

    assert essence(messages) == essence(station)
    if log_time_order:
        times = [m.log_time for *_, m in messages]
        assert times == sorted(times)


def test_ros_tools_decode_every_stream(station_file: Path) -> None:
    with station_file.open("rb") as file:
        reader = make_reader(file, decoder_factories=[DecoderFactory()])
        assert reader.get_header().profile == "ros2"
        decoded = {channel.topic: value for _, channel, _, value in reader.iter_decoded_messages()}

    assert len(decoded) == 10
    assert len(decoded["/joint_states"].effort) == 7
    assert decoded["/head/color"].format == "jpeg"


def test_the_summary_tells_what_is_inside(station: list[Recorded], station_file: Path) -> None:
    with station_file.open("rb") as file:
        reader = make_reader(file)
        summary = reader.get_summary()
        metadata = [(record.name, record.metadata) for record in reader.iter_metadata()]

    assert summary is not None
    assert summary.statistics is not None
    counts = {
        channel.topic: summary.statistics.channel_message_counts[number] for number, channel in summary.channels.items()
    }
    assert counts == {name: len(messages) for name, messages in by_stream(station).items()}
    assert summary.statistics.message_start_time == min(m.log_time for *_, m in station)
    assert summary.statistics.message_end_time == max(m.log_time for *_, m in station)
    assert summary.statistics.chunk_count == len(summary.chunk_indexes)
    assert metadata == [("saltwell", {"episode": "e", "robot": "g1-04"})]


def test_all_checksums_hold(station_file: Path) -> None:
    with station_file.open("rb") as file:
        *_, footer = StreamReader(file, validate_crcs=True).records
    assert isinstance(footer, Footer)

    data = station_file.read_bytes()
    up_to_the_crc = data[footer.summary_start : -len(b"\x89MCAP0\r\n") - 4]
    assert zlib.crc32(up_to_the_crc) == footer.summary_crc


class Watched(io.BytesIO):
    """Counts the bytes that are read."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


def test_reading_one_stream_or_moment_does_not_read_the_others(station: list[Recorded], station_file: Path) -> None:
    data = station_file.read_bytes()
    begin = min(m.log_time for *_, m in station) + 2_000_000_000

    joints = Watched(data)
    messages = list(make_reader(joints).iter_messages(topics="/joint_states"))
    moment = Watched(data)
    clouds = list(
        make_reader(moment).iter_messages(topics="/torso/points", starting_at=begin, ending_before=begin + 500_000_000)
    )

    assert len(messages) == 600
    assert joints.taken < len(data) / 100
    assert len(clouds) == 5
    assert moment.taken < len(data) / 5


def test_a_chunk_holds_one_stream_and_jpeg_is_not_compressed_again(station_file: Path) -> None:
    with station_file.open("rb") as file:
        summary = make_reader(file).get_summary()
    assert summary is not None

    chunks: dict[str, list[ChunkIndex]] = defaultdict(list)
    for index in summary.chunk_indexes:
        (channel,) = index.message_index_offsets
        chunks[summary.channels[channel].topic].append(index)

    assert {index.compression for index in chunks["/head/color"] + chunks["/chest/color"]} == {""}
    assert {index.compression for index in chunks["/chest/depth"] + chunks["/joint_states"]} == {"zstd"}
    for of_stream in chunks.values():
        assert all(CHUNK_BYTES <= index.uncompressed_size < 2 * CHUNK_BYTES for index in of_stream[:-1])
    starts = [(index.message_start_time, list(index.message_index_offsets)) for index in summary.chunk_indexes]
    assert starts == sorted(starts)


def test_order_of_declaration_leaves_no_trace(station: list[Recorded], station_file: Path, tmp_path: Path) -> None:
    backwards = [one for _, messages in reversed(by_stream(station).items()) for one in messages]
    archive_of(backwards, tmp_path / "other.mcap")

    assert (tmp_path / "other.mcap").read_bytes() == station_file.read_bytes()


def test_order_of_metadata_leaves_no_trace(tmp_path: Path) -> None:
    one, other = EpisodeArchive(tmp_path), EpisodeArchive(tmp_path)
    first = finish(one, tmp_path / "one.mcap", {"a": {"x": "1", "y": "2"}, "b": {}})
    second = finish(other, tmp_path / "other.mcap", {"b": {}, "a": {"y": "2", "x": "1"}})

    assert first == second


def test_a_stream_without_messages_stands_in_the_file(tmp_path: Path) -> None:
    archive = EpisodeArchive(tmp_path)
    declare(archive, "/silent")
    summary = finish(archive, tmp_path / "e.mcap", {})

    assert summary.messages == {"/silent": 0}
    with (tmp_path / "e.mcap").open("rb") as file:
        found = make_reader(file).get_summary()
    assert found is not None
    assert [channel.topic for channel in found.channels.values()] == ["/silent"]


def test_memory_does_not_grow_with_the_episode(tmp_path: Path) -> None:
    archive = EpisodeArchive(tmp_path)
    for stream in ("/a", "/b"):
        declare(archive, stream)
    frame = random.Random(1).randbytes(600_000)

    tracemalloc.start()
    for seq in range(200):
        archive.add(("/a", "/b")[seq % 2], frame, log_time_ns=seq, publish_time_ns=seq, sequence=seq)
    summary = finish(archive, tmp_path / "e.mcap", {})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert summary.bytes > 119_000_000
    assert peak < 12_000_000


def test_an_episode_that_is_given_up_leaves_no_file(tmp_path: Path) -> None:
    archive = EpisodeArchive(tmp_path)
    declare(archive, "/a")
    archive.add("/a", bytes(2 * CHUNK_BYTES), log_time_ns=1, publish_time_ns=1, sequence=0)

    assert list(tmp_path.iterdir()) == []  # so a killed process leaves none either
    archive.discard()
    archive.discard()


@pytest.mark.parametrize(
    "numbers",
    [
        {"log_time_ns": -1, "publish_time_ns": 0, "sequence": 0},
        {"log_time_ns": 0, "publish_time_ns": 2**64, "sequence": 0},
        {"log_time_ns": 0, "publish_time_ns": 0, "sequence": 2**32},
    ],
)
def test_a_number_that_does_not_fit_spoils_nothing(tmp_path: Path, numbers: dict[str, int]) -> None:
    archive = EpisodeArchive(tmp_path)
    declare(archive, "/a")

    with pytest.raises(SkipRecordError, match="does not fit"):
        archive.add("/a", b"x", **numbers)

    archive.add("/a", b"x", log_time_ns=1, publish_time_ns=1, sequence=1)
    assert finish(archive, tmp_path / "e.mcap", {}).messages == {"/a": 1}


def test_streams_are_declared_once_and_before_any_message(tmp_path: Path) -> None:
    archive = EpisodeArchive(tmp_path)
    declare(archive, "/a")
    with pytest.raises(StopError, match="/a is declared"):
        declare(archive, "/a")
    with pytest.raises(StopError, match="/b, which is not declared"):
        archive.add("/b", b"x", log_time_ns=1, publish_time_ns=1, sequence=0)
    with pytest.raises(StopError, match="/b is declared too late"):
        declare(archive, "/b")


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    archive = EpisodeArchive(tmp_path)
    declare(archive, "/a")

    with pytest.raises(StopError, match="No space left on device"):
        finish(archive, Path("/dev/full"), {})
    with pytest.raises(StopError, match="No such file"):
        EpisodeArchive(tmp_path / "nowhere")


def declare(archive: EpisodeArchive, stream: str) -> None:
    archive.declare(
        stream,
        schema_name="std_msgs/msg/String",
        schema_encoding="ros2msg",
        schema="string data",
        message_encoding="cdr",
        metadata={},
        compress=False,
    )
