import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.synchronize.episode import EpisodeSteps, choose_anchor
from processors.synchronize.matching import HELD, INTERPOLATED, MISSING, match
from processors.synchronize.policy import DEADLINE_NS, REORDER_NS, Policies, Policy
from processors.synchronize.track import Frame, Track
from saltwell.contracts.codec import Codec
from saltwell.contracts.columns import i64, pack_i64
from saltwell.contracts.results import AlignmentBlock, AlignmentEnded
from saltwell.contracts.timeline import EpisodeStarted, FramesIndexed, StreamDeclared, StreamIndex
from saltwell.errors import SkipRecordError

MS = 1_000_000
STREAMS = {  # kind, rate in Hz, policy
    "/color": ("color", 30.0, "nearest"),
    "/chest": ("color", 15.0, "nearest"),
    "/points": ("cloud", 10.0, "nearest"),
    "/joints": ("joints", 100.0, "linear"),
    "/head": ("pose", 72.0, "slerp"),
    "/action": ("joints", 25.0, "hold"),
}


def declared(name: str, kind="color", rate_hz: float = 30.0, how: str = "nearest") -> StreamDeclared:
    return StreamDeclared(name, kind, rate_hz, how, "", "cdr", "ros2msg", "", {})


def track_of(times_ns, how: str = "linear", **policy) -> Track:
    track = Track("/joints", "joints", Policy(match=how, **policy), 100.0)
    for seq, time_ns in enumerate(times_ns):
        track.add((time_ns, "/joints", seq, time_ns, time_ns), emitted_ns=-1)
    return track


def started(names=("/color", "/joints"), started_ns: int = 0) -> EpisodeStarted:
    streams = [declared(name, *STREAMS[name]) for name in names]
    return EpisodeStarted("site", "r", "e", 0, started_ns, "", "", streams, {})


def beat(through_ns: int, frames: list[Frame]) -> FramesIndexed:
    index = []
    for name in sorted({stream for _, stream, *_ in frames}):
        rows = [(seq, captured, arrived) for arrived, stream, seq, _, captured in frames if stream == name]
        index.append(StreamIndex(name, *(pack_i64(c) for c in zip(*rows, strict=True)), 0))
    return FramesIndexed("site", "r", "e", 1, through_ns, index)


def frame(stream: str, seq: int, time_ns: int, delay_ns: int = 0) -> Frame:
    return (time_ns + delay_ns, stream, seq, time_ns, time_ns)


def steps_of(names, frames, *, policies=None, cuts_ns=range(0, 2_000 * MS, 100 * MS)):
    """Every step's matches by its time, and the report; the arrivals cut into events at the given times."""
    steps, found = EpisodeSteps(started(names), policies), []
    for since, until in itertools.pairwise(cuts_ns):
        found += steps.index(beat(until, [f for f in frames if since <= f[0] < until]))
    found += steps.end(stopped_ns=cuts_ns[-1], ending="stopped")
    matches = {}
    for block in found:
        if isinstance(block, AlignmentBlock):
            for k, t in enumerate(i64(block.t_ref_ns).tolist()):
                rows = [(m.kind[k], *(int(i64(c)[k]) for c in (m.seq, m.seq_next, m.skew_ns))) for m in block.streams]
                matches[t] = dict(zip([m.stream for m in block.streams], rows, strict=True))
    assert isinstance(found[-1], AlignmentEnded)
    return matches, found[-1]


def recording(lost, delays_ms) -> list[Frame]:
    """A second of all streams, each a little off its period, some frames lost, all as late as they are told."""
    delay, frames = itertools.cycle(delays_ms), []
    for name, (_, rate_hz, _) in STREAMS.items():
        for seq in range(int(rate_hz)):
            wobble_ns = int(0.02 * np.sin(seq * 7.0) * 1e9 / rate_hz)
            if (seq * 13 + len(name)) % 97 not in lost:
                frames.append(frame(name, seq, int(seq * 1e9 / rate_hz) + wobble_ns + 1, next(delay) * MS))
    return frames


PATIENT = Policies(deadline_ns=400 * MS)
"""Two lost clouds in a row leave a gap of 300 ms: what lies behind it is within the deadline too."""

