"""Names that do not depend on Kafka: (site, robot, episode, stream, seq)."""

from dataclasses import dataclass
from typing import Literal

StreamKind = Literal["color", "depth", "cloud", "joints", "pose", "imu", "other"]
Decision = Literal["accept", "review", "reject"]


@dataclass(frozen=True, slots=True)
class OfEpisode:
    """What every record of an episode begins with."""

    site: str
    robot: str
    episode: str
