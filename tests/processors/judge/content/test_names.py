import pytest

from saltwell.names import groups, is_command


@pytest.mark.parametrize("stream", ["/action", "/left/joint_commands/cmd", "/arm_controller/command", "/goalPose"])
def test_commands_are_told_by_a_word(stream):
    assert is_command(stream)


@pytest.mark.parametrize("stream", ["/joint_states", "/head/color", "/transaction", "/commander/state"])
def test_other_streams_are_no_commands(stream):
    assert not is_command(stream)


@pytest.mark.parametrize(
    ("joint", "group"),
    [
        ("kRightHandThumbBend", "right hand"),
        ("kRightElbow", "right arm"),
        ("left_wrist_yaw_joint", "left arm"),
        ("left_gripper", "left hand"),
        ("L_knee", "left leg"),
        ("neck_yaw", "head"),
        ("waist_roll_joint", "torso"),
        ("lwr_arm_3_joint", "arm"),
        ("0", "arm"),
    ],
)
def test_joints_are_grouped_by_side_and_part(joint, group):
    assert groups([joint]) == {group: [joint]}
