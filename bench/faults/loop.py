"""A thread with an event loop of its own, for the proxies that stand between the pipeline and its servers."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Self, TypeVar

T = TypeVar("T")
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

_CALL_S = 30.0
_HEAD_BYTES = 256 * 1024


class Loop:
    """Runs coroutines in the background: `with Loop() as loop:`."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxies", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CALL_S)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine there and wait for what it gives."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_CALL_S)

    def call(self, act: Callable[[], None]) -> None:
        """Run a function there, where it can't meet a coroutine half-way."""

        async def work() -> None:
            act()

        self.run(work())

    def listen(self, serve: Serve) -> int:
        """Serve connections on a free port of loopback; gives the port."""
        server = self.run(asyncio.start_server(serve, "127.0.0.1", 0, limit=_HEAD_BYTES))
        port: int = server.sockets[0].getsockname()[1]
        return port
