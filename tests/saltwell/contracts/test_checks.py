"""What no producer can mean is no record, for everybody who reads it."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.fuzz.records import every_record
from saltwell.contracts.bounds import MAX_ITEMS, MAX_NAME_BYTES
from saltwell.contracts.codec import Codec, UndecodableRecord
from saltwell.contracts.columns import f64, i64, pack_i64
from saltwell.contracts.frames import ImuBlock, JointBlock, PoseBlock
from saltwell.contracts.identity import OfEpisode
from saltwell.contracts.results import MetricColumn
from saltwell.contracts.timeline import SeqRange

CODEC = Codec()
GOOD = every_record()
BLOCKS = ["JointBlock", "PoseBlock", "ImuBlock"]
FRAMES = ["ImageFrame", "CloudFrame", "MessageFrame", "SampledCloud"]


def taken(record: Any) -> Any:
    """The record as a reader gets it."""
    return CODEC.decode(CODEC.encode(record))


def assert_refused(record: Any, why: str) -> None:
    with pytest.raises(UndecodableRecord, match=why):
        taken(record)


@pytest.mark.parametrize("name", GOOD)
def test_what_producers_and_processors_write_is_taken(name: str) -> None:
    assert type(taken(GOOD[name])) is type(GOOD[name])


@pytest.mark.parametrize("name", [name for name, record in GOOD.items() if isinstance(record, OfEpisode)])
@pytest.mark.parametrize("bad", ["", "x" * (MAX_NAME_BYTES + 1), "做" * 30], ids=["none", "long", "long-when-quoted"])
def test_names_that_can_not_become_files_are_refused_at_the_door(name: str, bad: str) -> None:
    assert_refused(replace(GOOD[name], robot=bad), "can't be the name of a robot")
    assert_refused(replace(GOOD[name], episode=bad), "can't be the name of a episode")


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize("seq", [-1, 2**32, 2**62])
def test_a_frame_has_a_number_that_the_archive_can_hold(name: str, seq: int) -> None:
    assert_refused(replace(GOOD[name], seq=seq), "seq is")


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize("time_ns", [-(2**63), 2**63 - 1])
def test_times_leave_room_for_sums(name: str, time_ns: int) -> None:
    assert_refused(replace(GOOD[name], captured_ns=time_ns), "captured_ns is")


@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.parametrize("column", ["seq", "captured_ns", "arrived_ns"])
@pytest.mark.parametrize("change", [lambda c: c[:-8], lambda c: c[:-1], lambda c: c + c, lambda _: b""])
def test_columns_of_a_block_are_of_one_length(name: str, column: str, change: Any) -> None:
    block = GOOD[name]
    assert_refused(replace(block, **{column: change(getattr(block, column))}), "bytes")


@pytest.mark.parametrize(
    ("name", "column"),
    [
        *(("JointBlock", column) for column in ("position_rad", "velocity_rad_s", "torque_nm")),
        *(("PoseBlock", column) for column in ("position_m", "orientation_xyzw")),
        *(("ImuBlock", c) for c in ("orientation_xyzw", "angular_velocity_rad_s", "acceleration_m_s2", "covariances")),
    ],
)
@pytest.mark.parametrize("extra", [1, 8])
def test_a_value_too_many_is_refused(name: str, column: str, extra: int) -> None:
    block = GOOD[name]
    assert_refused(replace(block, **{column: getattr(block, column) + bytes(extra)}), column)


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_has_samples(name: str) -> None:
    columns = {field: b"" for field in GOOD[name].__dataclass_fields__ if isinstance(getattr(GOOD[name], field), bytes)}
    assert_refused(replace(GOOD[name], **columns), "no samples")


@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.parametrize("seq", [-1, 2**32])
def test_numbers_in_columns_are_bounded_as_those_of_frames_are(name: str, seq: int) -> None:
    n = len(GOOD[name].seq) // 8
    assert_refused(replace(GOOD[name], seq=pack_i64([seq] * n)), "seq has numbers")
    assert_refused(replace(GOOD[name], captured_ns=pack_i64([2**62] * n)), "captured_ns has numbers")


def test_joints_without_number_are_refused() -> None:
    assert_refused(replace(GOOD["JointBlock"], names=["j"] * (MAX_ITEMS + 1)), "names")


def test_scores_fit_their_frames() -> None:
    block = GOOD["ScoreBlock"]
    assert_refused(replace(block, metrics=[MetricColumn("sharpness", bytes(8))]), "sharpness has 8 bytes for 6 frames")
    assert_refused(replace(block, captured_ns=block.captured_ns[8:]), "columns")
    assert_refused(replace(block, unreadable=[replace(block.unreadable[0], seq=-1)]), "seq is -1")


def test_an_episode_declares_a_stream_once_and_none_of_saltwells_own() -> None:
    started = GOOD["EpisodeStarted"]
    by_kind = {stream.kind: stream for stream in started.streams}
    assert_refused(replace(started, streams=[*started.streams, started.streams[0]]), "declared twice")
    for name in ("/saltwell/alignment", f"{by_kind['cloud'].name}/sampled"):
        odd = [*started.streams, replace(by_kind["other"], name=name)]
        assert_refused(replace(started, streams=odd), "as Saltwell calls its own")
    harmless = [*started.streams, replace(by_kind["other"], name=f"{by_kind['imu'].name}/sampled")]
    assert taken(replace(started, streams=harmless))


@pytest.mark.parametrize(
    ("missing", "why"),
    [
        ([SeqRange(0, 2**60, "source")], "said to be lost of"),
        ([SeqRange(-1, 1, "source")], "said to be lost of"),
        ([SeqRange(3, 0, "source")], "said to be lost of"),
        ([SeqRange(7, 2, "source")], "said to be lost of"),
        ([SeqRange(4, 2, "source"), SeqRange(2, 3, "malformed")], "frame 4 is said to be lost twice"),
    ],
)
def test_lost_frames_lie_in_their_stream_and_are_lost_once(missing: list[SeqRange], why: str) -> None:
    assert_refused(replace(GOOD["StreamEnded"], missing=missing), why)


@pytest.mark.parametrize("last", [-2, 2**32, 2**62])
def test_a_stream_ends_at_a_number_that_a_frame_can_have(last: int) -> None:
    assert_refused(replace(GOOD["StreamEnded"], last_seq=last, missing=[]), "last_seq is")


def test_steps_have_a_match_of_each_stream() -> None:
    block = GOOD["AlignmentBlock"]
    first, *rest = block.streams
    for odd in (
        replace(first, seq=first.seq[8:]),
        replace(first, skew_ns=first.skew_ns + bytes(8)),
        replace(first, kind=bytes([4] * 6)),
        replace(first, kind=b""),
        replace(first, seq=pack_i64([-2] * 6)),
    ):
        assert_refused(replace(block, streams=[odd, *rest]), "columns of|matches|kinds of match|numbers from")
    assert_refused(replace(block, first_step=2**32 - 3), "first_step is")
    assert taken(replace(block, streams=[replace(first, kind=bytes([3] * 6), seq=pack_i64([-1] * 6)), *rest]))


@pytest.mark.parametrize(
    ("name", "changes", "why"),
    [
        ("Review", {"decision": "perhaps"}, "no decision 'perhaps'"),
        ("EpisodeFinished", {"decision": "done"}, "no decision"),
        ("ScoreBlock", {"kind": "smell"}, "no kind of stream 'smell'"),
        ("StreamEnded", {"kind": ""}, "no kind of stream"),
        ("AlignmentEnded", {"ending": "exploded"}, "can't end as 'exploded'"),
    ],
)
def test_words_are_those_there_are(name: str, changes: dict[str, str], why: str) -> None:
    assert_refused(replace(GOOD[name], **changes), why)


def test_clocks_are_finite() -> None:
    indexed = GOOD["FramesIndexed"]
    for odd in ({"clock_rate_ppm": float("nan")}, {"clock_rate_ppm": float("inf")}, {"clock_offset_ns": 2**62}):
        assert_refused(replace(indexed, streams=[replace(indexed.streams[0], **odd)]), "clock_")


@given(name=st.sampled_from(BLOCKS), data=st.data())
def test_whatever_block_is_taken_has_columns_that_can_be_read(name: str, data: st.DataObject) -> None:
    block = GOOD[name]
    fields = [field for field in block.__dataclass_fields__ if isinstance(getattr(block, field), bytes)]
    changes = {
        field: data.draw(st.binary(max_size=64) | st.just(getattr(block, field)))
        for field in data.draw(st.sets(st.sampled_from(fields)))
    }
    try:
        record = taken(replace(block, **changes))
    except UndecodableRecord:
        return
    n = len(i64(record.seq))
    assert n == len(i64(record.captured_ns)) == len(i64(record.arrived_ns)) > 0
    match record:
        case JointBlock():
            assert f64(record.position_rad).reshape(n, -1).shape[0] == n
        case PoseBlock():
            assert f64(record.position_m, 3).shape == (n, 3)
        case ImuBlock():
            assert f64(record.covariances, 27).shape == (n, 27)
