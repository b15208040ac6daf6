"""A real Apache Kafka on loopback: one KRaft node, its own ports, its data in one folder, never an orphan."""

import fcntl
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import IO, Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from saltwell.errors import StopError
from saltwell.local import children
from saltwell.local.jars import java, kafka_classpath

_START_S = 60.0
_STOP_S = 10.0
_POLL_S = 0.1

_JVM = ("-Xms256m", "-Xmx768m", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-Xshare:auto")

_LOG4J = """
Configuration:
  Appenders:
    Console: {name: STDOUT, target: SYSTEM_OUT, PatternLayout: {pattern: "%d %p %m (%c)%n"}}
  Loggers:
    Root: {level: WARN, AppenderRef: [{ref: STDOUT}]}
"""

_PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={logs}
auto.create.topics.enable=false
num.network.threads=2
num.io.threads=4
log.retention.ms=3600000
log.retention.bytes={retention_bytes}
log.segment.bytes=134217728
message.max.bytes=8388608
replica.fetch.max.bytes=8388608
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.consumer.heartbeat.interval.ms=500
group.consumer.min.heartbeat.interval.ms=500
group.consumer.session.timeout.ms=6000
group.consumer.min.session.timeout.ms=3000
group.initial.rebalance.delay.ms=0
"""


class EmbeddedBroker:
    """Start with `with EmbeddedBroker(folder) as broker:` and connect to `broker.bootstrap`.

    `folder` keeps the data over restarts; without one it is temporary. `port` 0 takes a free one.
    """

    def __init__(self, folder: Path | None = None, *, port: int = 0, retention_bytes: int = 4 * 1024**3) -> None:
        self._temporary = folder is None
        self._folder = folder or Path(tempfile.mkdtemp(prefix="saltwell-kafka-"))
        self._fixed_port = port
        self._retention_bytes = retention_bytes
        self._lock: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    @property
    def bootstrap(self) -> str:
        """Where clients connect."""
        return f"127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """Process id of the JVM."""
        if self._process is None:
            raise StopError("the broker is not running")
        return self._process.pid

    @property
    def log(self) -> Path:
        """The broker's log."""
        return self._folder / "kafka.log"

    def start(self) -> None:
        """Start and wait until the broker answers; StopError when it does not."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._take_folder()
        runtime, jars = java(), kafka_classpath()
        if self._fixed_port and not _is_free(self._fixed_port):
            raise StopError(f"port {self._fixed_port} is taken; pass another port, or 0 for a free one")
        self._port, controller = (self._fixed_port or _free_port()), _free_port()
        properties = self._configure(controller)
        base = [str(runtime), *_JVM, f"-Dlog4j2.configurationFile={self._folder / 'log4j2.yaml'}"]
        base += ["-cp", ":".join(map(str, jars))]
        if not (self._folder / "data" / "meta.properties").exists():
            self._format(base, properties)
        self._process = children.start([*base, "kafka.Kafka", str(properties)], log=self.log)
        self._await_answer()

    def stop(self) -> None:
        """Stop, and remove the data when it was temporary."""
        if self._process is not None:
            children.stop(self._process, grace_s=_STOP_S)
            self._process = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None
        if self._temporary:
            shutil.rmtree(self._folder, ignore_errors=True)

    def kill(self) -> None:
        """SIGKILL, for tests of what survives it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _take_folder(self) -> None:
        """The lock goes with the process, so a crash leaves nothing to clean up."""
        self._lock = (self._folder / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            self._lock = None
            raise StopError(f"{self._folder} is in use by another broker; stop it, or pass another folder") from error

    def _configure(self, controller: int) -> Path:
        (self._folder / "log4j2.yaml").write_text(_LOG4J, encoding="utf-8")
        path = self._folder / "server.properties"
        text = _PROPERTIES.format(
            port=self._port, controller=controller, logs=self._folder / "data", retention_bytes=self._retention_bytes
        )
        path.write_text(text, encoding="utf-8")
        return path

    def _format(self, base: list[str], properties: Path) -> None:
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        command = [
            *base,
            "kafka.tools.StorageTool",
            "format",
            f"--cluster-id={cluster}",
            "-c",
            str(properties),
        ]  # may begin with -
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise StopError(
                f"{self._folder} can't be formatted for Kafka: {(done.stderr or done.stdout).strip()[-300:]}"
            )

    def _await_answer(self) -> None:
        deadline = time.monotonic() + _START_S
        client = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0, "reconnect.backoff.max.ms": 200})
        while time.monotonic() < deadline:
            if self._process is not None and self._process.poll() is not None:
                raise StopError(f"Kafka did not start: {children.last_line(self.log)} (log: {self.log})")
            try:
                if client.list_topics(timeout=1).brokers:
                    return
            except KafkaException:
                time.sleep(_POLL_S)
        raise StopError(f"Kafka does not answer at {self.bootstrap} after {_START_S:.0f} s (log: {self.log})")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
