import http.client
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import numpy as np
import pytest

from saltwell.contracts.columns import pack_i64
from saltwell.contracts.results import (
    AlignmentBlock,
    AlignmentEnded,
    Reason,
    Review,
    StreamLedger,
    StreamMatch,
    StreamTiming,
    UnreadableFrame,
    Verdict,
)
from saltwell.contracts.timeline import SeqRange
from saltwell.messages.image import CompressedImage
from saltwell.messages.motion import JointState
from sinks.catalogue.catalogue import Catalogue
from sinks.episodes.annotations import add_annotations, alignment_annotations, declare_annotations, verdict_annotation
from sinks.episodes.archive import EpisodeArchive
from sinks.episodes.commit import commit
from sinks.episodes.manifest import Manifest, manifest_of, provenance_of
from sinks.store import Store, open_store

START_NS = 1_767_225_600_000_000_000
PERIOD_NS = 33_333_333
COLOR, JOINTS = "/head/color", "/joint_states"


@pytest.fixture(params=["folder", pytest.param("bucket", marks=pytest.mark.timeout(900))])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """An empty store: a folder, and a bucket of a real S3 server."""
    if request.param == "folder":
        return open_store(str(tmp_path / "store"), create=True)
    s3 = request.getfixturevalue("s3")
    for name, value in s3.env.items():
        monkeypatch.setenv(name, value)
    return open_store(f"{s3.url}/{uuid.uuid4().hex}")


@dataclass(frozen=True)
class Take:
    """What a station's take became, not yet in a store."""

    manifest: Manifest
    path: Path

    @property
    def file(self) -> BinaryIO:
        """The MCAP file, as the sink hands it over."""
        return BytesIO(self.path.read_bytes())


MakeTake = Callable[..., Take]


@pytest.fixture
def make_take(tmp_path: Path) -> MakeTake:
    """Makes takes of two streams; frame 7 of the color stream is lost, and no step refers to it."""

    def make(
        *,
        episode: str = "20260101T000000-g1-04-aa0001",
        robot: str = "g1-04",
        task: str = "sort the parts",
        frames: int = 30,
        image_bytes: int = 5_000,
        refer_to: Iterable[int] | None = None,
        twice: Iterable[int] = (),
        joints_after: int | None = None,
    ) -> Take:
        written = [seq for seq in range(frames) if seq != 7]
        path = tmp_path / f"{uuid.uuid4().hex}.mcap"
        archive = EpisodeArchive(tmp_path)
        declare(archive)
        for seq in [*written, *twice]:
            add_frame(archive, COLOR, seq, image_bytes=image_bytes)
        for seq in range(frames):
            add_frame(archive, JOINTS, seq)
        steps = list(written if refer_to is None else refer_to)
        block = AlignmentBlock(
            "zigong",
            robot,
            episode,
            0,
            pack_i64([START_NS + seq * PERIOD_NS for seq in steps]),
            (match(COLOR, steps), match(JOINTS, [min(seq, frames - 1) for seq in steps], after=joints_after)),
        )
        add_annotations(archive, alignment_annotations(block))
        verdict = Verdict("zigong", robot, episode, "review", (REASON,), "1-ab12", ())
        add_annotations(archive, [verdict_annotation(verdict, at_ns=START_NS + frames * PERIOD_NS)])
        with path.open("wb") as file:
            summary = archive.finish(file, {"saltwell": {"robot": robot, "episode": episode}})
        ended = AlignmentEnded(
            site="zigong",
            robot=robot,
            episode=episode,
            anchor=COLOR,
            steps=len(steps),
            started_ns=START_NS,
            stopped_ns=START_NS + frames * PERIOD_NS,
            task=task,
            ending="stopped",
            reason="",
            success=None,
            streams=(timing(COLOR, len(steps)), timing(JOINTS, len(steps))),
        )
        manifest = manifest_of(
            ended,
            verdict,
            ledgers=[
                StreamLedger(COLOR, "color", frames, frames - 1, 1, 2, 1, (SeqRange(7, 1, "unreadable"),)),
                StreamLedger(JOINTS, "joints", frames, frames, 0, 0, 0, ()),
            ],
            unreadable={COLOR: [UnreadableFrame(7, START_NS + 7 * PERIOD_NS, "JPEG of 900 bytes has no end")]},
            archive=summary,
            provenance=provenance_of({"recording": "take_17.mcap"}, [AlignmentEnded, Verdict]),
        )
        return Take(manifest, path)

    return make


