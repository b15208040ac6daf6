"""What stands beside a committed offset: the mark, and the episodes that were open. Pure."""

from collections.abc import Collection

ALL_EPISODES = "*"
"""Stands for the open episodes of a commit when they were too many to name."""

_MAX_NOTE = 3_000  # brokers refuse 4,096


def note(mark: int, open_episodes: Collection[str]) -> str:
    """Mark and open episodes as text; too many episodes stand as all."""
    text = " ".join([str(mark), *sorted(open_episodes)])
    return text if len(text) <= _MAX_NOTE else f"{mark} {ALL_EPISODES}"


def read_note(text: str | None) -> tuple[int, frozenset[str]]:
    """Mark and open episodes of a note."""
    mark, *episodes = (text or "0").split(" ")
    return int(mark), frozenset(episodes)
