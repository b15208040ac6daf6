"""What the criteria judge of the content check. Pure."""

from collections.abc import Iterable, Iterator

from processors.judge.criteria import Measured
from saltwell.contracts.results import ContentOffset

_CLOCKS = {"camera_joints": ("content_sync", "color"), "one_body": ("body_sync", "pose")}
_MS = 1e6


def content_measures(offsets: Iterable[ContentOffset]) -> Iterator[Measured]:
    """Disagreements of clocks, where the estimate is good; latencies from command to state, at their mildest.

    A state follows its command by design, so its latency is no fault of a clock. It is out of range when even the
    end of its bound is that lies nearer to the usual.
    """
    for offset in offsets:
        if offset.check in _CLOCKS and offset.grade == "good":
            code, kind = _CLOCKS[offset.check]
            yield Measured(code, offset.stream, kind, abs(offset.disagreement_ns) / _MS)
        elif offset.check == "command_state" and offset.grade != "not_measurable" and offset.joints > 1:
            late_ns, error_ns = offset.disagreement_ns, offset.error_ns
            yield Measured("late_state", offset.stream, "joints", (late_ns - error_ns) / _MS)
            yield Measured("early_state", offset.stream, "joints", (late_ns + error_ns) / _MS)
