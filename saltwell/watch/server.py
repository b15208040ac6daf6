"""A page and a stream of server-sent events: GET / and GET /verdicts[?robot=ID]."""

import json
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from typing import cast
from urllib.parse import parse_qs, urlsplit

from saltwell.contracts.results import Verdict
from saltwell.errors import StopError
from saltwell.watch.board import Board
from saltwell.watch.wording import verdict_object

_BEAT_S = 15.0
"""Proxies close a stream that says nothing for a minute."""


def serve_verdicts(board: Board, port: int) -> int:
    """Serve in the background; gives the port (a free one for 0). Raises StopError when it is taken."""
    try:
        server = _Server(port, board)
    except OSError as error:
        raise StopError(f"port {port} is taken; pass another --serve, or 0 for a free one") from error
    threading.Thread(target=server.serve_forever, daemon=True, name="verdicts").start()
    return server.server_address[1]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, board: Board) -> None:
        super().__init__(("", port), _Handler)
        self.board = board
        self.page = resources.files("saltwell.watch").joinpath("page.html").read_bytes()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server, url = cast("_Server", self.server), urlsplit(self.path)
        if url.path == "/":
            self._begin(200, "text/html; charset=utf-8")
            self.wfile.write(server.page)
        elif url.path == "/verdicts":
            self._stream(server.board, parse_qs(url.query).get("robot", [""])[0])
        else:
            self._begin(404, "text/plain")

    def _begin(self, status: int, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Cache-Control", "no-store")
        self.end_headers()

    def _stream(self, board: Board, robot: str) -> None:
        with board.watch() as watcher:
            if watcher is None:
                self._begin(503, "text/plain")
                return
            self._begin(200, "text/event-stream")
            try:
                while board.watches(watcher):
                    self._send(watcher, robot)
            except (BrokenPipeError, ConnectionResetError):
                pass  # the page was closed

    def _send(self, watcher: "queue.Queue[Verdict]", robot: str) -> None:
        try:
            verdict = watcher.get(timeout=_BEAT_S)
        except queue.Empty:
            self.wfile.write(b": still here\n\n")
            return
        if robot in {"", verdict.robot}:
            self.wfile.write(f"event: verdict\ndata: {json.dumps(verdict_object(verdict))}\n\n".encode())

    def log_message(self, *_: object) -> None:
        pass
