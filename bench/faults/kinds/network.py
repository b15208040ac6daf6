"""Wires to the broker and to the schema registry that break, stall or drag; a store that answers badly."""

# ruff: noqa: D102 - what act, heal and settle do is said by the fault and by its base class

from typing import get_args

from bench.faults.fault import Fault
from bench.faults.rig import Rig
from bench.faults.s3_proxy import Spoil
from saltwell.local.stack import WORKERS

_SAID = "no schema registry answers"


class CutBroker(Fault):
    """Every connection to a broker breaks, and new ones are refused."""

    kind = "broker unreachable"
    victims = frozenset({"broker"})

    def act(self, rig: Rig) -> None:
        self._wire = self.rng.choice(rig.wires)
        self._wire.cut()

    def heal(self, rig: Rig) -> None:
        del rig
        self._wire.heal()


class StallBroker(CutBroker):
    """Connections stand, and nothing comes through."""

    kind = "broker stalled"
    for_s = (1.0, 12.0)

    def act(self, rig: Rig) -> None:
        self._wire = self.rng.choice(rig.wires)
        self._wire.stall()


class SlowBroker(CutBroker):
    """Everything comes through late, and little at a time."""

    kind = "broker slow"

    def act(self, rig: Rig) -> None:
        self._wire = self.rng.choice(rig.wires)
        self._wire.slow(delay_s=self.rng.uniform(0.02, 0.2), bytes_per_s=self.rng.uniform(3e5, 3e6))


class RegistryDown(Fault):
    """The registry is away: who runs does not notice; who starts says so, ends, and is started again."""

    kind = "registry down"
    victims = frozenset({*WORKERS, "log"})
    targets = ("judge", "score")
    for_s = (3.0, 5.0)

    def act(self, rig: Rig) -> None:
        if rig.registry is None:
            raise ValueError("this fault needs a pipeline with a registry")
        self._exits = len(rig.fleet.exits)
        rig.registry.cut()
        rig.fleet.kill(rig.fleet.member(self.target))

    def heal(self, rig: Rig) -> None:
        """Not before it said so: a start takes some seconds here."""
        rig.fleet.wait_exit(self.target, _SAID, since=self._exits)
        if rig.registry is not None:
            rig.registry.heal()

    def settle(self, rig: Rig) -> list[str]:
        """Nobody else may have noticed."""
        exits = [e for e in rig.fleet.exits[self._exits :] if _SAID in e.word]
        self.detail["refused_starts"] = len(exits)
        return [f"{e.worker} noticed that the registry was down: {e.word}" for e in exits if e.worker != self.target]


class SpoilStore(Fault):
    """The next requests to the store are refused, late, or carried out without an answer."""

    kind = "store answers badly"
    victims = frozenset({"store"})
    targets = get_args(Spoil)
    at_s = (0.0, 1.0)

    def act(self, rig: Rig) -> None:
        self._before = rig.s3_proxy.spoiled
        rig.s3_proxy.spoil(self.target, self.rng.randint(1, 4))  # type: ignore[arg-type] # one of `targets`

    def settle(self, rig: Rig) -> list[str]:
        rig.s3_proxy.heal()
        self.detail["spoiled"] = rig.s3_proxy.spoiled - self._before
        return [] if self.detail["spoiled"] else [f"no request met the fault {self.kind} {self.target}"]