LOST = st.sets(st.integers(0, 96), max_size=12)
DELAYS = st.lists(st.integers(0, REORDER_NS // MS), min_size=1, max_size=60)


@settings(max_examples=15, deadline=None)
@given(lost=LOST, delays=DELAYS)
def test_any_arrival_within_the_bounds_gives_the_same_steps(lost, delays) -> None:
    late, prompt = recording(lost, delays), recording(lost, [0])
    assert steps_of(STREAMS, late, policies=PATIENT)[0] == steps_of(STREAMS, prompt, policies=PATIENT)[0]


@settings(max_examples=15, deadline=None)
@given(lost=LOST, delays=st.lists(st.integers(0, 400), min_size=1, max_size=60), cuts=st.lists(st.integers(1, 199)))
def test_how_arrivals_are_cut_into_events_changes_nothing(lost, delays, cuts) -> None:
    frames = recording(lost, delays)
    cuts_ns = [0, *(10 * MS * cut for cut in sorted(set(cuts))), 2_000 * MS]
    assert steps_of(STREAMS, frames, cuts_ns=cuts_ns) == steps_of(STREAMS, frames, cuts_ns=[0, 2_000 * MS])


@settings(max_examples=10, deadline=None)
@given(lost=LOST, delays=DELAYS)
def test_a_fixed_rate_gives_the_same_steps_for_any_arrival_too(lost, delays) -> None:
    fixed = Policies(anchor="", rate_hz=50.0, deadline_ns=PATIENT.deadline_ns)
    late, prompt = recording(lost, delays), recording(lost, [0])
    assert steps_of(STREAMS, late, policies=fixed)[0] == steps_of(STREAMS, prompt, policies=fixed)[0]


def test_the_fastest_camera_is_the_anchor_and_the_name_decides_between_equals() -> None:
    streams = [declared("/b"), declared("/a"), declared("/slow", rate_hz=15.0), declared("/joints", "joints", 100.0)]
    assert choose_anchor(streams) == "/a"
    assert not choose_anchor(streams[3:])


def test_nothing_is_interpolated_across_more_than_three_periods() -> None:
    steady = [i * 10 * MS for i in range(20)]
    inside = track_of([*steady, steady[-1] + 30 * MS])
    across = track_of([*steady, steady[-1] + 31 * MS])
    found = match(inside, steady[-1] + 15 * MS)
    assert (found.kind, found.span_ns, found.since_ns) == (INTERPOLATED, 30 * MS, 15 * MS)
    assert match(across, steady[-1] + 15 * MS).kind == MISSING
    assert match(across, steady[-1] + 5 * MS).kind == HELD


def test_a_frame_beyond_the_tolerance_is_no_match() -> None:
    track = track_of([0, 10 * MS, 20 * MS], "nearest", tolerance_ns=3 * MS)
    assert match(track, 13 * MS).kind == HELD
    assert match(track, 14 * MS).kind == MISSING


def test_a_step_goes_out_at_its_deadline_when_a_stream_is_dead() -> None:
    steps = EpisodeSteps(started())
    assert not [*steps.index(beat(31 * MS, [frame("/color", 0, 0, 30 * MS)]))]
    assert not [*steps.index(beat(30 * MS + DEADLINE_NS, []))]
    (block,) = steps.index(beat(30 * MS + DEADLINE_NS + 1, []))
    assert i64(block.t_ref_ns).tolist() == [0]


def test_a_dead_stream_does_not_stop_steps_of_a_fixed_rate() -> None:
    frames = [frame("/joints", i, i * 10 * MS) for i in range(100)] + [frame("/head", 0, 0)]
    steps = EpisodeSteps(started(("/joints", "/head")))
    blocks = [*steps.index(beat(1_000 * MS, frames))]
    assert sum(i64(block.t_ref_ns).size for block in blocks) >= 25


def test_a_frame_that_comes_behind_its_step_is_counted_as_late() -> None:
    frames = [frame("/color", i, i * 33 * MS) for i in range(30)]
    frames += [frame("/joints", i, i * 10 * MS, 300 * MS if i in {40, 41} else 0) for i in range(100)]
    _, ended = steps_of(("/color", "/joints"), frames)
    joints = next(s for s in ended.streams if s.stream == "/joints")
    assert (joints.late, joints.out_of_order, joints.dropped) == (2, 2, 0)


def test_losses_are_counted_by_number_and_an_optional_stream_leaves_steps_complete() -> None:
    frames = [frame("/color", i, i * 33 * MS) for i in range(30) if i not in {7, 8}]
    optional = Policies(streams={"/joints": {"required": False}})
    _, ended = steps_of(("/color", "/joints"), frames, policies=optional)
    assert [s.dropped for s in ended.streams] == [2, 0]
    assert (ended.steps, ended.complete_steps) == (28, 28)
    _, ended = steps_of(("/color", "/joints"), frames)
    assert (ended.steps, ended.complete_steps) == (28, 0)


def test_the_time_a_step_waited_is_known_to_the_arrival() -> None:
    frames = [frame("/color", i, i * 100 * MS, 10 * MS) for i in range(10)]
    frames += [frame("/joints", i, i * 50 * MS + 1, 30 * MS) for i in range(22)]
    _, ended = steps_of(("/color", "/joints"), frames)
    assert ended.hold_p50_ns == pytest.approx(20 * MS, rel=1e-3)


def test_memory_does_not_grow_with_the_length_of_an_episode() -> None:
    steps = EpisodeSteps(started())
    for second in range(120):
        frames = [frame("/color", 30 * second + i, (1000 * second + 33 * i) * MS) for i in range(30)]
        frames += [frame("/joints", 100 * second + i, (1000 * second + 10 * i) * MS) for i in range(100)]
        for _ in steps.index(beat((1000 * second + 1000) * MS, frames)):
            pass
    assert all(len(track.times_ns) < 1_000 for track in steps._tracks.values())


@pytest.mark.parametrize(
    ("column", "value"), [("seq", b"123"), ("arrived_ns", pack_i64([1, 2])), ("seq", pack_i64([-1]))]
)
def test_an_index_that_does_not_fit_is_refused_and_nothing_of_it_is_taken(column, value) -> None:
    steps = EpisodeSteps(started())
    event = beat(100 * MS, [frame("/color", 0, 0)])
    event = replace(event, streams=[replace(event.streams[0], **{column: value})])
    with pytest.raises(SkipRecordError):
        [*steps.index(event)]
    assert not steps._tracks["/color"].seqs


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(*[st.integers(-(2**63), 2**63 - 1)] * 2), min_size=1, max_size=20), st.booleans())
def test_absurd_times_give_steps_and_no_error(times, has_camera) -> None:
    names = ("/color", "/joints") if has_camera else ("/joints",)
    frames = [(arrived, names[0], seq, captured, captured) for seq, (captured, arrived) in enumerate(times)]
    steps = EpisodeSteps(started(names))
    found = [*steps.index(beat(2**62, frames)), *steps.end(stopped_ns=0, ending="stopped")]
    assert all(Codec().encode(record) for record in found)
