import json
import math
from pathlib import Path

import pytest
from mcap.reader import make_reader

from saltwell.contracts.columns import pack_f64, pack_i64
from saltwell.contracts.results import AlignmentBlock, MetricColumn, ScoreBlock, StreamMatch
from saltwell.errors import SkipRecordError
from sinks.episodes.annotations import (
    Step,
    StepMatch,
    add_annotations,
    alignment_annotations,
    declare_annotations,
    score_annotations,
)
from sinks.episodes.archive import EpisodeArchive

T_NS = 1_767_225_600_123_456_789


def block(*matches: StreamMatch, steps: int = 2) -> AlignmentBlock:
    return AlignmentBlock("s", "r", "e", 40, pack_i64([T_NS + n for n in range(steps)]), matches)


def matches(kind: bytes, seq: list[int], seq_next: list[int]) -> StreamMatch:
    return StreamMatch(
        "/joints", kind, pack_i64(seq), pack_i64(seq_next), pack_i64([5, 0]), pack_i64([0, 10]), pack_i64([0, 4])
    )


def scores(metrics: list[MetricColumn]) -> ScoreBlock:
    return ScoreBlock("s", "r", "e", "/head", "color", pack_i64([3, 5]), pack_i64([100, 200]), metrics, (), 0)


def test_each_step_is_a_message_that_tells_its_frames() -> None:
    first, second = alignment_annotations(block(matches(b"\x02\x01", [7, 8], [-1, 9])))

    assert Step.parse(first.data) == Step(40, T_NS, (StepMatch("/joints", "held", 7, -1, 5, 0, 0),))
    assert Step.parse(second.data) == Step(41, T_NS + 1, (StepMatch("/joints", "interpolated", 8, 9, 0, 10, 4),))
    assert (second.log_time_ns, second.publish_time_ns, second.sequence) == (T_NS + 1, T_NS + 1, 41)


@pytest.mark.parametrize("absent", [{7}, {9}])
def test_no_step_refers_to_a_frame_that_is_not_in_the_archive(absent: set[int]) -> None:
    annotations = alignment_annotations(
        block(matches(b"\x02\x01", [7, 8], [-1, 9])), present={"/joints": {7, 8, 9} - absent, "/other": set()}
    )

    kinds = [Step.parse(one.data).streams[0].kind for one in annotations]
    assert kinds == (["missing", "interpolated"] if 7 in absent else ["held", "missing"])
    referred = {
        seq for one in annotations for match in Step.parse(one.data).streams for seq in (match.seq, match.seq_next)
    }
    assert not referred & absent


@pytest.mark.parametrize(
    "bad",
    [
        matches(b"\x00", [1, 2], [-1, -1]),
        matches(b"\x00\x04", [1, 2], [-1, -1]),
        matches(b"\x00\x00", [1], [-1, -1]),
        StreamMatch("/joints", b"\x00\x00", b"\x01" * 9, *[pack_i64([1, 2])] * 4),
    ],
    ids=["short kind", "unknown kind", "short column", "torn column"],
)
def test_alignment_that_does_not_fit_is_one_bad_record(bad: StreamMatch) -> None:
    with pytest.raises(SkipRecordError, match="alignment from step 40"):
        alignment_annotations(block(bad))


def test_a_score_stands_where_the_frame_was_taken_in_site_time() -> None:
    metrics = [MetricColumn("sharpness", pack_f64([0.5, 0.25])), MetricColumn("blocks", pack_f64([math.nan, 2.0]))]

    first, second = score_annotations(scores(metrics), clock_offset_ns=1_000)

    assert (first.log_time_ns, first.publish_time_ns, first.sequence) == (1_100, 100, 3)
    assert json.loads(first.data)["metrics"] == [{"name": "sharpness", "value": 0.5}]  # what was not measured is absent
    assert json.loads(second.data)["metrics"][1] == {"name": "blocks", "value": 2.0}


def test_scores_that_do_not_fit_are_one_bad_record() -> None:
    with pytest.raises(SkipRecordError, match="scores of /head"):
        score_annotations(scores([MetricColumn("sharpness", pack_f64([0.5]))]), clock_offset_ns=0)


def test_annotations_are_json_channels_with_a_schema(tmp_path: Path) -> None:
    archive = EpisodeArchive(tmp_path)
    declare_annotations(archive)
    add_annotations(archive, alignment_annotations(block(matches(b"\x00\x00", [1, 2], [-1, -1]))))
    with (tmp_path / "e.mcap").open("wb") as file:
        archive.finish(file, {})

    with (tmp_path / "e.mcap").open("rb") as file:
        reader = make_reader(file)
        (schema, channel, message), *_ = reader.iter_messages(topics="/saltwell/alignment")
        summary = reader.get_summary()

    assert schema is not None
    assert (schema.encoding, channel.message_encoding) == ("jsonschema", "json")
    assert json.loads(schema.data)["properties"].keys() == json.loads(message.data).keys()
    assert summary is not None
    assert {c.topic for c in summary.channels.values()} == {
        "/saltwell/alignment",
        "/saltwell/scores",
        "/saltwell/verdict",
        "/saltwell/ledger",
    }
