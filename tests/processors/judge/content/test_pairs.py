import numpy as np
import pytest

from processors.judge.content.motion import Motion
from processors.judge.content.pairs import camera_and_joints, command_and_state, poses_of_one_body

JOINTS_S = np.arange(0, 10, 0.008)
CAMERA_S = np.arange(0.013, 9.9, 1 / 30)


def motion(times_s, values, labels=None):
    return Motion(tuple(labels or (f"joint_{i}" for i in range(values.shape[1]))), np.asarray(times_s), values)


def seen(smooth, *, late_s, times_s=CAMERA_S, noise=0.0, seed=1):
    """Flow as a fixed mixture of six joints, by stamps that are late."""
    rng = np.random.default_rng(9)
    where = smooth(times_s - late_s, 6, seed=seed) @ rng.normal(size=(6, 8)) * 10
    return motion(times_s, np.diff(where, axis=0, prepend=where[:1]) + rng.normal(0, noise, where.shape))


@pytest.mark.parametrize("late_ms", [0, 15, 40, 100, -60])
def test_a_camera_that_is_stamped_late_is_found(smooth, late_ms):
    finding = camera_and_joints(motion(JOINTS_S, smooth(JOINTS_S, 6, seed=1)), seen(smooth, late_s=late_ms / 1000))

    assert finding.grade == "good"
    assert finding.lag_s * 1000 == pytest.approx(late_ms, abs=4)


def test_a_camera_that_loses_frames_is_found_as_well(smooth):
    keep = np.random.default_rng(2).random(len(CAMERA_S)) > 0.2
    finding = camera_and_joints(
        motion(JOINTS_S, smooth(JOINTS_S, 6, seed=1)), seen(smooth, late_s=0.04, times_s=CAMERA_S[keep])
    )

    assert finding.grade == "good"
    assert finding.lag_s == pytest.approx(0.04, abs=0.004)


def test_a_camera_that_sees_something_else_is_never_good(smooth):
    joints = motion(JOINTS_S, smooth(JOINTS_S, 6, seed=1))
    for seed in range(2, 8):
        finding = camera_and_joints(joints, seen(smooth, late_s=0, noise=1.0, seed=seed))
        assert finding.grade != "good"
        assert finding.why


def test_a_robot_that_stands_still_tells_nothing(smooth):
    finding = camera_and_joints(motion(JOINTS_S, np.zeros((len(JOINTS_S), 6))), seen(smooth, late_s=0))

    assert (finding.grade, finding.why) == ("not_measurable", "no joint moves")


def test_a_moment_is_too_short(smooth):
    joints = motion(JOINTS_S[:200], smooth(JOINTS_S[:200], 6, seed=1))

    assert camera_and_joints(joints, seen(smooth, late_s=0)).grade == "not_measurable"


def test_a_few_seconds_are_never_enough_to_be_sure(smooth):
    brief_s = JOINTS_S[JOINTS_S < 6.5]
    finding = camera_and_joints(motion(brief_s, smooth(brief_s, 6, seed=1)), seen(smooth, late_s=0))

    assert (finding.grade, finding.why) == ("weak", "too short to be sure")


def rotation(vector):
    """Quaternions x y z w of rotation vectors (n, 3)."""
    angle = np.linalg.norm(vector, axis=1, keepdims=True)
    return np.hstack([vector * np.sinc(angle / 2 / np.pi) / 2, np.cos(angle / 2)])


def product(a, b):
    ax, ay, az, aw = a.T
    bx, by, bz, bw = b.T
    x = aw * bx + ax * bw + ay * bz - az * by
    y = aw * by - ax * bz + ay * bw + az * bx
    z = aw * bz + ax * by - ay * bx + az * bw
    return np.stack([x, y, z, aw * bw - ax * bx - ay * by - az * bz], axis=1)


