import pytest

from processors.judge.content.measures import content_measures
from processors.judge.criteria import load_criteria
from saltwell.contracts.results import ContentOffset

MS = 1_000_000


def offset(check="camera_joints", ms=0.0, error_ms=5.0, grade="good", joints=0):
    ns = round(ms * MS)
    return ContentOffset(
        check,
        "/stream",
        "/other",
        "right arm",
        joints,
        ns,
        ns,
        round(error_ms * MS),
        0.8,
        grade,
        "" if grade == "good" else "why",
    )


def reasons(found):
    return [(reason.code, reason.severity) for reason in load_criteria().reasons([*content_measures([found])])]


@pytest.mark.parametrize(
    ("ms", "expected"),
    [
        (15, []),
        (-30, [("content_sync", "review")]),
        (40, [("content_sync", "review")]),
        (100, [("content_sync", "reject")]),
    ],
)
def test_a_camera_that_disagrees_with_its_stamps_is_a_reason(ms, expected):
    assert reasons(offset(ms=ms)) == expected


@pytest.mark.parametrize("grade", ["weak", "not_measurable"])
def test_an_estimate_that_is_not_good_accuses_nobody(grade):
    assert reasons(offset(ms=300, grade=grade)) == []
    assert reasons(offset("one_body", ms=300, grade=grade)) == []


def test_two_poses_of_one_body_that_disagree_are_for_a_person_to_look_at():
    assert reasons(offset("one_body", ms=-258)) == [("body_sync", "review")]


@pytest.mark.parametrize("ms", [0, 163, 421, 690])
def test_a_state_that_follows_its_command_is_no_fault(ms):
    assert reasons(offset("command_state", ms=ms, joints=7)) == []


def test_a_state_far_behind_or_before_its_command_is_a_reason_when_the_bound_leaves_no_doubt():
    assert reasons(offset("command_state", ms=900, joints=7)) == [("late_state", "review")]
    assert reasons(offset("command_state", ms=900, error_ms=250, grade="weak", joints=7)) == []
    assert reasons(offset("command_state", ms=-60, joints=7)) == [("early_state", "review")]
    assert reasons(offset("command_state", ms=-60, error_ms=80, grade="weak", joints=7)) == []


def test_single_joints_are_told_and_not_judged():
    assert reasons(offset("command_state", ms=900, joints=1)) == []
