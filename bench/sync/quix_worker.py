# mypy: disable-error-code="import-not-found"
# quixstreams is in that environment only
"""Runs in an environment of its own, which has quixstreams and not Saltwell: the anchor joined as of now with the rest.

Reads {"streams": [names], "frames": [[arrived_ms, stream, seq, captured_ms], ...]} and writes rows and costs, both
JSON. No broker: the frames go through the joins (with RocksDB behind them) in order of arrival, so only they are timed.
"""

import contextvars
import json
import resource
import sys
import tempfile
import time
from typing import Any
from unittest.mock import MagicMock

from quixstreams.context import set_message_context
from quixstreams.dataframe.dataframe import StreamingDataFrame
from quixstreams.dataframe.registry import DataFrameRegistry
from quixstreams.internal_consumer import InternalConsumer
from quixstreams.internal_producer import InternalProducer
from quixstreams.models.messagecontext import MessageContext
from quixstreams.models.topics import TopicConfig, TopicManager
from quixstreams.processing import ProcessingContext
from quixstreams.sinks import SinkManager
from quixstreams.state import StateStoreManager

_GRACE_MS = 1_000


class _NoBroker:
    """Says that every topic is there, with one partition."""

    def inspect_topics(self, names: list[str], timeout: float | None = None) -> dict[str, TopicConfig]:
        """As TopicAdmin."""
        del timeout
        return {name: TopicConfig(1, 1, {"retention.ms": "3600000", "retention.bytes": "-1"}) for name in names}


def main() -> None:
    """Join what comes on standard input."""
    asked = json.load(sys.stdin)
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(_joined(asked["streams"], asked["frames"], folder)))


def _joined(streams: list[str], frames: list[list[int]], folder: str) -> dict[str, Any]:
    topics = TopicManager(_NoBroker(), "bench")
    states = StateStoreManager(group_id="bench", state_dir=folder)
    states.init()
    context = ProcessingContext(
        producer=MagicMock(spec_set=InternalProducer),
        consumer=MagicMock(spec_set=InternalConsumer),
        commit_interval=0,
        state_manager=states,
        sink_manager=SinkManager(),
        dataframe_registry=DataFrameRegistry(),
    )
    context.init_checkpoint()
    named = [topics.topic(f"stream{i}") for i in range(len(streams))]
    registry = context.dataframe_registry
    tables = [StreamingDataFrame(t, topic_manager=topics, registry=registry, processing_context=context) for t in named]
    for table in tables:
        registry.register_root(table)
    joined = tables[0]
    for i, right in enumerate(tables[1:], start=1):
        joined = joined.join_asof(right, how="left", grace_ms=_GRACE_MS, on_merge=_merged(i), name=f"right{i}")
    for table in (*tables, joined):
        states.on_partition_assign(stream_id=table.stream_id, partition=0, committed_offsets={})
    results: list[Any] = []
    run = joined.compose(sink=lambda *result: results.append(result[0]))
    rows, spent_s, written = [], 0.0, 0
    for arrived_ms, stream, seq, captured_ms in frames:
        value = {"seq": seq, "t": captured_ms}
        began_s = time.process_time()
        _in_context(run, named[stream].name, value, captured_ms)
        spent_s += time.process_time() - began_s
        if stream == 0:
            rows.append([captured_ms, arrived_ms, [r and r["t"] for r in results[-1]["found"]]])
            written += len(json.dumps(results[-1]))
        else:
            written += len(json.dumps(value))  # into the store's changelog
    read = sum(len(json.dumps({"seq": f[2], "t": f[3]})) for f in frames)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"rows": rows, "cpu_us": spent_s / len(frames) * 1e6, "bytes_out_per_in": written / read, "peak_bytes": peak}


def _in_context(run: Any, topic: str, value: dict[str, int], timestamp_ms: int) -> None:
    inside = contextvars.copy_context()
    inside.run(set_message_context, MessageContext(topic=topic, partition=0, offset=0, size=0))
    inside.run(run[topic], value, b"robot", timestamp_ms, None)


def _merged(number: int) -> Any:
    def merge(left: dict[str, Any], right: dict[str, Any] | None) -> dict[str, Any]:
        return {"seq": left["seq"], "t": left["t"], "found": [*left.get("found", []), right][:number]}

    return merge


if __name__ == "__main__":
    main()
