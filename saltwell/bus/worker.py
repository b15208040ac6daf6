"""One process of the pipeline: signals, health, metrics, and the loop."""

import logging
import os
import signal
import socket
import threading
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Protocol, TypeVar

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from saltwell.bus.clients import partition_count
from saltwell.bus.health import Health
from saltwell.bus.processor import Processor
from saltwell.bus.runner import run
from saltwell.contracts.codec import Codec
from saltwell.contracts.registry import schema_ids
from saltwell.errors import StopError
from saltwell.metrics import begin_at_zero

P = TypeVar("P", bound="Part")


def serve_metrics(port: int, health: Health | None) -> int:
    """Serve /metrics and, of a loop, /healthz in the background; gives the port (a free one for 0)."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if health is not None and self.path.startswith("/healthz"):
                self._answer(200 if health.ok() else 503, b"ok\n" if health.ok() else b"stuck\n", "text/plain")
            else:
                self._answer(200, generate_latest(), CONTENT_TYPE_LATEST)

        def _answer(self, status: int, body: bytes, content_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    try:
        server = ThreadingHTTPServer(("", port), Handler)
    except OSError as error:
        raise StopError(f"metrics port {port} is taken; pass another --metrics-port or 0") from error
    threading.Thread(target=server.serve_forever, daemon=True, name="metrics").start()
    return server.server_address[1]


class Part(Protocol):
    """What a process does, by name, and the topics it reads."""

    @property
    def name(self) -> str:
        """Name of the part."""

    @property
    def topics(self) -> tuple[str, ...]:
        """Topics it reads."""


class Loop(Protocol):
    """Goes round until `stopping()`, and says so."""

    def __call__(
        self, codec: Codec, *, stopping: Callable[[], bool], on_ready: Callable[[], None], on_tick: Callable[[], None]
    ) -> None:
        """Go round with this codec. Raises StopError."""


def work(
    make: Callable[[], Processor],
    *,
    bootstrap: str,
    metrics_port: int,
    instance: str | None = None,
    ready_file: Path | None = None,
) -> None:
    """Run a processor until SIGTERM or SIGINT, then commit and leave."""

    def loop_of(processor: Processor) -> Loop:
        return partial(run, processor, bootstrap=bootstrap, instance=instance or socket.gethostname())

    work_on(make, loop_of, bootstrap=bootstrap, metrics_port=metrics_port, ready_file=ready_file)


def work_on(
    make: Callable[[], P],
    loop_of: Callable[[P], Loop],
    *,
    bootstrap: str,
    metrics_port: int,
    ready_file: Path | None = None,
) -> None:
    """Run a part in its own loop until SIGTERM or SIGINT, with signals, health and metrics around it."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    part = make()  # first: what it misses on this machine no broker mends
    partition_count(bootstrap, part.topics)  # says in one line when there is no broker, or no topics
    begin_at_zero(part.name, part.topics)
    health = Health()
    port = serve_metrics(metrics_port, health)
    logging.getLogger(__name__).info("%s: metrics on port %d", part.name, port)

    def ready() -> None:
        if ready_file is not None and not ready_file.exists():
            ready_file.write_text(f"{os.getpid()} {port}\n", encoding="utf-8")

    codec = Codec(schema_ids())
    health.end_when_stuck(part.name)
    loop_of(part)(codec, stopping=stop.is_set, on_ready=ready, on_tick=health.tick)
