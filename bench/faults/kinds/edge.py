"""What happens at the edge: the same records again, and clocks that step."""

# ruff: noqa: D102 - what act, heal and settle do is said by the fault and by its base class

from bench.faults.fault import Fault
from bench.faults.rig import Rig


class SendAgain(Fault):
    """After an episode is finished, all of it is sent again under its names."""

    kind = "edge sends again"
    victims = frozenset({"robot"})

    def settle(self, rig: Rig) -> list[str]:
        rig.robots[0].send_again()
        return []


class SendBeside(Fault):
    """While an episode is sent, a second producer sends the same, faster: two stories of one episode, interleaved."""

    kind = "edge sends twice at once"
    victims = frozenset({"robot"})

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