def poses(smooth, times_s, *, late_s, seed=3, mounted=(0, 0, 0, 1), noise=0.0):
    """A body that turns and travels, tracked by something mounted on it in another attitude."""
    moves = smooth(times_s - late_s, 6, seed=seed)
    attitude = product(rotation(moves[:, :3]), np.broadcast_to(np.array(mounted, float), (len(times_s), 4)))
    shaken = rotation(np.random.default_rng(1).normal(0, noise, (len(times_s), 3)))
    return motion(times_s, np.hstack([moves[:, 3:], product(attitude, shaken)]))


HEADSET_S, TOOL_S = np.arange(0, 20, 1 / 72), np.arange(0.01, 20, 1 / 30)


@pytest.mark.parametrize("late_s", [-0.258, 0.0, 0.031, 0.7])
def test_two_poses_of_one_body_give_the_offset_of_their_clocks(smooth, late_s):
    tool = poses(smooth, TOOL_S, late_s=0, mounted=(0.5, 0.5, -0.5, 0.5))
    headset = poses(smooth, HEADSET_S, late_s=late_s, noise=0.001)

    finding = poses_of_one_body(tool, headset)

    assert finding.grade == "good"
    assert finding.lag_s == pytest.approx(late_s, abs=0.003)


def test_a_body_that_travels_without_turning_is_told_by_its_speed(smooth):
    upright = np.tile([0.0, 0, 0, 1], (len(TOOL_S), 1))
    first, second = (motion(TOOL_S, np.hstack([smooth(TOOL_S - late_s, 3, seed=3), upright])) for late_s in (0, 0.12))

    assert poses_of_one_body(first, second).lag_s == pytest.approx(0.12, abs=0.003)


def test_two_bodies_are_not_taken_for_one(smooth):
    tool = poses(smooth, TOOL_S, late_s=0, seed=3)

    assert poses_of_one_body(tool, poses(smooth, HEADSET_S, late_s=0, seed=4)) is None
    assert poses_of_one_body(tool, motion(HEADSET_S, np.tile([0.0, 0, 0, 0, 0, 0, 1], (len(HEADSET_S), 1)))) is None


def test_what_turns_in_the_same_way_but_half_as_far_is_another_body(smooth):
    full = smooth(TOOL_S, 3, seed=3)
    first, second = (motion(TOOL_S, np.hstack([np.zeros_like(full), rotation(full * share)])) for share in (1.0, 0.5))

    assert poses_of_one_body(first, second) is None


def test_latency_is_told_by_joint_and_by_the_median_joint_of_a_part(smooth):
    names = ["left_elbow", "left_wrist", "left_shoulder", "left_gripper", "neck"]
    latency_s = [0.12, 0.16, 0.2, 0.4, 0.0]
    asked = smooth(JOINTS_S, 5, seed=6) * [1, 1, 1, 1, 0]
    done = np.hstack([smooth(JOINTS_S - late, 5, seed=6)[:, [i]] for i, late in enumerate(latency_s)])
    done[:, 4] = 0
    times_s = np.arange(0, 10, 0.01)
    found = {
        finding.part: finding
        for finding in command_and_state(
            motion(times_s, smooth(times_s, 5, seed=6) * [1, 1, 1, 1, 0], names), motion(JOINTS_S, done, names)
        )
    }

    assert asked.shape == done.shape
    assert found["left arm"].joints == 3
    assert found["left arm"].lag_s == pytest.approx(0.16, abs=0.003)
    assert found["left hand"].lag_s == pytest.approx(0.4, abs=0.003)
    assert found["left_elbow"].lag_s == pytest.approx(0.12, abs=0.003)
    assert "neck" not in found


def test_joints_are_matched_by_name_and_strangers_are_left_out(smooth):
    asked = motion(JOINTS_S, smooth(JOINTS_S, 2, seed=6), ["a", "b"])
    done = motion(JOINTS_S, smooth(JOINTS_S - 0.1, 2, seed=6)[:, ::-1], ["b", "c"])

    assert {finding.part for finding in command_and_state(asked, done)} == {"arm", "b"}
