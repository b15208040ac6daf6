"""What stands beside the committed offsets of a shard: marks, and which episodes were open. Pure.

Episodes stand as tokens of 12 digits, spread over the topics' notes: some 200 fit into each. Beyond that all count as
open, and a restart may begin an episode again of which it reads only the end; that one never ends.
"""

import hashlib
from collections.abc import Collection, Mapping
from contextlib import suppress

ALL_EPISODES = "*"
"""Stands for the open episodes of a commit when they were too many to name."""

_MAX_NOTE = 3_000  # brokers refuse 4,096
_TOKEN_BYTES = 6


def token(episode: str) -> str:
    """What stands for an episode. Two of a shard share one by chance once in 10^10 commits."""
    return hashlib.blake2b(episode.encode(errors="surrogatepass"), digest_size=_TOKEN_BYTES).hexdigest()


def notes(marks: Mapping[str, int], open_episodes: Collection[str]) -> dict[str, str]:
    """The note of each topic."""
    tokens = sorted(token(episode) for episode in open_episodes)
    return {topic: _note(mark, tokens[i :: len(marks)]) for i, (topic, mark) in enumerate(sorted(marks.items()))}


def read_note(text: str | None) -> tuple[int, frozenset[str]]:
    """Mark and tokens of a note; what another tool wrote beside offsets that it set tells neither."""
    mark, *tokens = (text or "0").split(" ")
    with suppress(ValueError):
        return int(mark), frozenset(tokens)
    return 0, frozenset()


def _note(mark: int, tokens: Collection[str]) -> str:
    text = " ".join([str(mark), *tokens])
    return text if len(text) <= _MAX_NOTE else f"{mark} {ALL_EPISODES}"
