"""A real S3 server that misbehaves at chosen requests."""

import http.client
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest

from sinks.store import Store, open_store

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
        server = http.client.HTTPConnection(self.server.upstream, timeout=30)
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
