from saltwell.bus.processor import Output
from saltwell.bus.transactions import TransactionalWriter
from saltwell.contracts.codec import Codec
from saltwell.contracts.timeline import EpisodeDiscarded
from saltwell.metrics import RECORDS_WRITTEN


def test_what_was_taken_back_was_not_written() -> None:
    writer = TransactionalWriter(Codec(), part="of-a-test", bootstrap="127.0.0.1:1", transactional_id="of-a-test")
    writer.write(Output("timeline", EpisodeDiscarded("zigong", "g1-04", "take", 0, 1, "")), partition=0, event_ms=1)
    assert writer.has_written

    writer.abort()

    assert not writer.has_written
    assert written("of-a-test", "timeline") == 0


def written(part: str, topic: str) -> float:
    samples = (sample for metric in RECORDS_WRITTEN.collect() for sample in metric.samples)
    return sum(s.value for s in samples if s.labels == {"part": part, "topic": topic} and s.name.endswith("_total"))