REASON = Reason("loss", COLOR, "review", 0.033, 0.01, "share", 0, 0, "1 of 30 frames of /head/color are lost.")


def declare(archive: EpisodeArchive) -> None:
    for stream, message in ((COLOR, "sensor_msgs/msg/CompressedImage"), (JOINTS, "sensor_msgs/msg/JointState")):
        archive.declare(
            stream,
            schema_name=message,
            schema_encoding="ros2msg",
            schema=f"# {message}",
            message_encoding="cdr",
            metadata={"offered_qos_profiles": ""},
            compress=stream != COLOR,
        )
    declare_annotations(archive)


def add_frame(archive: EpisodeArchive, stream: str, seq: int, *, image_bytes: int = 0) -> None:
    captured_ns = START_NS + seq * PERIOD_NS
    archive.add(
        stream,
        frame(stream, seq, captured_ns, image_bytes=image_bytes),
        log_time_ns=captured_ns + 3_000_000,
        publish_time_ns=captured_ns,
        sequence=seq,
    )


def frame(stream: str, seq: int, captured_ns: int, *, image_bytes: int) -> bytes:
    if stream == COLOR:
        noise = np.random.default_rng(seq).bytes(image_bytes)
        return CompressedImage(captured_ns, "head", "jpeg", b"\xff\xd8" + noise + b"\xff\xd9").encode()
    angles = np.sin(np.arange(7) + seq / 30)
    return JointState(captured_ns, "base", tuple(f"arm_{n}" for n in range(7)), angles, angles, angles).encode()


def match(stream: str, seqs: list[int], *, after: int | None = None) -> StreamMatch:
    """Exact matches, or interpolated ones up to the frame `after`."""
    n = len(seqs)
    kinds = bytes([0 if after is None else 1]) * n
    following = [-1 if after is None else after] * n
    return StreamMatch(stream, kinds, pack_i64(seqs), pack_i64(following), *[pack_i64([0] * n)] * 3)


def timing(stream: str, steps: int) -> StreamTiming:
    return StreamTiming(
        stream=stream,
        kind="color" if stream == COLOR else "joints",
        count=30,
        period_ns=float(PERIOD_NS),
        jitter_share=0.01,
        longest_gap_ns=2 * PERIOD_NS,
        longest_gap_from_ns=START_NS,
        gaps_over_100_ms=0,
        out_of_order=0,
        clock_steps=0,
        largest_clock_step_ns=0,
        clock_step_at_ns=0,
        clock_offset_ns=0,
        exact=steps,
        interpolated=0,
        held=0,
        missing=0,
        skew_p50_ns=0.0,
        skew_p95_ns=1_000_000.0,
        skew_p99_ns=1_500_000.0,
        skew_max_ns=2_000_000.0,
    )


# -- a store's episodes and its catalogue

Finish = Callable[..., Manifest]


@pytest.fixture
def finish(make_take: Callable[..., Any]) -> Finish:
    """Brings an episode into a store; `changes` are those of its manifest."""
    take = make_take(frames=8, image_bytes=100)

    def finish(store: Store, episode: str, *, source: Mapping[str, str] | None = None, **changes: Any) -> Manifest:
        provenance = replace(take.manifest.provenance, source=source or {})
        manifest = replace(take.manifest, episode=episode, provenance=provenance, **changes)
        commit(store, manifest, take.file)
        return manifest

    return finish


