"""Spans to a collector over OTLP/HTTP, as the environment's OTEL_EXPORTER_OTLP_* variables say."""

import logging
import os
from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import SpanContext, TraceFlags

from saltwell.errors import StopError
from saltwell.metrics import TRACES
from sinks.traces.spans import Span

log = logging.getLogger(__name__)

_WHERE = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_RESOURCE = Resource.create({"service.name": "saltwell"})
_NS = 1_000_000  # in a millisecond


class Otlp:
    """Raises StopError when the environment names no collector."""

    def __init__(self) -> None:
        if not any(os.environ.get(name) for name in _WHERE):
            raise StopError(f"no collector: set {_WHERE[1]}, for example to http://localhost:4318")
        self._exporter = OTLPSpanExporter()

    def __call__(self, spans: Sequence[Span]) -> None:
        """Export; what the collector does not take, after some tries, is counted and forgotten."""
        result = self._exporter.export([_readable(span) for span in spans])
        outcome = "exported" if result is SpanExportResult.SUCCESS else "lost"
        TRACES.labels(outcome).inc()
        if outcome == "lost":
            log.warning("the collector did not take a trace", extra={"episode": spans[0].about["saltwell.episode"]})


def _readable(span: Span) -> ReadableSpan:
    return ReadableSpan(
        name=span.name,
        context=_context(span.trace, span.id),
        parent=_context(span.trace, span.parent) if span.parent else None,
        resource=_RESOURCE,
        attributes=dict(span.about),
        start_time=span.begin_ms * _NS,
        end_time=span.end_ms * _NS,
    )


def _context(trace: str, span: str) -> SpanContext:
    return SpanContext(int(trace, 16), int(span, 16), is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
