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
    edge.DiskFull,
    log.PoisonRecords,
    log.Truncation,
)
EVENTS_A_ROUND = 3

Card = tuple[type[Fault], str]
"""A kind and its target."""


@dataclass(frozen=True, slots=True)
class Event:
    """A fault, and when it acts and is healed: seconds after the round's episodes began."""

    fault: Fault
    act_s: float
    heal_s: float


def schedule(seed: int, *, rounds: int, kinds: Sequence[type[Fault]] = KINDS, brief: bool = False) -> list[list[Event]]:
    """Events of each round, of which no two share a victim.

    Kinds and targets are dealt like cards: none comes again before all have come. When `brief`, a kind is one card,
    with any of its targets.
    """
    rng = Random(seed)  # noqa: S311 - a schedule, not a secret
    deck: list[Card] = []
    planned = []
    for _ in range(rounds):
        hand: list[Event] = []
        hit: frozenset[str] = frozenset()
        while len(hand) < EVENTS_A_ROUND:
            card = _deal(deck, hit) or _deal(_shuffle_in(deck, kinds, rng, brief=brief), hit)
            if card is None:
                break  # of so few kinds, no other one fits
            hand.append(_event(card, rng))
            hit |= card[0].victims_of(card[1])
        planned.append(hand)
    return planned


def rounds_for_all(seed: int, *, kinds: Sequence[type[Fault]] = KINDS, brief: bool = False) -> int:
    """How many rounds it takes until every kind has come: with every one of its targets, or when `brief`, with any."""
    wanted = {(kind, "" if brief else target) for kind in kinds for target in kind.targets}
    rounds = 0
    while wanted:
        rounds += 1
        last = schedule(seed, rounds=rounds, kinds=kinds, brief=brief)[-1]
        wanted -= {(type(event.fault), "" if brief else event.fault.target) for event in last}
    return rounds


def _deal(deck: list[Card], hit: frozenset[str]) -> Card | None:
    """Take the next card that hits nothing in `hit`; None when there is none."""
    card = next((card for card in deck if hit.isdisjoint(card[0].victims_of(card[1]))), None)
    if card is not None:
        deck.remove(card)
    return card


def _shuffle_in(deck: list[Card], kinds: Sequence[type[Fault]], rng: Random, *, brief: bool) -> list[Card]:
    fresh = [(kind, target) for kind in kinds for target in ([rng.choice(kind.targets)] if brief else kind.targets)]
    rng.shuffle(fresh)
    deck += fresh
    return deck


def _event(card: Card, rng: Random) -> Event:
    kind, target = card
    act_s = rng.uniform(*kind.at_s)
    fault = kind(Random(rng.random()), target)  # noqa: S311 - a schedule, not a secret
    return Event(fault, act_s, act_s + rng.uniform(*kind.for_s))
