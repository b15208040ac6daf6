import json

import numpy as np

from saltwell.contracts.columns import pack_f64, pack_i64
from saltwell.contracts.frames import JointBlock
from saltwell.contracts.results import AlignmentBlock, StreamMatch
from sinks.episodes.peaks import TORQUE_PEAKS, TorquePeaks

ARM = "/joint_states"


def joints(torque_nm) -> JointBlock:
    rows = np.asarray(torque_nm, dtype=float)
    times = pack_i64(range(len(rows)))
    none = pack_f64([])
    return JointBlock("s", "r", "e", ARM, times, times, times, "", ("hip", "knee"), none, none, pack_f64(rows))


def steps(seqs, following) -> AlignmentBlock:
    n = len(seqs)
    zeros = pack_i64([0] * n)
    match = StreamMatch(ARM, b"\x01" * n, pack_i64(seqs), pack_i64(following), zeros, zeros, zeros)
    return AlignmentBlock("s", "r", "e", 0, pack_i64([1_000 * k for k in range(n)]), [match])


def found(peaks: TorquePeaks, block: AlignmentBlock):
    annotations = [*peaks.annotations([block])]
    assert {one.stream for one in annotations} <= {TORQUE_PEAKS}
    return [tuple(json.loads(one.data)["streams"][0].values()) for one in annotations]


def test_a_short_peak_between_two_steps_stands_beside_the_second_one() -> None:
    torque = np.zeros((12, 2))
    torque[5] = [3.0, -70.0]
    torque[9, 0] = 8.0
    peaks = TorquePeaks()
    peaks.add(joints(torque))
    (_, second, third) = found(peaks, steps([2, 6, 10], [3, 7, 11]))
    assert sorted(map(str, second)) == sorted(map(str, (ARM, "knee", -70.0, 5)))
    assert 8.0 in third


def test_each_sample_belongs_to_one_step_and_a_missing_step_takes_none() -> None:
    peaks = TorquePeaks()
    peaks.add(joints([[float(n), 0.0] for n in range(12)]))
    assert [row for row in found(peaks, steps([2, -1, 10], [3, -1, 11])) if 11.0 in row]
    assert len(found(peaks, steps([2, -1, 10], [3, -1, 11]))) == 2


def test_torques_that_are_no_numbers_are_no_peaks() -> None:
    peaks = TorquePeaks()
    peaks.add(joints([[np.nan, np.inf], [1.0, np.nan]]))
    (only,) = found(peaks, steps([1], [-1]))
    assert 1.0 in only


def test_without_torques_there_is_nothing_to_say() -> None:
    peaks = TorquePeaks()
    peaks.add(joints(np.zeros((3, 0))))
    assert not [*peaks.annotations([steps([1], [2])])]
