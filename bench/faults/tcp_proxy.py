"""A wire that can be cut, stalled or slowed: stands before a broker or the registry."""

import asyncio
from contextlib import suppress

from bench.faults.loop import Loop

_BYTES = 64 * 1024


class TcpProxy:
    """Carries connections from `port` to `target`, as long as nothing is wrong."""

    def __init__(self, loop: Loop, target: int = 0) -> None:
        self._loop = loop
        self.target = target
        self._cut = False
        self._delay_s = 0.0
        self._bytes_per_s = 0.0
        self._flows = asyncio.Event()
        self._open: set[asyncio.StreamWriter] = set()
        loop.call(self._flows.set)
        self.port = loop.listen(self._serve)

    def cut(self) -> None:
        """Break every connection and refuse new ones."""
        self._cut = True
        self._loop.call(self._break_all)

    def stall(self) -> None:
        """Take connections and bytes, and carry none: what an unplugged cable looks like."""
        self._loop.call(self._flows.clear)

    def slow(self, *, delay_s: float, bytes_per_s: float) -> None:
        """Carry every piece late, and not more than so many bytes a second of each connection."""
        self._delay_s, self._bytes_per_s = delay_s, bytes_per_s

    def heal(self) -> None:
        """Carry everything at once again. What was held back by a stall arrives now."""
        self._cut, self._delay_s, self._bytes_per_s = False, 0.0, 0.0
        self._loop.call(self._flows.set)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            if not self._cut:
                with suppress(OSError):
                    await self._carry(reader, writer)
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        self._open.add(far_writer)
        ways = [asyncio.ensure_future(self._pump(*way)) for way in ((reader, far_writer), (far_reader, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._open.discard(far_writer)
            far_writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_BYTES):
            await self._flows.wait()
            if self._delay_s:
                await asyncio.sleep(self._delay_s + len(data) / self._bytes_per_s)
            writer.write(data)
            await writer.drain()

    def _break_all(self) -> None:
        for writer in self._open:
            writer.transport.abort()
