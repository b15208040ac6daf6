"""A round: some robots play an episode each, some faults happen, and what came out is compared with what went in."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka import KafkaException

from bench.faults.checker import Findings, check
from bench.faults.held import read_held
from bench.faults.rig import PARTITIONS, ROBOTS, Rig
from bench.faults.robots import SPOOL_CAP_GB, Take
from bench.faults.schedule import Event
from bench.faults.sent import Frame, Sent, frames_of
from bench.faults.watch import Seen
from saltwell.contracts.partition import partition_of
from saltwell.errors import SaltwellError, StopError

NAMES = ("robot-2", "robot-3")  # of different shards
_BEGIN_S = 120.0
_SEND_S = 180.0
_FINISH_S = 180.0
_DRAIN_S = 900.0
_LOOK_S = 0.02
_MANY = 100  # names: more than enough to find one for each shard


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recording, its frames, and the steps that an undisturbed run makes of it ("" = not known yet)."""

    path: Path
    frames: Mapping[Frame, str]
    steps: str = ""


@dataclass(slots=True)
class Outcome:
    """What a round came to. `at_s` is the time of day at its begin."""

    number: int
    at_s: float
    took_s: float = 0.0
    events: list[dict[str, object]] = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)
    broken: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Runner:
    """Runs rounds on a rig. `sent` is everything that was sent so far, with the causes under which it may be lost."""

    rig: Rig
    recorded: dict[str, Recorded]
    sent: list[tuple[Sent, str, tuple[str, ...]]] = field(default_factory=list)

    def undisturbed(self) -> Findings:
        """Play every recording without a fault; learn the steps that follow from it."""
        found = Findings()
        for variant, recorded in self.recorded.items():
            [sent] = self._begin([variant], f"calm-{variant}")
            with suppress(StopError):  # the check says it, too
                self._finish([sent])
            found.add(self.check(sent, variant, ()))
            held = read_held(self.rig.store, sent.episode)
            self.recorded[variant] = Recorded(recorded.path, recorded.frames, held.alignment if held else "")
        return found

    def drain(self) -> None:
        """Play an undisturbed episode on every shard: what stands before it in the log has been read then."""
        names = [f"last-{n}" for n in range(_MANY)]
        shards = {partition_of(name, PARTITIONS): name for name in reversed(names)}
        recorded = self.recorded["plain"]
        sent = [Sent(robot, f"drain-{robot}", recorded.frames) for robot in shards.values()]
        self.rig.robots = [self.rig.play(Take(recorded.path, one.robot, one.episode)) for one in sent]
        self.sent += [(one, "plain", ()) for one in sent]
        with suppress(StopError):  # the check of everything says it, too
            self._finish(sent, within_s=_DRAIN_S)

    def round(self, number: int, events: Sequence[Event]) -> Outcome:
        """Run a round; findings and broken promises are in the outcome, nothing is raised for them."""
        outcome = Outcome(number, time.time())
        began_s = time.monotonic()
        variant = next((e.fault.recording for e in events if e.fault.recording != "plain"), "plain")
        causes = tuple(cause for e in events for cause in e.fault.lists)
        try:
            sent = self._begin((variant, "plain"), f"round-{number}", causes, events)
        except StopError as error:
            for robot in self.rig.robots:
                robot.stop()
            outcome.broken.append(f"no fault happened: {error}")
            return outcome
        began_at_s = time.time()
        outcome.broken += self._act(events)
        try:
            self._finish(sent)
        except StopError as error:
            outcome.broken.append(str(error))
        for event in events:
            outcome.broken += event.fault.settle(self.rig)
        outcome.events = [_told(event, began_at_s) for event in events]
        for one, played in zip(sent, (variant, "plain"), strict=True):
            outcome.findings.add(self.check(one, played, causes))
        outcome.took_s = time.monotonic() - began_s
        return outcome

    def check(self, sent: Sent, variant: str, causes: tuple[str, ...]) -> Findings:
        """Check an episode as the store holds it now."""
        announced = self.rig.watch.seen.announced.get(sent.episode, [])
        held = read_held(self.rig.store, sent.episode)
        return check(sent, held, announced, steps=self.recorded[variant].steps, causes=causes)

    def check_all(self) -> Findings:
        """Check every episode of the run once more: later faults must not have touched it."""
        found = Findings()
        for sent, variant, causes in self.sent:
            found.add(self.check(sent, variant, causes))
        return found

    def _begin(
        self, variants: Sequence[str], name: str, causes: tuple[str, ...] = (), events: Sequence[Event] = ()
    ) -> list[Sent]:
        """Start the robots and wait until all of their episodes have begun."""
        cap_gb = min((event.fault.spool_cap_gb for event in events), default=SPOOL_CAP_GB)
        cut = any(event.fault.cuts for event in events)
        sent = []
        self.rig.robots = []
        for place, variant in enumerate(variants):
            robot, recorded = NAMES[place], self.recorded[variant]
            episode = f"{name}-{robot}"
            has_spool = place == ROBOTS["with spool"]
            spool = self.rig.folder / "spools" / episode if has_spool else None
            self.rig.robots.append(self.rig.play(Take(recorded.path, robot, episode, spool, cap_gb)))
            sent.append(Sent(robot, episode, recorded.frames, cut=cut and has_spool))
            self.sent.append((sent[-1], variant, causes))
        names = {one.episode for one in sent}

        def begun(seen: Seen) -> bool:
            for robot in self.rig.robots:
                robot.tend()
            return names <= seen.started

        self.rig.watch.wait(begun, f"{name} to begin", within_s=_BEGIN_S)
        return sent

    def _act(self, events: Sequence[Event]) -> list[str]:
        """Let each fault act and heal in its time, side by side; gives what went wrong with the harness's own hands."""
        began_s = time.monotonic()
        with ThreadPoolExecutor(len(events)) as pool:
            return [line for lines in pool.map(lambda event: self._happen(event, began_s), events) for line in lines]

    def _happen(self, event: Event, began_s: float) -> list[str]:
        broken = []
        for due_s, act in ((event.act_s, event.fault.act), (event.heal_s, event.fault.heal)):
            while (left_s := began_s + due_s - time.monotonic()) > 0:
                time.sleep(min(left_s, _LOOK_S))
            try:
                act(self.rig)
            except (SaltwellError, KafkaException) as error:
                broken.append(f"{event.fault.kind} {event.fault.target}: {error}")
        return broken

    def _finish(self, sent: Sequence[Sent], *, within_s: float = _FINISH_S) -> None:
        """Wait until all was sent, and all of it is finished."""
        for robot in self.rig.robots:
            robot.wait(within_s=_SEND_S)
        names = {one.episode for one in sent}

        def done(seen: Seen) -> bool:
            return names <= seen.announced.keys()

        self.rig.watch.wait(done, f"{', '.join(sorted(names))} to be finished", within_s=within_s)


def recorded(paths: Mapping[str, Path]) -> dict[str, Recorded]:
    """The recordings with their frames."""
    return {variant: Recorded(path, frames_of(path)) for variant, path in paths.items()}


def _told(event: Event, at_s: float) -> dict[str, object]:
    fault = event.fault
    times = {"at_s": at_s + event.act_s, "healed_s": at_s + event.heal_s}
    return {"kind": fault.kind, "target": fault.target, **times, **fault.detail}
