"""How well the edge box's own clock is kept: what chrony or ptp4l say. The site's time is no truer than this."""

import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

Run = Callable[[Sequence[str]], str]
"""Runs a command; gives what it printed, or nothing when it is not there or fails."""

_TIMEOUT_S = 2.0
_TAIL_BYTES = 64 * 1024
_CHRONYC = ("chronyc", "tracking")
_NS = 1e9

_SYSTEM_TIME = re.compile(r"^System time\s*:\s*([\d.]+) seconds (slow|fast) of NTP time", re.MULTILINE)
_ROOT_DELAY = re.compile(r"^Root delay\s*:\s*([\d.]+) seconds", re.MULTILINE)
_ROOT_DISPERSION = re.compile(r"^Root dispersion\s*:\s*([\d.]+) seconds", re.MULTILINE)
_FREQUENCY = re.compile(r"^Frequency\s*:\s*([\d.]+) ppm (slow|fast)", re.MULTILINE)
_LEAP = re.compile(r"^Leap status\s*:\s*(.+?)\s*$", re.MULTILINE)

_PTP_OFFSET = re.compile(r"master offset\s+(-?\d+)\s+s(\d)\s+freq\s+([+-]?\d+)\s+path delay\s+(-?\d+)")
_PTP_SUMMARY = re.compile(r"rms\s+(\d+)\s+max\s+(-?\d+)\s+freq\s+([+-]?\d+)\s+\+/-\s+\d+")
_LOCKED = "2"


@dataclass(frozen=True, slots=True)
class HostClock:
    """State of the edge clock.

    `source`: chrony, ptp4l, or none = nobody keeps it. `offset_ns`: host less reference. `bound_ns`: the reference and
    the way to it may add so much (chrony: root dispersion + root delay / 2; ptp4l: largest offset it told of).
    `frequency_ppm`: what is being corrected; positive = the host runs fast.
    """

    source: str = "none"
    synchronized: bool = False
    offset_ns: int = 0
    bound_ns: int = 0
    frequency_ppm: float = 0.0

    def as_source(self) -> dict[str, str]:
        """As an entry of EpisodeStarted.source; it comes back in the manifest's provenance."""
        return {"host_clock": " ".join(f"{name}={value}" for name, value in asdict(self).items())}


def host_clock(*, ptp4l_log: Path | None = None, run: Run | None = None) -> HostClock:
    """What is known of this host's clock now: of the end of ptp4l's log where there is one, else of chrony."""
    if ptp4l_log is not None and (found := from_ptp4l(_tail(ptp4l_log))):
        return found
    return from_chronyc((run or _output)(_CHRONYC)) or HostClock()


def from_chronyc(text: str) -> HostClock | None:
    """Read what `chronyc tracking` prints; None when it is something else."""
    offset, frequency = _SYSTEM_TIME.search(text), _FREQUENCY.search(text)
    delay, dispersion = _ROOT_DELAY.search(text), _ROOT_DISPERSION.search(text)
    leap = _LEAP.search(text)
    if not (offset and frequency and delay and dispersion and leap):
        return None
    return HostClock(
        source="chrony",
        synchronized=leap[1] != "Not synchronised",
        offset_ns=round(_signed(offset) * _NS),
        bound_ns=round((float(dispersion[1]) + float(delay[1]) / 2) * _NS),
        frequency_ppm=_signed(frequency),
    )


def from_ptp4l(text: str) -> HostClock | None:
    """Read the last state in a log of ptp4l; None when there is none.

    A client that is locked (servo state s2) tells of its offset every second; with summary_interval it tells of rms
    and the largest only.
    """
    single, summary = _last(_PTP_OFFSET, text), _last(_PTP_SUMMARY, text)
    if single and (not summary or single.start() > summary.start()):
        offset_ns, state, ppb, _ = single.groups()
        bound_ns = abs(int(offset_ns))
        return HostClock("ptp4l", state == _LOCKED, int(offset_ns), bound_ns, int(ppb) / 1e3)
    if summary:
        rms_ns, max_ns, ppb = summary.groups()
        return HostClock(
            "ptp4l", synchronized=True, bound_ns=max(abs(int(max_ns)), int(rms_ns)), frequency_ppm=int(ppb) / 1e3
        )
    return None


def _signed(found: re.Match[str]) -> float:
    return float(found[1]) * (1 if found[2] == "fast" else -1)


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    return max(pattern.finditer(text), key=lambda found: found.start(), default=None)


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            return log.read(_TAIL_BYTES).decode(errors="replace")
    except OSError:
        return ""


def _output(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError, ValueError):
        return ""
    return done.stdout
