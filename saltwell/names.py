"""What the names of streams and joints tell: which streams are commands, which joints belong together. Pure."""

import re
from collections.abc import Sequence

_COMMANDS = ("action", "command", "cmd", "target", "goal", "desired", "setpoint")
_SIDES = ("left", "right")
_PARTS = {
    "hand": ("hand", "finger", "thumb", "index", "middle", "ring", "pinky", "little", "gripper", "grip", "jaw"),
    "leg": ("hip", "knee", "ankle", "leg", "foot", "thigh", "calf"),
    "head": ("head", "neck"),
    "torso": ("waist", "torso", "trunk", "spine", "lift"),
    "base": ("wheel", "base"),
}
_ELSE = "arm"


def is_command(stream: str) -> bool:
    """Whether a stream says what the robot was told to do, by a word in its name."""
    return any(word in _COMMANDS for word in _words(stream))


def groups(joints: Sequence[str]) -> dict[str, list[str]]:
    """Joints by the part of the body that their names speak of: "right hand", "left arm", "head" ..

    The word decides that stands first in the table of parts; a joint without one counts as of an arm.
    """
    found: dict[str, list[str]] = {}
    for joint in joints:
        found.setdefault(_group(joint), []).append(joint)
    return found


def _group(joint: str) -> str:
    words = _words(joint)
    side = next((s for s in _SIDES if s in words or s[0] in words), "")
    part = next((part for part, of_part in _PARTS.items() if any(w in of_part for w in words)), _ELSE)
    return f"{side} {part}".strip()


def _words(name: str) -> list[str]:
    """Words of names_like_this, LikeThis or like/this, in small letters; digits part words too."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z]+", " ", name).lower().split()
