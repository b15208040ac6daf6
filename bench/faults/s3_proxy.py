"""An S3 endpoint that has bad days: stands before a real server and spoils the next so many requests."""

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from bench.faults.loop import Loop

Spoil = Literal["500", "503", "409", "slow", "lost"]
"""An error answer; an answer after `SLOW_S`; or the request goes through and its answer never comes back."""

SLOW_S = 2.0

_CODES = {"500": "InternalError", "503": "SlowDown", "409": "ConditionalRequestConflict"}
_WRITES = ("PUT", "POST")
_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class _Head:
    """First line and headers of a request or answer, and the bytes as they came."""

    line: str
    headers: dict[str, str]
    raw: bytes


class S3Proxy:
    """Carries requests from `port` to `target`; the next ones can be spoiled."""

    def __init__(self, loop: Loop, target: int) -> None:
        self._loop = loop
        self._target = target
        self._next: deque[Spoil] = deque()
        self.spoiled = 0
        self.port = loop.listen(self._serve)

    def spoil(self, how: Spoil, count: int) -> None:
        """Spoil the next `count` requests. 409 and lost answers are for writes only."""
        self._loop.call(lambda: self._next.extend([how] * count))

    def heal(self) -> None:
        """Spoil no more."""
        self._loop.call(self._next.clear)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError, EOFError, ValueError):
                while await self._exchange(reader, writer):
                    pass
        finally:
            writer.transport.abort()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Carry one request and its answer; whether the connection goes on."""
        request = await _head(reader)
        body = await _body(reader, request)
        how = self._take(request.line.split(" ")[0])
        if how in _CODES:
            writer.write(_refusal(how))
        else:
            if how == "slow":
                await asyncio.sleep(SLOW_S)
            answer = await self._ask(request, body)
            if how == "lost":
                return False
            writer.write(answer)
        await writer.drain()
        return True

    def _take(self, method: str) -> Spoil | None:
        if not self._next or (self._next[0] in ("409", "lost") and method not in _WRITES):
            return None
        self.spoiled += 1
        return self._next.popleft()

    async def _ask(self, request: _Head, body: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            writer.write(request.raw + body)
            await writer.drain()
            answer = await _head(reader)
            bodiless = request.line.startswith("HEAD ") or answer.line.split(" ")[1] in ("204", "304")
            return answer.raw + (b"" if bodiless else await _body(reader, answer))
        finally:
            writer.transport.abort()


async def _head(reader: asyncio.StreamReader) -> _Head:
    raw = await reader.readuntil(b"\r\n\r\n")
    line, *lines = raw.decode("latin-1").rstrip().split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (each.partition(":") for each in lines)}
    return _Head(line, headers, raw)


async def _body(reader: asyncio.StreamReader, head: _Head) -> bytes:
    """The bytes that belong to a head, as they stand on the wire."""
    if "chunked" not in head.headers.get("transfer-encoding", ""):
        return await reader.readexactly(int(head.headers.get("content-length", "0")))
    parts = []
    while True:
        parts.append(size := await reader.readuntil(b"\r\n"))
        parts.append(await reader.readexactly(int(size.split(b";")[0], 16) + 2))
        if int(size.split(b";")[0], 16) == 0:
            return b"".join(parts)


def _refusal(status: str) -> bytes:
    body = f'<?xml version="1.0"?><Error><Code>{_CODES[status]}</Code><Message>a bad day</Message></Error>'
    head = f"HTTP/1.1 {status} Bad Day\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n\r\n"
    return (head + body).encode()
