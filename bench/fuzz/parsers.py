"""Everything in Saltwell that reads what others wrote: good inputs of it, and how it refuses bad ones."""

import io
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from bench.fuzz.files import mcap, messages, ros1_bag, ros2_bag, spool_segment, stored_episode
from bench.fuzz.records import JPEG, every_record
from processors.judge.criteria import BUILT_IN, load_criteria
from processors.score.decode import depth_mm, reduced
from producers.replay.recorded import RecordedMessage, RecordedStream
from producers.replay.recording import open_recording
from producers.replay.samples import to_sample
from producers.spool.layout import segment_path
from producers.spool.listing import survey
from producers.spool.recovery import recover
from producers.spool.scan import SegmentReader
from saltwell.contracts.codec import Codec
from saltwell.contracts.frames import CloudFrame, ImageFrame, SampledCloud
from saltwell.errors import SkipRecordError, StopError
from saltwell.messages.checks import check_cloud, check_image
from saltwell.messages.cloud_layout import points, xyz
from saltwell.messages.cloud_points import unpack_points
from saltwell.messages.definitions import DEFINITIONS
from saltwell.messages.header import stamp_ns, starts_with_header
from saltwell.messages.image_files import check_file
from sinks.episodes.annotations import Step
from sinks.episodes.commit import Marker
from sinks.episodes.manifest import Manifest
from sinks.episodes.recount import recount
from sinks.s3_uploads import uploads_of

_CODEC = Codec()
_STEP = (
    b'{"step":3,"streams":[{"kind":"exact","seq":3,"seq_next":-1,"since_ns":0,"skew_ns":0,"span_ns":0,'
    b'"stream":"/a"}],"t_ref_ns":9}'
)
_UPLOADS = (
    b'<ListMultipartUploadsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>false</IsTruncated>'
    b"<Upload><Key>a/b</Key><UploadId>7</UploadId><Initiated>2026-01-01T00:00:00.000Z</Initiated></Upload>"
    b"</ListMultipartUploadsResult>"
)


@dataclass(frozen=True, slots=True)
class Parser:
    """One reader. `refused` is what it may raise; `weight` its share of the inputs."""

    name: str
    seeds: Sequence[bytes]
    parse: Callable[[bytes], object]
    refused: type[Exception] = SkipRecordError
    weight: float = 1.0


def parsers(folder: Path) -> list[Parser]:
    """All of them; `folder` is for those that read files."""
    records = [_CODEC.encode(record) for record in every_record().values()]
    marker, manifest, archive = stored_episode()
    bag = ros2_bag()
    [database] = (name for name in bag if name.endswith(".db3"))
    made = messages()
    return [
        Parser("codec", records, _CODEC.decode, weight=8),
        *(Parser(f"message {name}", [one.encode()], type(one).decode, weight=2) for name, one in made.items()),
        Parser("message stamp", [one.encode() for one in made.values()], stamp_ns),
        Parser("definition", [text.encode() for text in DEFINITIONS.values()], _definition),
        Parser("samples", [one.encode() for one in made.values()], _samples, weight=2),
        Parser("picture files", [JPEG, _encoded(".png")], lambda data: check_file(data, "jpeg"), weight=2),
        Parser("frames", [_CODEC.encode(r) for r in every_record().values() if _is_frame(r)], _frame, weight=4),
        Parser("pictures", [_encoded(".jpg"), _encoded(".png")], _pixels, weight=2),
        Parser("marker", [marker], lambda data: Marker.parse(data, "marker"), weight=2),
        Parser("manifest", [manifest], Manifest.parse),
        Parser("step", [_STEP], Step.parse, weight=2),
        Parser("archive", [archive], _archive, weight=0.3),
        Parser("spool", [spool_segment()], partial(_spool, folder / "spool"), weight=0.3),
        Parser("uploads of S3", [_UPLOADS], uploads_of, ValueError),
        Parser("criteria", [BUILT_IN.read_bytes()], partial(_criteria, folder / "criteria.toml"), StopError, 0.1),
        Parser("recording, MCAP", [mcap()], partial(_recording, folder / "take.mcap"), StopError, 0.5),
        Parser("recording, ROS 1", [ros1_bag()], partial(_recording, folder / "take.bag"), StopError, 0.2),
        Parser("recording, ROS 2", [bag[database]], partial(_bag, folder / "two", bag, database), StopError, 0.1),
        Parser(
            "recording, ROS 2 yaml",
            [bag["metadata.yaml"]],
            partial(_bag, folder / "yaml", bag, "metadata.yaml"),
            StopError,
            0.1,
        ),
    ]


