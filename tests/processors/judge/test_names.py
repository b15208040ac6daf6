"""Streams in an operator's words."""

import pytest

from processors.judge.names import spoken


@pytest.mark.parametrize(
    ("stream", "kind", "words"),
    [
        ("/left_wrist/color", "color", "left wrist camera"),
        ("/wrist_left/color", "color", "left wrist camera"),
        ("/camera/color/image_raw/compressed", "color", "camera"),
        ("/head/depth", "depth", "head depth camera"),
        ("/torso/points", "cloud", "torso lidar"),
        ("/joint_states", "joints", "joints"),
        ("/vr/right", "pose", "right vr tracker"),
        ("/diagnostics", "other", "/diagnostics"),
        ("", "episode", ""),
    ],
)
def test_a_stream_is_named_by_where_it_is_and_what_it_is(stream: str, kind: str, words: str) -> None:
    assert spoken(stream, kind) == words
