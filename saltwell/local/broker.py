"""A real Apache Kafka for one machine: a KRaft node on loopback that lives no longer than this process.

Works on Linux and macOS; that it dies also when this process is killed holds on Linux (see children).
"""

import fcntl
import shutil
import tempfile
import time
from pathlib import Path
from typing import IO, Self

from saltwell.errors import StopError
from saltwell.local import children
from saltwell.local.fast_start import fast_start_flags
from saltwell.local.jars import kafka_classpath
from saltwell.local.kafka_node import KafkaNode, PortTakenError
from saltwell.local.kafka_settings import KafkaSettings
from saltwell.local.ports import LOOPBACK, free_ports, is_free

_START_S = 60.0
_STOP_S = 10.0
_PORT_TRIES = 5
# The JVM of a killed process holds the folder until the kernel has taken it down.
_LOCK_S = 2.0
_POLL_S = 0.05

GIB = 1024**3
HOUR_MS = 3_600_000


class EmbeddedBroker:
    """A broker: `with EmbeddedBroker(folder) as broker:`, then connect to `broker.bootstrap`.

    `folder` keeps the data for the next start; without one it is temporary and goes at the stop. `port` 0 takes a
    free one. A partition keeps at most about `retention_bytes`, and records for at least `retention_ms`, whichever
    bound comes first; -1 sets no bound.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        port: int = 0,
        retention_bytes: int = GIB,
        retention_ms: int = HOUR_MS,
    ) -> None:
        self._kept = folder
        self._fixed_port = port
        self._retention = (retention_bytes, retention_ms)
        self._folder = Path()
        self._lock: IO[bytes] | None = None
        self._node: KafkaNode | None = None
        self._process: children.Child | None = None

    @property
    def bootstrap(self) -> str:
        """Where clients connect, "127.0.0.1:PORT". Raises StopError when the broker was not started."""
        return f"{LOOPBACK}:{self._running()[0].settings.port}"

    @property
    def log(self) -> Path:
        """Kafka's log of this run. Raises StopError when the broker was not started."""
        return self._running()[0].settings.log

    @property
    def pid(self) -> int:
        """Process id of Kafka's JVM. Raises StopError when the broker was not started."""
        return self._running()[1].pid

    def start(self) -> None:
        """Start Kafka and wait until it answers; at the first start on a machine, fetch it (30 s).

        Raises StopError when the folder is another broker's, the port is taken, Kafka can't be had or ends.
        What was begun is undone then.
        """
        classpath = kafka_classpath()
        flags = fast_start_flags(classpath)
        if self._fixed_port and not is_free(self._fixed_port):
            raise PortTakenError(self._fixed_port)
        try:
            self._take_folder()
            self._start_on_free_ports(classpath, flags)
        except BaseException:  # Ctrl-C too: nothing may stay behind
            self.stop()
            raise

    def stop(self) -> None:
        """Stop Kafka: it closes its files, in a third of a second as a rule; after 10 s it is killed."""
        if self._process is not None:
            children.stop(self._process, grace_s=_STOP_S)
        self._process = self._node = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None
            if self._kept is None:
                shutil.rmtree(self._folder, ignore_errors=True)

    def kill(self) -> None:
        """Kill Kafka as a crash would, and keep its folder: for trying what survives. `stop` is still due."""
        process = self._running()[1]
        process.kill()
        process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _running(self) -> tuple[KafkaNode, children.Child]:
        if self._node is None or self._process is None:
            raise StopError("the embedded broker is not running; start it first")
        return self._node, self._process

    def _take_folder(self) -> None:
        """Lock the folder. The JVM inherits the lock, so that it holds until both have ended, however they end."""
        self._folder = (self._kept or Path(tempfile.mkdtemp(prefix="saltwell-kafka-"))).absolute()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = (self._folder / "lock").open("ab")
        except OSError as error:
            raise StopError(f"can't write the broker's folder {self._folder}: {error}; choose another") from error
        deadline = time.monotonic() + _LOCK_S
        while not _lock_at_once(self._lock):
            if time.monotonic() > deadline:
                raise StopError(f"{self._folder} is in use by another broker; stop that one, or choose another folder")
            time.sleep(_POLL_S)

    def _start_on_free_ports(self, classpath: list[Path], flags: list[str]) -> None:
        """Start, again with other ports when a free one was taken before Kafka could listen on it."""
        for tries_left in reversed(range(_PORT_TRIES)):
            try:
                self._start_once(classpath, flags)
            except PortTakenError as error:
                if error.port == self._fixed_port or not tries_left:
                    raise
            else:
                return

    def _start_once(self, classpath: list[Path], flags: list[str]) -> None:
        port, controller_port = free_ports(2)
        settings = KafkaSettings(self._folder, self._fixed_port or port, controller_port, *self._retention)
        self._node = KafkaNode(settings, classpath, flags)
        self._node.format()
        assert self._lock is not None  # noqa: S101 - taken before
        self._process = self._node.start(keep_open=[self._lock.fileno()])
        self._node.wait_until_ready(self._process, timeout_s=_START_S)


def _lock_at_once(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
