"""Episodes of which nothing was heard for long: their robot died, or was cut off. Pure."""

from collections.abc import Collection


class Silence:
    """When each open episode was heard of last."""

    def __init__(self, *, limit_ms: int) -> None:
        self._limit_ms = limit_ms
        self._heard_ms: dict[str, int] = {}

    def heard(self, episode: str, at_ms: int) -> None:
        """Something of the episode was appended at `at_ms`."""
        self._heard_ms[episode] = at_ms

    def keep(self, open_episodes: Collection[str]) -> None:
        """Forget all others."""
        for episode in self._heard_ms.keys() - set(open_episodes):
            del self._heard_ms[episode]

    def take_silent(self, now_ms: int) -> list[str]:
        """Episodes silent for longer than the limit; each is given once, unless it is heard of again."""
        silent = [episode for episode, at_ms in self._heard_ms.items() if now_ms - at_ms > self._limit_ms]
        for episode in silent:
            del self._heard_ms[episode]
        return silent
