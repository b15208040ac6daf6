"""A registry is told who we are, nobody else is, and no message says the password."""

import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from saltwell.contracts.registry import register_all
from saltwell.errors import StopError

SECRET = "not-to-be-said"  # noqa: S105 - of this test only


class Registry(ThreadingHTTPServer):
    """Takes everything from whoever proves who they are; elsewhere says where to go instead."""

    def __init__(self, elsewhere: str = "") -> None:
        self.heard: list[str | None] = []
        self.elsewhere = elsewhere
        super().__init__(("127.0.0.1", 0), Answers)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answers(BaseHTTPRequestHandler):
    def do_POST(self):
        registry: Registry = self.server
        registry.heard.append(self.headers["Authorization"])
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if registry.elsewhere:
            self.send_response(302)
            self.send_header("Location", registry.elsewhere)
        else:
            self.send_response(200 if self.headers["Authorization"] else 401)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_PUT = do_GET = do_POST  # noqa: N815 - the server's names

    def log_message(self, *_):
        pass


@pytest.fixture
def serve() -> Iterator:
    running = []

    def start(elsewhere: str = "") -> Registry:
        registry = Registry(elsewhere)
        threading.Thread(target=registry.serve_forever, daemon=True).start()
        running.append(registry)
        return registry

    yield start
    for registry in running:
        registry.shutdown()
        registry.server_close()


@pytest.fixture
def known(monkeypatch, tmp_path):
    (tmp_path / "password").write_text(SECRET)
    monkeypatch.setenv("SALTWELL_REGISTRY_USERNAME", "saltwell")
    monkeypatch.setenv("SALTWELL_REGISTRY_PASSWORD_FILE", str(tmp_path / "password"))


def test_a_registry_is_told_who_we_are(serve, known):
    registry = serve()
    register_all(registry.url)
    assert set(registry.heard) == {f"Basic {base64.b64encode(f'saltwell:{SECRET}'.encode()).decode()}"}


def test_a_host_that_the_registry_sends_us_to_is_told_nothing(serve, known):
    other = serve()
    registry = serve(elsewhere=other.url)
    with pytest.raises(StopError) as refused:
        register_all(registry.url)
    assert set(other.heard) == {None}
    assert SECRET not in str(refused.value)


def test_credentials_in_the_url_are_refused_and_not_quoted():
    with pytest.raises(StopError, match="SALTWELL_REGISTRY_PASSWORD_FILE") as refused:
        register_all(f"http://saltwell:{SECRET}@127.0.0.1:1")
    assert SECRET not in str(refused.value)


def test_half_an_identity_is_refused(serve, monkeypatch):
    monkeypatch.setenv("SALTWELL_REGISTRY_USERNAME", "saltwell")
    with pytest.raises(StopError, match="belong together"):
        register_all(serve().url)
