from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.synchronize.episode import DEADLINE_NS, EpisodeSteps, choose_anchor
from processors.synchronize.matching import HELD, INTERPOLATED, MISSING, match
from processors.synchronize.track import Track
from producers.numbering import FrameNumbers
from producers.replay.recording import open_recording
from producers.replay.samples import to_sample
from saltwell.contracts.columns import i64, pack_i64
from saltwell.contracts.timeline import EpisodeStarted, FramesIndexed, StreamDeclared, StreamIndex

MS = 1_000_000


def declared(name: str, kind="color", rate_hz: float = 30.0, how: str = "nearest") -> StreamDeclared:
    return StreamDeclared(name, kind, rate_hz, how, "", "cdr", "ros2msg", "", {})


def track_of(times_ns, how: str = "linear") -> Track:
    track = Track("/joints", "joints", how, 100.0)
    times = list(times_ns)
    track.add(*(i64(pack_i64(v)) for v in (range(len(times)), times, times)), clock_offset_ns=0)
    return track


def test_the_fastest_camera_is_the_anchor_and_the_name_decides_between_equals() -> None:
    streams = [declared("/b"), declared("/a"), declared("/slow", rate_hz=15.0), declared("/joints", "joints", 100.0)]
    assert choose_anchor(streams) == "/a"
    assert not choose_anchor(streams[3:])


def test_nothing_is_interpolated_across_more_than_three_periods() -> None:
    steady = [i * 10 * MS for i in range(20)]
    inside = track_of([*steady, steady[-1] + 30 * MS])
    across = track_of([*steady, steady[-1] + 31 * MS])
    assert match(inside, steady[-1] + 15 * MS).kind == INTERPOLATED
    assert match(across, steady[-1] + 15 * MS).kind == MISSING
    assert match(across, steady[-1] + 5 * MS).kind == HELD


def started() -> EpisodeStarted:
    streams = [declared("/color"), declared("/joints", "joints", 100.0, "linear")]
    return EpisodeStarted("site", "r", "e", 0, 0, "", "", streams, {})


def beat(through_ns: int, **frames: list[tuple[int, int, int]]) -> FramesIndexed:
    index = [StreamIndex(f"/{n}", *(pack_i64(c) for c in zip(*f, strict=True)), 0) for n, f in frames.items() if f]
    return FramesIndexed("site", "r", "e", 1, through_ns, index)


def test_a_step_goes_out_at_its_deadline_when_a_stream_is_silent() -> None:
    steps = EpisodeSteps(started())
    assert not [*steps.index(beat(30 * MS, color=[(0, 0, 30 * MS)]))]
    assert not [*steps.index(beat(30 * MS + DEADLINE_NS - 1))]
    (block,) = steps.index(beat(30 * MS + DEADLINE_NS))
    assert i64(block.t_ref_ns).tolist() == [0]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 100), min_size=70, max_size=70))
def test_any_arrival_within_the_deadline_gives_the_same_steps(delays) -> None:
    assert steps_of(delays) == steps_of([0] * 70)


def steps_of(delays_ms):
    frames = [("color", i, i * 33 * MS) for i in range(16)] + [("joints", i, i * 10 * MS) for i in range(54)]
    arrivals = sorted((t + d * MS, n, s, t) for (n, s, t), d in zip(frames, delays_ms, strict=True))
    steps, found = EpisodeSteps(started()), {}
    for now in range(0, 800 * MS, 50 * MS):
        new = [a for a in arrivals if now - 50 * MS < a[0] <= now]
        by = {n: [(s, t, a) for a, m, s, t in new if m == n] for n in ("color", "joints")}
        for block in steps.index(beat(now, **by)):
            for k, t in enumerate(i64(block.t_ref_ns).tolist()):
                found[t] = [(m.stream, m.kind[k], i64(m.seq)[k]) for m in block.streams if m.stream == "/color"]
    return found


@pytest.mark.parametrize(("name", "steps"), [("station_composite_faults", 1), ("station_composite_6s", 0)])
def test_the_headsets_clock_step_is_found_and_nothing_else(recordings: Path, name: str, steps: int) -> None:
    recording = open_recording(recordings / f"{name}.mcap")
    read = {s.name: to_sample(s) for s in recording.streams if s.name != "/task"}
    tracks = {n: Track(n, "other", "nearest", 0.0) for n in read}
    numbers = {n: FrameNumbers() for n in read}
    for message in recording.messages():
        if (n := message.stream) in read:
            t = read[n](message).captured_ns
            seq = numbers[n].number(t, message.arrived_ns, 0)[0]
            tracks[n].add(*(i64(pack_i64([v])) for v in (seq, t, message.arrived_ns)), clock_offset_ns=0)
    recording.close()
    for n, track in tracks.items():
        assert track.clock_steps == (steps if n.startswith("/vr/") else 0), n
        if track.clock_steps:
            assert track.largest_step_ns == pytest.approx(250 * MS, abs=12 * MS)
