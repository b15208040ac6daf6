"""What happens at the edge: the same records again, clocks that step, a disk that is full."""

# ruff: noqa: D102 - what act, heal and settle do is said by the fault and by its base class

from random import Random

from bench.faults.fault import Fault
from bench.faults.rig import ROBOTS, Rig


class SendAgain(Fault):
    """After an episode is finished, all of it is sent again under its names."""

    kind = "edge sends again"
    victims = frozenset({"without spool"})

    def settle(self, rig: Rig) -> list[str]:
        rig.robots[0].send_again()
        return []


class SendBeside(Fault):
    """While an episode is sent, a second producer sends the same, faster: two stories of one episode, interleaved."""

    kind = "edge sends twice at once"
    victims = frozenset({"without spool"})

    def act(self, rig: Rig) -> None:
        rig.robots[0].send_again()


class ClockForward(Fault):
    """A sensor's clock steps forward in mid-episode."""

    kind = "clock step"
    victims = frozenset({"clock"})
    targets = ("forward",)
    recording = "forward"


class ClockBack(Fault):
    """A sensor's clock steps back in mid-episode."""

    kind = "clock step"
    victims = frozenset({"clock"})
    targets = ("back",)
    recording = "back"


class DiskFull(Fault):
    """The spool has room for a part of the episode: the robot says so and ends it, and what it took arrives."""

    kind = "disk full at the edge"
    victims = frozenset({"with spool"})
    lists = ("spool",)
    spool_cap_gb = 0.001

    def __init__(self, rng: Random, target: str) -> None:
        super().__init__(rng, target)
        self.cuts = True

    def settle(self, rig: Rig) -> list[str]:
        said = "the spool is full" in rig.robots[ROBOTS["with spool"]].log.read_text(encoding="utf-8")
        return [] if said else ["the robot with the full disk did not say so"]
