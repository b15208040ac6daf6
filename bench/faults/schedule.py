"""Which fault happens when: drawn from a seed and from nothing else. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from bench.faults.fault import Fault
from bench.faults.kinds import edge, log, network, processes

KINDS: tuple[type[Fault], ...] = (
    processes.KillWorker,
    processes.FreezeWorker,
    processes.ZombieWorker,
    processes.RebalanceStorm,
    processes.KillRobot,
    processes.FreezeRobot,
    processes.KillBroker,
    processes.FreezeBroker,
    processes.KillStore,
    processes.FreezeStore,
    network.CutBroker,
    network.StallBroker,
    network.SlowBroker,
    network.RegistryDown,
    network.SpoilStore,
    edge.SendAgain,
    edge.SendBeside,
    edge.ClockForward,
    edge.ClockBack,
    log.PoisonRecords,
    log.Truncation,
)
EVENTS_A_ROUND = 3


@dataclass(frozen=True, slots=True)
class Event:
    """A fault, and when it acts and is healed: seconds after the round's episodes began."""

    fault: Fault
    act_s: float
    heal_s: float


def schedule(seed: int, *, rounds: int, kinds: Sequence[type[Fault]] = KINDS) -> list[list[Event]]:
    """Events of each round, of the same victim never two.

    Kinds and targets are dealt like cards: none comes again before all have come.
    """
    rng = Random(seed)  # noqa: S311 - a schedule, not a secret
    deck: list[tuple[type[Fault], str]] = []
    planned = []
    for _ in range(rounds):
        hand: list[Event] = []
        victims: set[str] = set()
        while len(hand) < min(EVENTS_A_ROUND, len({kind.victim for kind in kinds})):
            if not any(kind.victim not in victims for kind, _ in deck):
                fresh = [(kind, target) for kind in kinds for target in kind.targets]
                rng.shuffle(fresh)
                deck += fresh
            card = next(card for card in deck if card[0].victim not in victims)
            deck.remove(card)
            victims.add(card[0].victim)
            hand.append(_event(card, rng))
        planned.append(hand)
    return planned


def rounds_for_all(kinds: Sequence[type[Fault]] = KINDS, *, seed: int) -> int:
    """How many rounds it takes until every kind has come with every target."""
    wanted = {(kind, target) for kind in kinds for target in kind.targets}
    rounds = 0
    while wanted:
        rounds += 1
        last = schedule(seed, rounds=rounds, kinds=kinds)[-1]
        wanted -= {(type(event.fault), event.fault.target) for event in last}
    return rounds


def _event(card: tuple[type[Fault], str], rng: Random) -> Event:
    kind, target = card
    act_s = rng.uniform(*kind.at_s)
    fault = kind(Random(rng.random()), target)  # noqa: S311 - a schedule, not a secret
    return Event(fault, act_s, act_s + rng.uniform(*kind.for_s))
