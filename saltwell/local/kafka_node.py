"""One run of Kafka's JVM: from settings to a broker that answers."""

import os
import re
import secrets
import shutil
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from saltwell.errors import StopError
from saltwell.local import children
from saltwell.local.jars import java
from saltwell.local.kafka_settings import KafkaSettings, log4j2_properties, server_properties

# Measured on 2 cores (start without archive / its CPU / CPU to take in 90 MB of 300 B records): serial collector and
# first compiler only 2.0 s / 2.6 s / 0.8 s; serial 2.6 / 4.1 / 1.0; Java's default, G1, 2.7 / 4.3 / 1.1.
_JVM_FLAGS = (
    "-Xms64m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-XX:+ExitOnOutOfMemoryError",
    "--sun-misc-unsafe-memory-access=allow",
)
_FORMAT_S = 60.0
_POLL_S = 0.02
_FAILURE = re.compile(r"(?:Caused by: )?[\w.$]+(?:Exception|Error): (?P<what>.+)")


class PortTakenError(StopError):
    """Another program listens on a port that was to be this broker's."""

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port} is taken: stop what listens there, or pass another --port, 0 = any free one")
        self.port = port


@dataclass(frozen=True, slots=True)
class KafkaNode:
    """A node that is to run with these settings, archives and extra flags of the JVM."""

    settings: KafkaSettings
    classpath: Sequence[Path]
    jvm_flags: Sequence[str] = ()

    def format(self, cluster: str) -> None:
        """Make Kafka's data folder, with Kafka's own tool, unless there is one. Whole or not at all.

        All nodes of a cluster are given the same `new_cluster_id`.
        """
        data, unfinished = self.settings.data, self.settings.folder / "data.unfinished"
        if data.exists():
            return
        self.settings.folder.mkdir(exist_ok=True)
        shutil.rmtree(unfinished, ignore_errors=True)
        arguments = ["format", f"--cluster-id={cluster}", "--config"]
        process = self._run("kafka.tools.StorageTool", *arguments, data=unfinished)
        if process.wait(_FORMAT_S) != 0:
            raise self._failure("can't be formatted")
        unfinished.rename(data)

    def start(self, *, keep_open: Collection[int] = ()) -> children.Child:
        """Start the broker; it does not answer yet."""
        self._output.unlink(missing_ok=True)
        if self.settings.log.exists():
            self.settings.log.replace(self.settings.log.with_suffix(".previous.log"))
        return self._run("kafka.Kafka", data=self.settings.data, keep_open=keep_open)

    def wait_until_ready(self, process: children.Child, *, timeout_s: float, brokers: int = 1) -> None:
        """Wait until the broker answers a client's request for metadata and knows of so many `brokers`.

        Raises PortTakenError when a port was taken, StopError when it ended or does not answer in time.
        """
        bootstrap = f"127.0.0.1:{self.settings.port}"
        # log_level 0: refused connections are what this waits through, not news.
        client = AdminClient(
            {"bootstrap.servers": bootstrap, "log_level": 0, "reconnect.backoff.ms": 10, "reconnect.backoff.max.ms": 50}
        )
        deadline = time.monotonic() + timeout_s
        while _brokers_known(client) < brokers:
            if process.poll() is not None:
                raise self._failure(f"ended with code {process.returncode} while it started")
            if time.monotonic() > deadline:
                raise self._failure(f"gives no answer at {bootstrap} after {timeout_s:.0f} s")
            time.sleep(_POLL_S)

    @property
    def _output(self) -> Path:
        return self.settings.folder / "kafka.out"

    def _run(self, main: str, *arguments: str, data: Path, keep_open: Collection[int] = ()) -> children.Child:
        folder = self.settings.folder
        (folder / "log4j2.properties").write_text(log4j2_properties(self.settings), encoding="utf-8")
        (folder / "server.properties").write_text(server_properties(self.settings, data=data), encoding="utf-8")
        command = [str(java()), *_JVM_FLAGS, *self.jvm_flags]
        command += [f"-Dlog4j2.configurationFile={folder / 'log4j2.properties'}"]
        command += ["-cp", os.pathsep.join(map(str, self.classpath)), main]
        command += [*arguments, str(folder / "server.properties")]
        return children.start(command, log=self._output, keep_open=keep_open)

    def _failure(self, what: str) -> StopError:
        """Say why, in Kafka's last word on it: the deepest cause in its log, else its last line of output."""
        lines = [*children.last_lines(self._output), *children.last_lines(self.settings.log)]
        if taken := next(filter(None, (re.search(r"failed to bind to \S+:(\d+)", line) for line in lines)), None):
            return PortTakenError(int(taken[1]))
        causes = [found["what"] for line in lines if (found := _FAILURE.match(line))]
        word = causes[-1] if causes else children.last_line(self._output)
        return StopError(f"Kafka {what}: {word or 'it said nothing'} (log: {self.settings.log})")


def new_cluster_id() -> str:
    """Give a name for a new cluster, in the form that Kafka wants."""
    return secrets.token_urlsafe(16)


def _brokers_known(client: AdminClient) -> int:
    try:
        return len(client.list_topics(timeout=0.5).brokers)
    except KafkaException:
        return 0
