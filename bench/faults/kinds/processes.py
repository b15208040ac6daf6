"""Processes that die, and processes that stop in mid-step and go on later as if nothing had been (zombies)."""

# ruff: noqa: D102 - what act, heal and settle do is said by the fault and by its base class

import os
import signal
import time
from random import Random

from bench.faults.fault import Fault
from bench.faults.fleet import Member
from bench.faults.rig import ROBOTS, Rig
from saltwell.local.stack import WORKERS


class KillWorker(Fault):
    """SIGKILL of a processor or of the sink; the supervisor starts it again at once."""

    kind = "worker killed"
    targets = tuple(WORKERS)

    def act(self, rig: Rig) -> None:
        self._killed_s = time.time()
        rig.fleet.kill(rig.fleet.member(self.target))

    def settle(self, rig: Rig) -> list[str]:
        self.detail["next_output_s"] = rig.watch.next_output_s(self.target, self._killed_s)
        return []


class FreezeWorker(Fault):
    """SIGSTOP for longer than the group waits: its shards are taken from it, and it does not know."""

    kind = "worker frozen"
    targets = tuple(WORKERS)
    for_s = (2.0, 12.0)

    def act(self, rig: Rig) -> None:
        self._member = rig.fleet.member(self.target)
        rig.fleet.freeze(self._member)

    def heal(self, rig: Rig) -> None:
        rig.fleet.thaw(self._member)


class ZombieWorker(FreezeWorker):
    """SIGSTOP, and another instance takes the shards over and works on; then the first one wakes up, in mid-step."""

    kind = "worker a zombie"

    def act(self, rig: Rig) -> None:
        super().act(rig)
        self._stand_in = rig.fleet.add(self.target, "stand-in")

    def heal(self, rig: Rig) -> None:
        rig.fleet.wait_ready([self._stand_in])
        super().heal(rig)

    def settle(self, rig: Rig) -> list[str]:
        rig.fleet.remove(self._stand_in)
        return []


class RebalanceStorm(Fault):
    """Further instances of a worker come and go, orderly or killed, so that shards move all the time."""

    kind = "rebalance storm"
    targets = tuple(WORKERS)
    for_s = (1.0, 2.0)

    def act(self, rig: Rig) -> None:
        self._members: list[Member] = [rig.fleet.add(self.target, "storm-0")]

    def heal(self, rig: Rig) -> None:
        for n in (1, 2):
            rig.fleet.wait_ready(self._members[-1:])
            self._members.append(rig.fleet.add(self.target, f"storm-{n}"))
            rig.fleet.remove(self._members[-2], kill=self.rng.random() < 0.5)
        rig.fleet.wait_ready(self._members[-1:])
        rig.fleet.remove(self._members[-1])


class KillRobot(Fault):
    """SIGKILL of a producer in mid-episode.

    Without a spool it is started again and sends the same episode from its beginning. With one, what was on its disk is
    sent, and the episode ends there.
    """

    kind = "producer killed"
    targets = tuple(ROBOTS)
    lists = ("spool",)

    def __init__(self, rng: Random, target: str) -> None:
        super().__init__(rng, target)
        self.cuts = target == "with spool"

    def act(self, rig: Rig) -> None:
        rig.robots[ROBOTS[self.target]].kill()


class FreezeRobot(Fault):
    """SIGSTOP of a producer: a robot that falls silent, and goes on."""

    kind = "producer frozen"
    targets = tuple(ROBOTS)
    for_s = (1.0, 6.0)

    def act(self, rig: Rig) -> None:
        rig.robots[ROBOTS[self.target]].freeze()

    def heal(self, rig: Rig) -> None:
        rig.robots[ROBOTS[self.target]].thaw()


class KillBroker(Fault):
    """SIGKILL of a broker, and its start on the same files. The target is its number; "" = any."""

    kind = "broker killed"
    victims = frozenset({"broker"})
    for_s = (0.5, 4.0)

    def act(self, rig: Rig) -> None:
        self._number = int(self.target) if self.target else self.rng.randrange(len(rig.wires))
        self._killed_s = time.time()
        rig.broker.kill(self._number)

    def heal(self, rig: Rig) -> None:
        rig.broker.restart(self._number)

    def settle(self, rig: Rig) -> list[str]:
        times_s = [rig.watch.next_output_s(worker, self._killed_s) for worker in WORKERS]
        self.detail["next_output_s"] = min((t for t in times_s if t is not None), default=None)
        return []


class FreezeBroker(Fault):
    """SIGSTOP of a broker."""

    kind = "broker frozen"
    victims = frozenset({"broker"})
    for_s = (1.0, 6.0)

    def act(self, rig: Rig) -> None:
        self._pid = rig.broker.pids[self.rng.randrange(len(rig.wires))]
        os.kill(self._pid, signal.SIGSTOP)

    def heal(self, rig: Rig) -> None:
        del rig
        os.kill(self._pid, signal.SIGCONT)


class KillStore(Fault):
    """SIGKILL of the S3 server while episodes are stored, and its start on the same files."""

    kind = "store killed"
    victims = frozenset({"store"})
    at_s = (2.5, 4.5)

    def act(self, rig: Rig) -> None:
        rig.s3.kill()

    def heal(self, rig: Rig) -> None:
        rig.s3.restart()


class FreezeStore(Fault):
    """SIGSTOP of the S3 server while episodes are stored."""

    kind = "store frozen"
    victims = frozenset({"store"})
    at_s = (2.5, 4.5)

    def act(self, rig: Rig) -> None:
        os.kill(rig.s3.pid, signal.SIGSTOP)

    def heal(self, rig: Rig) -> None:
        os.kill(rig.s3.pid, signal.SIGCONT)
