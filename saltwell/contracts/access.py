"""Who may do what in the log: for each role the access-control entries it needs, and no others.

Made from the topic table and from what each part reads and writes. `saltwell topics grant` gives them to an
identity; the Helm chart's KafkaUsers carry the same list. A broker can't tell robots apart within a topic, so an
edge identity can write frames under another robot's name; that is said in docs/security.md.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from saltwell.contracts.topics import BY_NAME, FRAME_TOPICS, TOPICS
from saltwell.errors import StopError

Resource = Literal["topic", "group", "transactionalId"]
Operation = Literal["Read", "Write", "Describe", "DescribeConfigs"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One resource, and what may be done with it. `prefix`: the name stands for all that begin with it."""

    resource: Resource
    name: str
    operations: tuple[Operation, ...]
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Role:
    """One kind of identity: topics it reads, writes, or only sees; topics whose settings it reads.

    `part` tells one that runs in transactions, as a member of a group of its own; `groups` begins the names of
    the groups that another may be a member of.
    """

    doc: str
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    sees: tuple[str, ...] = ()
    configs: tuple[str, ...] = ()
    groups: str = ""
    part: bool = False


def _part(name: str, *, reads: Iterable[str], writes: Iterable[str]) -> Role:
    """A part also sets aside what it can't use, if it owns a topic."""
    asides = ("dead", "late") if any(topic.owner == name for topic in TOPICS) else ()
    return Role(f"The processes of {name}.", tuple(reads), (*writes, *asides), part=True)


READER_GROUP = "saltwell.read"
"""Begins the groups of those who read and commit nothing of the pipeline's."""

_RESULTS = ("verdicts", "episodes.finished")

ROLES: Mapping[str, Role] = {
    "edge": Role("One station: publishes what its robot senses.", writes=(*FRAME_TOPICS, "timeline")),
    # It also ends episodes in the place of a robot that fell silent: behind the last frame, and in the timeline.
    "synchronize": _part("synchronize", reads=["timeline"], writes=["alignment", "timeline", *FRAME_TOPICS]),
    # Depth, camera settings and poses only when its configuration asks for them.
    "downsample": _part(
        "downsample",
        reads=["frames.cloud", "frames.depth", "frames.other", "frames.pose", "timeline"],
        writes=["clouds.sampled"],
    ),
    "score": _part("score", reads=[*FRAME_TOPICS, "timeline"], writes=["scores"]),
    "judge": _part("judge", reads=["alignment", "scores"], writes=["verdicts"]),
    "episodes": _part(
        "episodes",
        reads=[*FRAME_TOPICS, "timeline", "clouds.sampled", "scores", "alignment", "verdicts"],
        writes=["episodes.finished"],
    ),
    "dataset": _part("dataset", reads=["episodes.finished", "reviews"], writes=[]),
    "traces": _part("traces", reads=["timeline", *_RESULTS], writes=[]),
    # Member of no group: what it has done stands in the store.
    "catalogue": Role(
        "The catalogue's sink: learns what is finished and what people say.",
        reads=("episodes.finished", "reviews"),
        groups=READER_GROUP,
    ),
    "reviewer": Role("A person with `saltwell review`: says what an episode is worth.", writes=("reviews",)),
    "reader": Role("The outside world: learns what is finished.", reads=_RESULTS, groups=READER_GROUP),
    "mirror": Role("The hub's MirrorMaker 2: takes results, never frames.", reads=_RESULTS, configs=_RESULTS),
    "recover": Role(
        "A person with `saltwell late` and `saltwell dead`: looks at what was set aside, publishes an episode again.",
        reads=(*FRAME_TOPICS, "timeline", "dead", "late"),
        writes=(*FRAME_TOPICS, "timeline"),
        groups=READER_GROUP,
    ),
    "doctor": Role("`saltwell doctor`, `saltwell topics ls`: sees that topics are there.", sees=tuple(BY_NAME)),
}


def group_of(part: str) -> str:
    """Name of a part's consumer group; transactional ids begin with it."""
    return f"saltwell.{part}"


def rules(role: str) -> tuple[Rule, ...]:
    """Access-control entries of a role; StopError for a role that is not known."""
    if role not in ROLES:
        raise StopError(f"no role {role!r}: use one of {', '.join(ROLES)}")
    return tuple(_rules(role, ROLES[role]))


def _rules(name: str, role: Role) -> Iterator[Rule]:
    for topic in BY_NAME:
        if operations := tuple(_operations(topic, role)):
            yield Rule("topic", topic, operations)
    if role.part:
        yield Rule("group", group_of(name), ("Read",))
        yield Rule("transactionalId", f"{group_of(name)}.", ("Describe", "Write"), prefix=True)
    if role.groups:
        yield Rule("group", role.groups, ("Read",), prefix=True)


def _operations(topic: str, role: Role) -> Iterator[Operation]:
    if topic in {*role.reads, *role.writes, *role.sees}:
        yield "Describe"
    if topic in role.configs:
        yield "DescribeConfigs"
    if topic in role.reads:
        yield "Read"
    if topic in role.writes:
        yield "Write"
