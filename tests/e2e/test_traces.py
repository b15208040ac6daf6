"""What a collector gets of an episode, over OTLP."""

import gzip
import os
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from saltwell.contracts.trace import trace_id
from saltwell.local import children

SAMPLE = Path(__file__).resolve().parents[2] / "samples" / "sort_parts.mcap"
DEADLINE_S = 150


class Collector:
    """Takes traces as a collector does; answers the first call with `503`."""

    def __init__(self) -> None:
        taken: Queue[ExportTraceServiceRequest] = Queue()
        answers = iter([503])

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = next(answers, 200)
                if answer == 200:
                    text = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
                    taken.put(ExportTraceServiceRequest.FromString(text))
                self.send_response(answer)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.taken = taken
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def wait_for(self, trace: str) -> list[Span]:
        """Spans of a trace; the episodes of other tests stand in the log too."""
        while True:
            request = self.taken.get(timeout=DEADLINE_S)
            spans = [span for of in request.resource_spans for scope in of.scope_spans for span in scope.spans]
            if spans[0].trace_id.hex() == trace:
                return spans


@pytest.fixture
def collector() -> Iterator[Collector]:
    running = Collector()
    yield running
    running.server.shutdown()


def test_an_episode_is_one_trace_at_the_collector_even_when_that_is_ill_at_first(pipeline, collector, tmp_path):
    sink = children.start(
        [sys.executable, "-m", "saltwell.cli.main", "sink", "traces", "--bootstrap", pipeline.bootstrap],
        log=tmp_path / "log",
        env={**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url},
    )
    try:
        [episode] = pipeline.replay(SAMPLE, robot="traced-1", speed="max", episode="traced-take")
        pipeline.finished([episode])
        found = collector.wait_for(trace_id("traced-1", "traced-take"))
    finally:
        children.stop(sink, grace_s=10)

    root, *below = found
    assert [span.name for span in below] == ["take", "verdict", "store"]
    assert {span.parent_span_id for span in below} == {root.span_id}
    assert all(root.start_time_unix_nano <= s.start_time_unix_nano <= s.end_time_unix_nano for s in below)


def test_a_sink_without_a_collector_says_what_to_set(run):
    done = run("sink", "traces", "--bootstrap", "127.0.0.1:1", OTEL_EXPORTER_OTLP_ENDPOINT="")
    assert done.returncode == 1
    assert done.stderr.strip().endswith("set OTEL_EXPORTER_OTLP_ENDPOINT, for example to http://localhost:4318")
