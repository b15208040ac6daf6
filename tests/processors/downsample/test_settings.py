"""A file of settings is right as a whole, or refused in one line that says what to do."""

import math
from pathlib import Path

import pytest

from processors.downsample.processor import topics_of
from processors.downsample.settings import Settings, StreamSettings, load_settings
from processors.downsample.voxels import Crop
from saltwell.errors import StopError

BASE = StreamSettings(voxel_m=0.04, farthest=9)


def load(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "clouds.toml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, base=BASE)


def test_without_a_file_every_stream_has_the_options() -> None:
    assert load_settings(None, base=BASE).of("/any") == BASE


def test_a_stream_has_what_the_default_has_unless_it_says_otherwise(tmp_path: Path) -> None:
    settings = load(tmp_path, '[default]\nnear_m = 1\n[streams."/torso"]\nvoxel_m = 0.02\nbox_max_m = [1, 2, inf]')
    assert settings.of("/other") == StreamSettings(voxel_m=0.04, farthest=9, near_m=1.0)
    torso = settings.of("/torso")
    assert (torso.voxel_m, torso.farthest) == (0.02, 9)
    assert torso.crop == Crop(box_max_m=(1.0, 2.0, math.inf), near_m=1.0)


def test_a_depth_stream_wants_three_points_a_voxel_unless_it_says_otherwise(tmp_path: Path) -> None:
    settings = load(tmp_path, '[streams."/a"]\ncamera_info = "/i"\n[streams."/b"]\ncamera_info = "/i"\nmin_points = 1')
    assert (settings.of("/a").min_points, settings.of("/b").min_points, settings.of("/c").min_points) == (3, 1, 1)


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        ("", {"frames.cloud", "timeline"}),
        ('[streams."/d"]\ncamera_info = "/i"', {"frames.cloud", "timeline", "frames.depth", "frames.other"}),
        ('[streams."/p"]\ndeskew_pose = "/h"', {"frames.cloud", "timeline", "frames.pose"}),
    ],
)
def test_only_topics_that_a_stream_needs_are_read(tmp_path: Path, text: str, topics: set[str]) -> None:
    assert set(topics_of(load(tmp_path, text))) == topics


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("voxel_m = 0.05", "voxel_m is not known; known are default, streams"),
        ("[default]\nvoxl_m = 0.05", "default.voxl_m is not known; did you mean voxel_m?"),
        ("[default]\nvoxel_m = 0", "voxel_m is 0.0; give the edge"),
        ("[default]\nvoxel_m = 2.1", "voxel_m is 2.1; give the edge of a voxel, 0.001 to 2.048 m"),
        ("[default]\nvoxel_m = nan", "voxel_m is nan; give a number"),
        ("[default]\nvoxel_m = '5 cm'", "voxel_m is '5 cm'; give a number"),
        ("[default]\nfarthest = 1.5", "farthest is 1.5; give a whole number"),
        ("[default]\nfarthest = true", "farthest is True; give a whole number"),
        ("[default]\nfarthest = -1", "farthest is -1; give the number of points"),
        ("[default]\nmin_points = 0", "min_points is 0; give 1 or more"),
        ("[default]\nnear_m = 5\nfar_m = 5", "near_m is 5.0; give 0 or more, and less than far_m"),
        ("[default]\nbox_min_m = [0, 0]", "box_min_m is [0, 0]; give a list of 3 numbers"),
        ("[default]\nbox_min_m = [0, 1, 0]\nbox_max_m = [1, 0, 1]", "give nothing above box_max_m"),
        ("[default]\nstep_m = 0", "step_m is 0.0; give"),
        ("[default]\noutlier_sigmas = 0", "outlier_sigmas is 0.0; give"),
        ("[default]\noutlier_neighbours = 1001", "outlier_neighbours is 1001; give 1 to 1000"),
        ("[default]\ncamera_info = '/i'", "name them for a stream"),
        ("default = 3", "default is 3; make it a section"),
        ("streams = 3", "streams is 3; write sections"),
        ("[streams]\n'/a' = 3", 'streams."/a" is 3; make it a section'),
        ('[streams."/a"]\ncamera_info = "/i"\ndeskew_pose = "/p"', "a depth image is taken at one moment"),
        ('[streams."/a"]\nsensor_in_body = [0, 0, 0, 0, 0, 0, 2]', "no unit quaternion"),
        ("[default", "no settings of clouds can be read"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_that_says_what_to_do(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(StopError) as refused:
        load(tmp_path, text)
    assert said in str(refused.value)
    assert str(refused.value).startswith(str(tmp_path / "clouds.toml"))
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name in ("missing", "binary", "."):
        with pytest.raises(StopError, match="no settings of clouds"):
            load_settings(tmp_path / name, base=BASE)


def test_options_that_no_cloud_can_be_made_with_are_refused() -> None:
    with pytest.raises(StopError, match="the options: voxel_m is -1; give the edge"):
        load_settings(None, base=StreamSettings(voxel_m=-1))
