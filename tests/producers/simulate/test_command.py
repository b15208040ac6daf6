import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from producers.simulate import gl
from producers.simulate.command import simulate
from saltwell.errors import StopError


def _run(*arguments: str) -> None:
    CliRunner().invoke(simulate, list(arguments), catch_exceptions=False, standalone_mode=False)


def test_no_opengl_names_both_libraries_and_the_packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    monkeypatch.setattr(gl.ctypes.util, "find_library", lambda _: None)
    with pytest.raises(StopError, match=r"no libEGL or libOSMesa .*libegl1.*libosmesa6") as stopped:
        _run(str(tmp_path / "take.mcap"))
    assert "\n" not in str(stopped.value)


def test_a_backend_that_needs_a_screen_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MUJOCO_GL", "glfw")
    with pytest.raises(StopError, match="MUJOCO_GL=glfw"):
        _run(str(tmp_path / "take.mcap"))


def test_osmesa_is_taken_when_egl_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUJOCO_GL", "")
    monkeypatch.setattr(gl.ctypes.util, "find_library", lambda name: name if name == "OSMesa" else None)
    gl.choose_backend()
    assert gl.os.environ["MUJOCO_GL"] == "osmesa"


def test_without_mujoco_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, needs_gl: None
) -> None:
    monkeypatch.delitem(sys.modules, "producers.simulate.session", raising=False)
    monkeypatch.setitem(sys.modules, "mujoco", None)
    with pytest.raises(StopError, match=r"needs mujoco; pip install 'saltwell\[simulate\]'"):
        _run(str(tmp_path / "take.mcap"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<mujoco><worldbody><geom sizes='1'/></worldbody></mujoco>", "can't be read as a MuJoCo model"),
        ("no XML", "can't be read as a MuJoCo model"),
        ("<mujoco><worldbody><geom size='1'/></worldbody></mujoco>", "neither cameras nor joints"),
    ],
)
def test_a_model_without_a_use_is_refused_in_one_line(tmp_path: Path, needs_gl: None, text: str, said: str) -> None:
    model = tmp_path / "model.xml"
    model.write_text(text)
    with pytest.raises(StopError, match=said) as stopped:
        _run(str(tmp_path / "take.mcap"), "--model", str(model))
    assert "\n" not in str(stopped.value)
    assert [path.name for path in tmp_path.iterdir()] == ["model.xml"]


def test_physics_that_breaks_down_leaves_no_file(tmp_path: Path, arm: Path, needs_gl: None) -> None:
    arm.write_text(arm.read_text().replace('joint="elbow"', 'joint="elbow" gear="1e12"'))
    with pytest.raises(StopError, match="broke down"):
        _run(str(tmp_path / "take.mcap"), "--model", str(arm))
    assert [path.name for path in tmp_path.iterdir()] == ["arm.xml"]


def test_a_folder_that_is_not_there_is_said(tmp_path: Path, arm: Path, needs_gl: None) -> None:
    with pytest.raises(StopError, match="can't be written: No such file"):
        _run(str(tmp_path / "no" / "take.mcap"), "--model", str(arm))


def test_json_goes_to_standard_output_and_progress_to_standard_error(tmp_path: Path, arm: Path, needs_gl: None) -> None:
    out = tmp_path / "take.mcap"
    result = CliRunner().invoke(simulate, [str(out), "--model", str(arm), "--seconds", "4", "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["messages"]["/joint_states"] == 4000
    assert "simulated 4 of 4 s" in result.stderr
