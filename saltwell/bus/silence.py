"""Episodes of which nothing was heard for long: their robot died, or was cut off. Pure.

What counts is how long the timeline has been read to its end without a word of the episode, by this process's own
clock. The time at which its last word was appended says nothing: after an outage of the broker, or on a machine whose
clock is wrong, it lies far back for robots that are alive and have not been able to speak.
"""

from collections.abc import Collection


class Silence:
    """How long each open episode has been silent."""

    def __init__(self, *, limit_ms: int) -> None:
        self._limit_ms = limit_ms
        self._silent_since_ms: dict[str, int | None] = {}

    def heard(self, episode: str) -> None:
        """A word of the episode was read."""
        self._silent_since_ms[episode] = None

    def keep(self, open_episodes: Collection[str]) -> None:
        """Forget all others."""
        for episode in self._silent_since_ms.keys() - set(open_episodes):
            del self._silent_since_ms[episode]

    def take_silent(self, now_ms: int) -> list[str]:
        """Episodes silent for longer than the limit, each once; to be asked while there is nothing more to read."""
        silent = []
        for episode, since_ms in [*self._silent_since_ms.items()]:
            if since_ms is None:
                self._silent_since_ms[episode] = now_ms
            elif now_ms - since_ms > self._limit_ms:
                silent.append(episode)
                del self._silent_since_ms[episode]
        return silent
