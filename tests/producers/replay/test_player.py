from pathlib import Path
from typing import Any

from producers.replay.player import Part, play
from saltwell.contracts.timeline import EpisodeStarted


class Kept:
    """Keeps what is published."""

    def __init__(self) -> None:
        self.records: list[Any] = []

    def send(self, topic: str, record: Any, *, on_lost: Any = None) -> int:
        self.records.append(record)
        return 0

    def flush(self) -> None:
        pass


def test_an_episode_says_who_drove_the_robot(recordings: Path) -> None:
    kept = Kept()
    play(
        recordings / "kuka_torque.mcap",
        kept,
        [Part("kuka", "take-1")],
        site="zigong",
        task=None,
        real_time=False,
        on_message=lambda: None,
        people={"operator": "ana"},
    )
    (started,) = (record for record in kept.records if isinstance(record, EpisodeStarted))
    assert started.source["operator"] == "ana"
    assert started.source["recording"] == "kuka_torque.mcap"
