from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.content.scores import score_blocks
from processors.judge.content.check import ContentCheck
from saltwell.contracts.columns import i64, pack_f32, pack_i64
from saltwell.contracts.results import MotionTrace, ScoreBlock

MS = 1_000_000
T0 = 1_767_225_600_000 * MS
JOINTS, CAMERA = "/joint_states", "/head/color"


def block(stream, kind, times_s, values, labels, *, late_ms=0.0):
    times_ns = T0 + np.round((np.asarray(times_s) + late_ms / 1000) * 1e9).astype(np.int64)
    trace = MotionTrace(labels, pack_i64(times_ns), pack_f32(values))
    return ScoreBlock("site", "robot", "episode", stream, kind, b"", b"", (), (), 0, (trace,))


def station(smooth, *, camera_late_ms=0.0):
    """A camera and six joints, in blocks of a second."""
    joints_s, camera_s = np.arange(0, 10, 0.01), np.arange(0, 9.9, 1 / 30)
    mixture = np.random.default_rng(9).normal(size=(6, 8)) * 10
    where = smooth(camera_s, 6, seed=1) @ mixture
    flow = np.diff(where, axis=0, prepend=where[:1])
    positions = smooth(joints_s, 6, seed=1)
    names = [f"joint_{i}" for i in range(6)]
    blocks = []
    for second in range(10):
        now, seen = (joints_s // 1 == second), (camera_s // 1 == second)
        blocks.append(block(JOINTS, "joints", joints_s[now], positions[now], names))
        labels = [f"flow_{i}" for i in range(8)]
        blocks.append(block(CAMERA, "color", camera_s[seen], flow[seen], labels, late_ms=camera_late_ms))
    return blocks


def offsets(blocks, clock_offsets_ns=None):
    check = ContentCheck()
    for each in blocks:
        check.add(each)
    return check.offsets(clock_offsets_ns or {})


def test_a_camera_that_is_late_by_its_stamps_is_named_with_the_joints(smooth):
    (found,) = offsets(station(smooth, camera_late_ms=40))

    assert (found.check, found.stream, found.against, found.grade) == ("camera_joints", CAMERA, JOINTS, "good")
    assert found.offset_ns / MS == pytest.approx(40, abs=4)
    assert found.disagreement_ns == found.offset_ns
    assert 0 < found.error_ns <= 10 * MS


def test_what_the_translation_of_clocks_put_right_is_no_disagreement(smooth):
    hour_ms = 3_600_000

    (found,) = offsets(station(smooth, camera_late_ms=hour_ms), {CAMERA: -hour_ms * MS})

    assert found.offset_ns / MS == pytest.approx(hour_ms, abs=4)
    assert found.disagreement_ns / MS == pytest.approx(0, abs=4)


def test_the_answer_does_not_depend_on_how_streams_interleave(smooth):
    blocks = station(smooth)
    apart = sorted(blocks, key=lambda each: each.stream)

    assert offsets(blocks) == offsets(apart)


def test_streams_that_do_not_overlap_say_so(smooth):
    (found,) = offsets(station(smooth, camera_late_ms=60_000))

    assert (found.grade, found.offset_ns, found.confidence) == ("not_measurable", 0, 0.0)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([("/a", "joints"), ("/action", "joints"), ("/c", "color"), ("/p", "pose"), ("/q", "pose")]),
            st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=30),
            st.sampled_from([0.0, 1.0, 1e30, float("nan"), float("inf")]),
            st.integers(0, 2**32 - 1),
        ),
        max_size=12,
    )
)
def test_whatever_the_traces_say_there_is_an_answer(given_traces):
    blocks = []
    for (stream, kind), times_ns, scale, seed in given_traces:
        values = np.random.default_rng(seed).normal(size=(len(times_ns), 7)) * scale
        trace = MotionTrace("abcdefg", pack_i64(times_ns), pack_f32(np.clip(values, -3e38, 3e38)))
        blocks.append(ScoreBlock("s", "r", "e", stream, kind, b"", b"", (), (), 0, (trace,)))

    for found in offsets(blocks):
        assert np.isfinite([found.confidence, found.error_ns, found.offset_ns]).all()


def test_the_headset_on_the_tool_is_found_within_5_ms(recordings):
    (found,) = offsets(score_blocks(recordings / "quest2_ur5e_traj1.mcap"))

    assert (found.check, found.stream, found.against) == ("one_body", "/headset/pose", "/tcp/pose")
    assert found.grade == "good"
    assert found.offset_ns / MS == pytest.approx(-258, abs=5)


@pytest.mark.parametrize(("name", "hand_ms"), [("g1_pick_bottle_29", 421), ("g1_pick_bottle_30", 344)])
def test_commands_lead_the_state_of_a_real_robot(recordings, name, hand_ms):
    found = {each.part: each for each in offsets(score_blocks(recordings / f"{name}.mcap"))}

    assert found["right arm"].offset_ns / MS == pytest.approx(163, abs=10)
    assert found["right hand"].offset_ns / MS == pytest.approx(hand_ms, abs=10)
    for part in ("right arm", "right hand"):
        assert found[part].confidence > 0.9
        assert not any(stands_still in found for stands_still in ("left arm", "left hand"))


def test_a_camera_of_another_place_is_never_good(recordings):
    """The cameras, the arm and the headset of this recording come from different rigs."""
    found = offsets(score_blocks(recordings / "station_composite_6s.mcap"))

    assert {each.check for each in found} == {"camera_joints"}
    assert not [each for each in found if each.grade == "good"]


def test_stamps_that_are_moved_move_the_estimate_as_far(recordings):
    blocks = score_blocks(recordings / "g1_pick_bottle_30.mcap")
    (before, after) = (
        next(each for each in offsets(moved(blocks, ms)) if each.check == "camera_joints") for ms in (0, 40)
    )

    assert (after.offset_ns - before.offset_ns) / MS == pytest.approx(40, abs=10)


def moved(blocks, ms):
    return [replace(b, motion=[later(t, ms) for t in b.motion]) if b.kind == "color" else b for b in blocks]


def later(trace, ms):
    return replace(trace, captured_ns=pack_i64(i64(trace.captured_ns) + ms * MS))
