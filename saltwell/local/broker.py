"""A real Apache Kafka for one machine: KRaft nodes on loopback that live no longer than this process.

Works on Linux and macOS; that they die also when this process is killed holds on Linux (see children).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from saltwell.errors import StopError
from saltwell.local import children
from saltwell.local.broker_folder import BrokerFolder
from saltwell.local.fast_start import fast_start_flags
from saltwell.local.jars import kafka_classpath
from saltwell.local.kafka_node import KafkaNode, PortTakenError, new_cluster_id
from saltwell.local.kafka_settings import KafkaSettings, copies
from saltwell.local.ports import LOOPBACK, free_ports, is_free

_START_S = 180.0  # 2 s as a rule; 51 s were seen beside 50 other runnable threads on 2 cores
_STOP_S = 10.0
_PORT_TRIES = 5
# Each of several nodes gets less; three took 0.55 GB of memory together after their start (`saltwell up --brokers 3`).
_HEAP_OF_SEVERAL = "-Xmx256m"

GIB = 1024**3
HOUR_MS = 3_600_000


class EmbeddedBroker:
    """A broker, or a cluster of some: `with EmbeddedBroker(folder) as broker:`, then connect to `broker.bootstrap`.

    `folder` keeps the data for the next start; without one it is temporary and goes at the stop. `port` 0 takes a
    free one; of several `brokers` the first one has it. Three keep three copies of everything, and one of them may be
    lost. A partition keeps at most about `retention_bytes`, and records for at least `retention_ms`, whichever bound
    comes first; -1 sets no bound. `advertised_ports` are where clients are sent, a port for each broker, when something
    stands between them and the brokers.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        port: int = 0,
        brokers: int = 1,
        retention_bytes: int = GIB,
        retention_ms: int = HOUR_MS,
        advertised_ports: Sequence[int] = (),
    ) -> None:
        self._kept = folder
        self._fixed_port = port
        self._count = brokers
        self._retention = (retention_bytes, retention_ms)
        self._advertised_ports = advertised_ports or [0] * brokers
        self._folder: BrokerFolder | None = None
        self._nodes: list[KafkaNode] = []
        self._processes: list[children.Child] = []

    @property
    def bootstrap(self) -> str:
        """Where clients connect, "127.0.0.1:PORT,...". Raises StopError when the broker was not started."""
        return ",".join(f"{LOOPBACK}:{port}" for port in self.ports)

    @property
    def ports(self) -> list[int]:
        """Port of each broker. Raises StopError when they were not started."""
        return [node.settings.port for node in self._running()]

    @property
    def copies(self) -> int:
        """Copies that a topic can have: its replication factor."""
        return copies(self._count)

    @property
    def log(self) -> Path:
        """The first broker's log of this run. Raises StopError when the broker was not started."""
        return self._running()[0].settings.log

    @property
    def pid(self) -> int:
        """Process id of the first broker's JVM. Raises StopError when the broker was not started."""
        return self.pids[0]

    @property
    def pids(self) -> list[int]:
        """Process id of each broker's JVM. Raises StopError when they were not started."""
        self._running()
        return [process.pid for process in self._processes]

    def start(self) -> None:
        """Start Kafka and wait until it answers; at the first start on a machine, fetch it (30 s).

        Raises StopError when the folder is another broker's, the port is taken, Kafka can't be had or ends.
        What was begun is undone then.
        """
        classpath = kafka_classpath()
        flags = [*fast_start_flags(classpath), *([_HEAP_OF_SEVERAL] if self._count > 1 else [])]
        if self._fixed_port and not is_free(self._fixed_port):
            raise PortTakenError(self._fixed_port)
        try:
            self._folder = BrokerFolder(self._kept)
            self._start_on_free_ports(self._folder, classpath, flags)
        except BaseException:  # Ctrl-C too: nothing may stay behind
            self.stop()
            raise

    def stop(self) -> None:
        """Stop Kafka: it closes the files of a kept folder, within a second as a rule; after 10 s it is killed."""
        self._stop_nodes()
        if self._folder is not None:
            self._folder.release()
            self._folder = None

    def kill(self, number: int = 0) -> None:
        """Kill a broker as a crash would, and keep its folder: for trying what survives. `stop` is still due."""
        self._running()
        process = self._processes[number]
        process.kill()
        process.wait()

    def restart(self, number: int = 0) -> None:
        """Start a broker again after `kill`, where it was, and wait until it answers. Raises StopError."""
        node = self._running()[number]
        self._processes[number] = self._start_node(node)
        node.wait_until_ready(self._processes[number], timeout_s=_START_S)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _running(self) -> list[KafkaNode]:
        if not self._nodes or len(self._nodes) != len(self._processes):
            raise StopError("the embedded broker is not running; start it first")
        return self._nodes

    def _start_on_free_ports(self, folder: BrokerFolder, classpath: list[Path], flags: list[str]) -> None:
        """Start, again with other ports when a free one was taken before Kafka could listen on it."""
        for tries_left in reversed(range(_PORT_TRIES)):
            try:
                self._start_once(folder, classpath, flags)
            except PortTakenError as error:
                if error.port == self._fixed_port or not tries_left:
                    raise
                self._stop_nodes()
            else:
                return

    def _start_once(self, folder: BrokerFolder, classpath: list[Path], flags: list[str]) -> None:
        cluster = new_cluster_id()
        self._nodes = [KafkaNode(settings, classpath, flags) for settings in self._settings(folder.path)]
        for node in self._nodes:
            node.format(cluster)
        for node in self._nodes:
            self._processes.append(self._start_node(node))
        for node, process in zip(self._nodes, self._processes, strict=True):
            node.wait_until_ready(process, timeout_s=_START_S, brokers=self._count)

    def _settings(self, folder: Path) -> list[KafkaSettings]:
        """A node's own folder lies in the broker's, unless there is one node only."""
        port, *more = free_ports(2 * self._count)
        ports = [self._fixed_port or port, *more[: self._count - 1]]
        controller_ports = more[self._count - 1 :]
        return [
            KafkaSettings(
                folder / f"broker-{i}" if self._count > 1 else folder,
                ports[i - 1],
                controller_ports,
                *self._retention,
                node=i,
                advertised_port=self._advertised_ports[i - 1],
            )
            for i in range(1, self._count + 1)
        ]

    def _start_node(self, node: KafkaNode) -> children.Child:
        assert self._folder is not None  # noqa: S101 - taken before
        return node.start(keep_open=[self._folder.lock])

    def _stop_nodes(self) -> None:
        """Stop all at once: the last of several alone is no quorum, and would wait for one in vain."""
        for process in self._processes:
            if process.poll() is None:
                process.terminate() if self._kept else process.kill()
        for process in self._processes:
            children.stop(process, grace_s=_STOP_S)
        self._nodes, self._processes = [], []
