"""How much disk a spool may use. Pure.

Up to the cap less the reserve, episodes begin. The reserve is there for the episodes that run then; at the cap, or at
the floor of free disk, they are aborted.
"""

from dataclasses import dataclass

from saltwell.errors import RetryError

GB = 1_000_000_000
RESERVE_SHARE = 0.1
RESERVE_MOST_BYTES = 4 * GB
"""A minute of a station at 63 MB/s, the rate of bench/profiles/station-1.toml."""

FLOOR_BYTES = 1 * GB


class SpoolFull(RetryError):
    """There is no room to record: wait until the broker has taken some, or give the spool more disk."""


@dataclass(frozen=True, slots=True)
class Room:
    """Limits in bytes: `cap` for the spool, of which `reserve` is not for new episodes; `floor` of free disk."""

    cap_bytes: int
    reserve_bytes: int
    floor_bytes: int = FLOOR_BYTES

    @classmethod
    def of_cap(cls, cap_bytes: int) -> "Room":
        """Limits for a cap: a tenth of it in reserve, 4 GB at most."""
        return cls(cap_bytes, min(int(cap_bytes * RESERVE_SHARE), RESERVE_MOST_BYTES))

    def admit(self, *, used_bytes: int, free_bytes: int) -> None:
        """Whether a new episode may begin; SpoolFull with the reason when not."""
        self._check(used_bytes, free_bytes, self.reserve_bytes, "new episodes are refused")

    def go_on(self, *, used_bytes: int, free_bytes: int) -> None:
        """Whether the episodes that run may go on; SpoolFull with the reason when not."""
        self._check(used_bytes, free_bytes, 0, "the episode is aborted")

    def _check(self, used_bytes: int, free_bytes: int, kept_bytes: int, consequence: str) -> None:
        if used_bytes + kept_bytes > self.cap_bytes:
            full = f"the spool is full: {_gb(used_bytes)} of {_gb(self.cap_bytes)} GB wait for the broker"
            raise SpoolFull(f"{full}; {consequence}; try again when it has taken some, or raise --spool-cap-gb")
        if free_bytes - kept_bytes < self.floor_bytes:
            needed_bytes = self.floor_bytes + kept_bytes
            full = f"the spool's disk is full: {_gb(free_bytes)} GB free, {_gb(needed_bytes)} GB are needed"
            raise SpoolFull(f"{full}; {consequence}; free the disk, or wait until the broker has taken some")


def _gb(size: int) -> str:
    return f"{size / GB:.3g}"
