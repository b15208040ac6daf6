"""One process of the pipeline: signals, health, metrics, and the loop."""

import logging
import os
import signal
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from saltwell.bus.clients import partition_count
from saltwell.bus.health import Health
from saltwell.bus.processor import Processor
from saltwell.bus.runner import run
from saltwell.contracts.codec import Codec
from saltwell.contracts.registry import schema_ids
from saltwell.errors import StopError
from saltwell.metrics import begin_at_zero


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


def work(
    make: Callable[[], Processor],
    *,
    bootstrap: str,
    metrics_port: int,
    instance: str | None = None,
    ready_file: Path | None = None,
) -> None:
    """Run a processor until SIGTERM or SIGINT, then commit and leave."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    processor = make()  # first: what it misses on this machine no broker mends
    partition_count(bootstrap, processor.topics)  # says in one line when there is no broker, or no topics
    begin_at_zero(processor.name, processor.topics)
    health = Health()
    port = serve_metrics(metrics_port, health)
    logging.getLogger(__name__).info("%s: metrics on port %d", processor.name, port)

    def ready() -> None:
        if ready_file is not None and not ready_file.exists():
            ready_file.write_text(f"{os.getpid()} {port}\n", encoding="utf-8")

    codec = Codec(schema_ids())
    health.end_when_stuck(processor.name)
    run(
        processor,
        codec,
        bootstrap=bootstrap,
        instance=instance or socket.gethostname(),
        stopping=stop.is_set,
        on_ready=ready,
        on_tick=health.tick,
    )