def _is_frame(record: object) -> bool:
    return isinstance(record, ImageFrame | CloudFrame | SampledCloud)


def _frame(data: bytes) -> object:
    """As processors do: what was decoded and checked can be used without fear."""
    match _CODEC.decode(data):
        case ImageFrame() as frame:
            check_image(frame)
            return frame
        case CloudFrame() as frame:
            check_cloud(frame)
            return points(frame), xyz(frame)
        case SampledCloud() as cloud:
            return unpack_points(cloud)
        case other:
            return other


def _definition(data: bytes) -> object:
    return starts_with_header(data.decode(errors="replace"))


def _samples(data: bytes) -> object:
    """What the player makes of a recorded message, whichever type the recording says it has."""
    taken = [_sample(one, data) for one in _STREAMS]
    if not any(taken):
        raise SkipRecordError("a message of no type")
    return taken


def _sample(stream: Callable[[RecordedMessage], object], data: bytes) -> object:
    try:
        return stream(RecordedMessage("/stream", 1, data))
    except SkipRecordError:
        return None


def _pixels(data: bytes) -> object:
    check_file(data, "png")
    taken: object = None
    for decode in (reduced, depth_mm):
        try:
            taken = decode(data, encoding="png", width=16, height=16, step=48)
        except SkipRecordError as error:
            refusal = error
    if taken is None:
        raise refusal
    return taken


def _archive(data: bytes) -> object:
    found = recount(io.BytesIO(data), opaque=(), advance=lambda _: None)
    if found.broken:
        raise SkipRecordError(found.broken)
    return found


def _spool(folder: Path, data: bytes) -> object:
    """A recorder's next life: what is torn is cut or set aside, what is whole is read."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    path = segment_path(folder, 1)
    path.write_bytes(data)
    recover(folder)
    survey(folder)
    if not path.exists():
        raise SkipRecordError("set aside")
    with SegmentReader(path) as reader:
        return [len([*reader.messages(chunk)]) for chunk in reader.whole_chunks(lambda _: None)]


def _criteria(path: Path, data: bytes) -> object:
    path.write_bytes(data)
    return load_criteria(path)


def _recording(path: Path, data: bytes) -> object:
    path.write_bytes(data)
    recording = open_recording(path)
    try:
        return sum(len(message.data) for message in recording.messages())
    finally:
        recording.close()


def _bag(folder: Path, files: dict[str, bytes], name: str, data: bytes) -> object:
    folder.mkdir(exist_ok=True)
    for other, content in files.items():
        (folder / other).write_bytes(data if other == name else content)
    recording = open_recording(folder)
    try:
        return sum(len(message.data) for message in recording.messages())
    finally:
        recording.close()


def _encoded(ending: str) -> bytes:
    """A small picture as a file of that ending."""
    deep, flat = np.arange(32 * 32, dtype=np.uint16).reshape(32, 32), np.full((32, 32), 7, np.uint8)
    return bytes(cv2.imencode(ending, deep if ending == ".png" else flat)[1].tobytes())


def _declared() -> list[Callable[[RecordedMessage], object]]:
    types = [*(name for name in DEFINITIONS), "pkg/msg/Unknown"]
    return [to_sample(RecordedStream("/stream", t, "cdr", "ros2msg", DEFINITIONS.get(t, ""), {}, 30.0)) for t in types]


_STREAMS = _declared()
