"""A station without pictures, and one that renders where the machine can."""

# ruff: noqa: E402 - mujoco decides about OpenGL when it is imported, so what imports it comes after the choice

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

if importlib.util.find_spec("mujoco") is None:
    pytest.skip("needs pip install 'saltwell[simulate]'", allow_module_level=True)

from producers.simulate.gl import choose_backend
from saltwell.errors import StopError

NO_GL: str | None = None
try:
    choose_backend()  # before mujoco is imported for the first time
except StopError as error:
    NO_GL = str(error)

from producers.simulate.renderer import Renderer
from producers.simulate.robot import Robot
from producers.simulate.script import SIDES, Script
from producers.simulate.station import OUR_MODEL, load_model
from producers.simulate.teleoperation import Teleoperation, workspace_of

ARM = """
<mujoco model="arm">
  <option timestep="0.003"/>
  <worldbody>
    <light pos="0 0 3" castshadow="false"/>
    <geom type="plane" size="2 2 .1" rgba=".5 .6 .5 1"/>
    <camera name="front view" pos="1.5 0 1" xyaxes="0 1 0 -.5 0 1"/>
    <camera pos="0 1.5 1" xyaxes="-1 0 0 0 -.5 1"/>
    <body pos="0 0 .6">
      <joint name="shoulder" axis="0 1 0" damping="1"/>
      <geom type="capsule" fromto="0 0 0 .3 0 0" size=".04" rgba=".8 .2 .2 1"/>
      <body pos=".3 0 0">
        <joint name="elbow" axis="0 1 0" damping="1"/>
        <geom type="capsule" fromto="0 0 0 .3 0 0" size=".03" rgba=".2 .2 .8 1"/>
      </body>
    </body>
  </worldbody>
  <actuator>
    <position name="A" joint="shoulder" kp="100" kv="10" ctrlrange="-1 1"/>
    <motor name="B" joint="elbow" ctrlrange="-2 2"/>
  </actuator>
</mujoco>
"""


class Take:
    """Seconds of physics, without a picture."""

    def __init__(self, seed: int, seconds: float) -> None:
        model = load_model(OUR_MODEL)
        self.workspace = workspace_of(model)
        self.script = Script(seed=seed, seconds=seconds, workspace=self.workspace)
        self.robot = Robot(model, Teleoperation(model, self.script), start_ns=0)
        self.readings, self.commands, self.hands, self.parts = [], [], [], []
        for _ in range(round(seconds * 1000)):
            self.robot.step()
            self.readings.append(self.robot.read_joints())
            self.hands.append([self.robot.data.site(f"{side}_grip").xpos.copy() for side in SIDES])
            self.parts.append([self.robot.data.body(part.name).xpos.copy() for part in self.script.parts])
            if self.robot.commanded_now:
                self.commands.append(self.robot.command.copy())

    def part(self, name: str) -> Any:
        """(steps, 3) positions of a part."""
        return np.array(self.parts)[:, [part.name for part in self.script.parts].index(name)]


@pytest.fixture(scope="session", params=[0, 1, 2, 4])
def take(request: pytest.FixtureRequest) -> Take:
    return Take(request.param, 8)


@pytest.fixture(scope="session")
def our_model() -> Any:
    return load_model(OUR_MODEL)


@pytest.fixture
def renderer(our_model: Any) -> Iterator[Renderer]:
    if NO_GL:
        pytest.skip(NO_GL)
    with Renderer(our_model) as renderer:
        yield renderer


@pytest.fixture
def needs_gl() -> None:
    if NO_GL:
        pytest.skip(NO_GL)


@pytest.fixture
def arm(tmp_path: Path) -> Path:
    path = tmp_path / "arm.xml"
    path.write_text(ARM)
    return path
