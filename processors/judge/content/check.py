"""Collects how the streams of one episode moved, and checks their stamps against each other. Pure."""

from collections.abc import Iterator, Mapping

from processors.judge.content.motion import Motion, StreamMotion
from processors.judge.content.pairs import Finding, camera_and_joints, command_and_state, poses_of_one_body
from saltwell.contracts.identity import StreamKind
from saltwell.contracts.results import ContentOffset, ScoreBlock
from saltwell.names import is_command

MAX_STREAMS = 16
"""Of each kind, in the order of their names, are checked: bounds the work."""


class ContentCheck:
    """The moving streams of one episode."""

    def __init__(self) -> None:
        self._streams: dict[str, tuple[StreamKind, StreamMotion]] = {}

    def add(self, block: ScoreBlock) -> None:
        """Take the traces of a block of scores."""
        for trace in block.motion:
            self._streams.setdefault(block.stream, (block.kind, StreamMotion()))[1].add(trace)

    def offsets(self, clock_offsets_ns: Mapping[str, int]) -> list[ContentOffset]:
        """What the content says of the stamps.

        `clock_offsets_ns`: by stream, what was added to its stamps to bring them to site time. Content is compared
        in site time, where clocks of any epoch are near each other.
        """
        motions = self._motions(clock_offsets_ns)
        found: list[ContentOffset] = []
        for late, early, finding in _findings(motions):
            between_ns = clock_offsets_ns.get(late, 0) - clock_offsets_ns.get(early, 0)
            found.append(offset_of(late, early, finding, between_ns))
        return found

    def _motions(self, clock_offsets_ns: Mapping[str, int]) -> dict[StreamKind, dict[str, Motion]]:
        first_ns = [
            first + clock_offsets_ns.get(name, 0)
            for name, (_, stream) in self._streams.items()
            if (first := stream.first_ns()) is not None
        ]
        motions: dict[StreamKind, dict[str, Motion]] = {"color": {}, "joints": {}, "pose": {}}
        for name, (kind, stream) in sorted(self._streams.items()):
            motion = stream.motion(clock_offset_ns=clock_offsets_ns.get(name, 0), origin_ns=min(first_ns))
            if motion is not None and kind in motions and len(motions[kind]) < MAX_STREAMS:
                motions[kind][name] = motion
        return motions


def _findings(motions: Mapping[StreamKind, Mapping[str, Motion]]) -> Iterator[tuple[str, str, Finding]]:
    """Every pair's finding: the stream that may be late, the one it is compared with, and what was found."""
    states = {name: motion for name, motion in motions["joints"].items() if not is_command(name)}
    for camera, seen in motions["color"].items():
        for joints, motion in states.items():
            yield camera, joints, camera_and_joints(motion, seen)
    poses = list(motions["pose"].items())
    for i, (name, pose) in enumerate(poses):
        for other, other_pose in poses[i + 1 :]:
            finding = poses_of_one_body(other_pose, pose)
            if finding is not None:
                yield name, other, finding
    for command, asked in motions["joints"].items():
        if is_command(command):
            for state, done in states.items():
                for finding in command_and_state(asked, done):
                    yield state, command, finding


def offset_of(late: str, early: str, finding: Finding, between_ns: int) -> ContentOffset:
    """The finding as the verdict carries it. `between_ns`: clock offset of `late` less that of `early`."""
    measured = finding.grade != "not_measurable"
    lag_ns = _ns(finding.lag_s) if measured else 0
    return ContentOffset(
        check=finding.check,
        stream=late,
        against=early,
        part=finding.part,
        joints=finding.joints,
        offset_ns=lag_ns - between_ns if measured else 0,
        disagreement_ns=lag_ns,
        error_ns=_ns(finding.error_s) if measured else 0,
        confidence=round(finding.confidence, 4),
        grade=finding.grade,
        why=finding.why,
    )


def _ns(seconds: float) -> int:
    """Whole microseconds: what lies below them depends on the machine that adds up."""
    return round(seconds * 1e6) * 1000
