"""What the recordings' labels say was lost is found, and nothing else."""

from collections import Counter
from pathlib import Path

import pytest

from producers.publisher import EpisodePublisher
from producers.replay.recording import open_recording
from producers.replay.samples import declare, to_sample
from saltwell.contracts.timeline import FramesIndexed, StreamEnded

CLEAN = [
    "g1_pick_bottle_29",
    "g1_pick_bottle_30",
    "kuka_torque",
    "lidar_luminar",
    "lidar_ouster_os0",
    "lidar_ouster_os1",
    "lidar_unaligned_cdr",
    "lidar_vlp16",
    "quest2_ur5e_traj1",
    "station_composite_6s",
    "tilt_laser",
    "tum_rgbd_6s",
]


class _Tally:
    """Keeps how streams ended, and how many distinct frames the timeline tells of."""

    def __init__(self) -> None:
        self.ended: dict[str, StreamEnded] = {}
        self.indexed: Counter[str] = Counter()

    def send(self, topic, record, *, on_lost=None) -> int:
        if isinstance(record, StreamEnded):
            self.ended[record.stream] = record
        if isinstance(record, FramesIndexed):
            for s in record.streams:
                self.indexed[s.stream] += len(s.seq) // 8
        return 0

    def flush(self) -> None:
        pass


def played(path: Path) -> tuple[_Tally, Counter[str]]:
    """What the publisher says of a recording, and the messages it has."""
    recording, tally, messages = open_recording(path), _Tally(), Counter()
    publisher = EpisodePublisher(tally, site="site", robot="robot", episode="take")
    readers = {stream.name: to_sample(stream) for stream in recording.streams}
    last_ns = 0
    for message in recording.messages():
        if not last_ns:
            publisher.start([declare(s) for s in recording.streams], started_ns=message.arrived_ns, task="", source={})
        last_ns = message.arrived_ns
        messages[message.stream] += 1
        publisher.publish(readers[message.stream](message))
    publisher.stop(stopped_ns=last_ns)
    recording.close()
    return tally, messages


@pytest.mark.parametrize("name", CLEAN)
def test_no_frame_of_a_clean_recording_counts_as_lost(name, recordings):
    tally, _ = played(recordings / f"{name}.mcap")

    assert {stream: ended.missing for stream, ended in tally.ended.items() if ended.missing} == {}


def test_the_labelled_losses_and_copies_are_found_and_no_others(recordings):
    tally, messages = played(recordings / "station_composite_faults.mcap")

    lost = {s: sum(r.count for r in e.missing) for s, e in tally.ended.items() if e.missing}
    copies = {s: n - tally.indexed[s] for s, n in messages.items() if n != tally.indexed[s]}
    assert lost == {"/head/color": 12}
    assert copies == {"/head/color": 2, "/joint_states": 5}