@pytest.fixture
def review_of() -> Callable[..., Review]:
    def review_of(episode: str, decision: str = "accept", *, at_ns: int = 1_000, **more: str) -> Review:
        said = {"reviewer": "ana", "task": "", "note": ""} | more
        return Review("zigong", "g1-99", episode, reviewed_ns=at_ns, decision=decision, **said)

    return review_of


@pytest.fixture
def catalogued() -> Callable[[Store], Catalogue]:
    """The catalogue of a store, with all that the store holds."""

    def catalogued(store: Store) -> Catalogue:
        catalogue = Catalogue(store)
        catalogue.create()
        catalogue.add_missing(lambda: None)
        return catalogue

    return catalogued


@pytest.fixture
def names() -> Callable[[Store], list[str]]:
    """Episodes in the catalogue of a store; one that is there twice is named twice."""

    def names(store: Store) -> list[str]:
        catalogue = Catalogue(store)
        assert catalogue.read()
        return sorted(catalogue.episodes.dataset().to_table(["episode"])["episode"].to_pylist())

    return names


# -- a real S3 server that misbehaves at chosen requests

Answer = tuple[int, str]
"""Status and error code; status 0 = no answer, the connection is closed."""


@dataclass
class Request:
    """A request on its way: `forward` sends it to the real server, once, and keeps the answer back."""

    method: str
    path: str
    forward: Callable[[], None]

    @property
    def kind(self) -> str:
        """What the store is about: begin, part, complete, put, get .."""
        if self.method == "POST":
            return "complete" if "uploadId=" in self.path else "begin"
        return "part" if "partNumber=" in self.path else self.method.lower()


@dataclass
class FaultyS3:
    """A store behind a proxy. `behave` says what to answer instead of the real server, None = what that says.

    `kinds` are the requests so far.
    """

    store: Store
    behave: Callable[[Request], Answer | None] = field(default=lambda _: None)
    kinds: list[str] = field(default_factory=list)


class Proxy(ThreadingHTTPServer):
    daemon_threads = True
    upstream: str
    faulty: FaultyS3

    def handle_error(self, *_: object) -> None:
        """Clients that were killed do not wait for answers."""


class Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else every answer waits 40 ms for an acknowledgement
    server: Proxy

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self.exchange
        raise AttributeError(name)

    def exchange(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answers: list[tuple[int, list[tuple[str, str]], bytes]] = []

        def forward() -> None:
            if not answers:
                answers.append(self.ask(body))

        request = Request(self.command, self.path, forward)
        self.server.faulty.kinds.append(request.kind)
        said = self.server.faulty.behave(request)
        if said is None:
            forward()
            self.answer(*answers[0])
        elif said[0]:
            self.answer(said[0], [], f"<Error><Code>{said[1]}</Code></Error>".encode())
        else:
            self.close_connection = True

    def ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        server = http.client.HTTPConnection(self.server.upstream, timeout=150)
        server.request(self.command, self.path, body, dict(self.headers))
        answer = server.getresponse()
        data = answer.read()
        server.close()
        return answer.status, answer.getheaders(), data

    def answer(self, status: int, headers: list[tuple[str, str]], data: bytes) -> None:
        self.send_response_only(status)
        size = str(len(data))
        for name, value in headers:
            if name.lower() == "content-length" and self.command == "HEAD":
                size = value
            elif name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", size)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def faulty_s3(s3: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyS3]:
    """An empty store on the real server, through a proxy."""
    proxy = Proxy(("127.0.0.1", 0), Exchange)
    proxy.upstream = urlsplit(s3.env["AWS_ENDPOINT_URL"]).netloc
    for name, value in s3.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{proxy.server_address[1]}")
    proxy.faulty = FaultyS3(open_store(f"{s3.url}/{uuid.uuid4().hex}"))
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    try:
        yield proxy.faulty
    finally:
        proxy.shutdown()
        proxy.server_close()
