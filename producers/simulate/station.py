"""What stands in the room: the model, what moves it, and the instruments that watch."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import mujoco

from producers.simulate.body import Commands, JointSensors
from producers.simulate.cameras import ColorCamera, DepthCamera, View
from producers.simulate.explore import Exploration
from producers.simulate.headset import Headset, TaskNote
from producers.simulate.instrument import Channel, Instrument
from producers.simulate.lidar import Lidar
from producers.simulate.renderer import Renderer
from producers.simulate.robot import Robot, driven_joints
from producers.simulate.script import Script, Workspace
from producers.simulate.teleoperation import Teleoperation, names_needed, workspace_of
from producers.simulate.textures import paint
from saltwell.errors import StopError

OUR_MODEL = Path(__file__).with_name("model.xml")
MAX_MODEL_BYTES = 64 * 1024 * 1024
MAX_CAMERAS = 8
MAX_NAMED = 3


class Station(NamedTuple):
    """A robot with its instruments, ready to be stepped."""

    robot: Robot
    instruments: Sequence[Instrument]
    task: str
    workspace: Workspace | None
    script: Script | None
    """None on a model that the script doesn't fit."""

    @property
    def channels(self) -> list[Channel]:
        """The channels of all instruments."""
        return [channel for instrument in self.instruments for channel in instrument.channels]


def load_model(path: Path) -> Any:
    """Compile an MJCF or URDF file; raise StopError, in one line, when it can't be used."""
    try:
        if path.stat().st_size > MAX_MODEL_BYTES:
            raise StopError(f"{path} is larger than {MAX_MODEL_BYTES >> 20} MiB, so it can't be a model description")
        model = mujoco.MjModel.from_xml_path(str(path))
    except (OSError, ValueError) as error:
        raise StopError(f"{path} can't be read as a MuJoCo model: {' '.join(str(error).split())}") from error
    paint(model)
    return model


def missing_for_script(model: Any) -> list[str]:
    """Return what the pick-and-place script needs and the model lacks, such as "joint neck_yaw"."""
    kinds = {
        "joint": mujoco.mjtObj.mjOBJ_JOINT,
        "actuator": mujoco.mjtObj.mjOBJ_ACTUATOR,
        "site": mujoco.mjtObj.mjOBJ_SITE,
        "camera": mujoco.mjtObj.mjOBJ_CAMERA,
        "geom": mujoco.mjtObj.mjOBJ_GEOM,
        "body": mujoco.mjtObj.mjOBJ_BODY,
    }
    return [
        f"{kind} {name}"
        for kind, names in names_needed().items()
        for name in names
        if mujoco.mj_name2id(model, kinds[kind], name) < 0
    ]


def sorting_station(
    model: Any, renderer: Renderer, *, seed: int, seconds: float, start_ns: int, task: str | None
) -> Station:
    """Put the scripted operator and all instruments to a model that fits the script."""
    workspace = workspace_of(model)
    script = Script(seed=seed, seconds=seconds, workspace=workspace)
    words = task or f"put the {_and([pick.part.name.replace('_', ' ') for pick in script.picks])} into the bin"
    head, left, right = (model.camera(name).id for name in ("head", "wrist_left", "wrist_right"))
    instruments: list[Instrument] = [
        TaskNote(words),
        JointSensors(seed=seed),
        Commands(),
        Headset(script, seed=seed),
        ColorCamera(View(head, "head_camera", "/head", 640, 480, 30, 0.0083), renderer, seed=seed, with_info=True),
        DepthCamera(View(head, "head_camera", "/head", 320, 240, 15, 0.0152), renderer, seed=seed),
        ColorCamera(
            View(left, "wrist_left_camera", "/wrist_left", 320, 240, 30, 0.0221), renderer, seed=seed, with_info=False
        ),
        ColorCamera(
            View(right, "wrist_right_camera", "/wrist_right", 320, 240, 30, 0.0017),
            renderer,
            seed=seed,
            with_info=False,
        ),
        Lidar(model, site="torso_lidar", seed=seed),
    ]
    robot = Robot(model, Teleoperation(model, script), start_ns=start_ns)
    return Station(robot, instruments, words, workspace, script)


def exploring_station(model: Any, renderer: Renderer, *, seed: int, start_ns: int, task: str | None) -> Station:
    """Let any other model swing its actuators, and record its cameras and driven joints."""
    words = task or "explore the joints"
    instruments: list[Instrument] = [TaskNote(words)]
    if driven_joints(model):
        instruments += [JointSensors(seed=seed), Commands()]
    for camera, name in enumerate(camera_names(model)[:MAX_CAMERAS]):
        view = View(camera, f"{name}_camera", f"/{name}", 320, 240, 30, 0.004 * (camera + 1))
        instruments.append(ColorCamera(view, renderer, seed=seed, with_info=False))
    robot = Robot(model, Exploration(model, seed=seed), start_ns=start_ns)
    return Station(robot, instruments, words, None, None)


def camera_names(model: Any) -> list[str]:
    """Return a different name for each camera of a model that may stand in a topic."""
    names: list[str] = []
    for camera in range(model.ncam):
        name = re.sub(r"\W", "_", model.camera(camera).name, flags=re.ASCII)
        name = name if name and not name[0].isdigit() else f"camera_{name}"
        names.append(name if name not in names and name != "camera_" else f"{name.rstrip('_')}_{camera}")
    return names


def describe_missing(model: Any) -> str | None:
    """Return why the script can't run on a model, or None when it can; raise StopError for a model without a use."""
    missing = missing_for_script(model)
    if not missing:
        return None
    joints, cameras = len(driven_joints(model)), min(model.ncam, MAX_CAMERAS)
    if not joints and not cameras:
        raise StopError("this model has neither cameras nor joints with actuators: there is nothing to record")
    more = f" and {len(missing) - MAX_NAMED} more" if len(missing) > MAX_NAMED else ""
    return (
        f"the pick script doesn't fit this model (no {', '.join(missing[:MAX_NAMED])}{more}): "
        f"its actuators explore their ranges; recording {joints} joints and {cameras} of {model.ncam} cameras"
    )


def _and(words: list[str]) -> str:
    return " and the ".join(words)
