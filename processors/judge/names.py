"""Names of streams as an operator says them: /left_wrist/color is the left wrist camera. Pure."""

import re

_NOUNS = {
    "color": "camera",
    "depth": "depth camera",
    "cloud": "lidar",
    "joints": "joints",
    "pose": "tracker",
    "imu": "inertial sensor",
}
_SAID_BY_THE_NOUN = frozenset(
    {
        *("color", "colour", "rgb", "image", "raw", "compressed", "camera", "cam", "depth", "points", "cloud"),
        *("lidar", "scan", "velodyne", "pose", "joint", "joints", "states", "state", "imu", "data", "tracker"),
    }
)
_SIDES = ("left", "right")


def spoken(stream: str, kind: str) -> str:
    """The stream in words; its own name where the kind says nothing. The side comes first, as people say it."""
    if kind not in _NOUNS or not stream:
        return stream
    words = [word for word in re.split(r"[^0-9A-Za-z]+", stream) if word]
    left = [word for word in words if word.lower() not in _SAID_BY_THE_NOUN]
    left.sort(key=lambda word: word.lower() not in _SIDES)
    return " ".join([*left, _NOUNS[kind]])
