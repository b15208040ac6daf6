"""The W3C trace of an episode. Pure.

Its ids follow from the names of robot and episode: every process knows them, and a replay says the same ones again.
"""

import hashlib
from functools import lru_cache
from typing import Any

_HEADER = "traceparent"
_SAMPLED = "01"
ROOT = "episode"
"""The span that all others of an episode are below."""


@lru_cache(maxsize=4096)
def trace_id(robot: str, episode: str) -> str:
    """Of an episode: 32 hex digits."""
    return hashlib.sha256(f"{robot}\n{episode}".encode()).hexdigest()[:32]


@lru_cache(maxsize=4096)
def span_id(robot: str, episode: str, name: str) -> str:
    """Of a span of an episode: 16 hex digits."""
    return hashlib.sha256(f"{robot}\n{episode}\n{name}".encode()).hexdigest()[:16]


def trace_header(record: Any) -> list[tuple[str, bytes]]:
    """The header `traceparent` of a record, https://www.w3.org/TR/trace-context; none where the episode is unknown."""
    robot, episode = record.robot, record.episode
    if not episode:
        return []
    parent = f"00-{trace_id(robot, episode)}-{span_id(robot, episode, ROOT)}-{_SAMPLED}"
    return [(_HEADER, parent.encode())]
