"""Settings of one embedded Kafka node, as the texts that Kafka and log4j2 read.

The names are of Kafka 4.4 (its documentation, "Broker Configs"). What is not set here has Kafka's default.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# A frame is at most 4 MiB, a batch has room for two.
_MESSAGE_MAX_BYTES = 8 * 1024**2 + 64 * 1024
_COPIES = 3


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """What differs between two embedded nodes; all ports are on loopback.

    `controller_ports` are those of all nodes of the cluster, in their order; `node` counts from 1. Clients connect to
    `advertised_port`, which is the node's own port unless something stands between.
    """

    folder: Path
    port: int
    controller_ports: Sequence[int]
    retention_bytes: int
    retention_ms: int
    node: int = 1
    advertised_port: int = 0

    @property
    def data(self) -> Path:
        """The folder of Kafka's own files."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """The log of this run."""
        return self.folder / "kafka.log"

    @property
    def copies(self) -> int:
        """How many nodes keep each partition."""
        return copies(len(self.controller_ports))


def copies(nodes: int) -> int:
    """Copies of each partition on a cluster of so many nodes: three as soon as there are three nodes."""
    return min(nodes, _COPIES)


def server_properties(settings: KafkaSettings, *, data: Path) -> str:
    """Give Kafka's settings file for one node that is both broker and controller, with its files in `data`."""
    voters = ",".join(f"{n}@127.0.0.1:{port}" for n, port in enumerate(settings.controller_ports, 1))
    controller_port = settings.controller_ports[settings.node - 1]
    in_sync = max(1, settings.copies - 1)  # a commit needs so many: one of three may be lost
    return f"""\
process.roles=broker,controller
node.id={settings.node}
listeners=PLAINTEXT://127.0.0.1:{settings.port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{settings.advertised_port or settings.port}
controller.listener.names=CONTROLLER
controller.quorum.voters={voters}
log.dirs={data}
auto.create.topics.enable=false

# Bounded: what a partition keeps is checked every 10 s and is gone 1 s later. A segment goes as a whole.
log.retention.bytes={settings.retention_bytes}
log.retention.ms={settings.retention_ms}
log.segment.bytes={128 * 1024**2}
log.retention.check.interval.ms=10000
log.segment.delete.delay.ms=1000
message.max.bytes={_MESSAGE_MAX_BYTES}
replica.fetch.max.bytes={_MESSAGE_MAX_BYTES}

# Kafka's own topics: as many copies as the others, and few partitions that all have to be opened at a start.
min.insync.replicas={in_sync}
offsets.topic.replication.factor={settings.copies}
offsets.topic.num.partitions=4
transaction.state.log.replication.factor={settings.copies}
transaction.state.log.min.isr={in_sync}
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor={settings.copies}
share.coordinator.state.topic.min.isr={in_sync}
share.coordinator.state.topic.num.partitions=4

# A dead producer's transaction hides newer records from readers: look for expired ones every second, not every 10.
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000

# A dead node's partitions get another leader after 3 s, not 9; its own registration has expired by then, too.
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000

# A group learns of a change within a heartbeat, and of a death within a session.
group.initial.rebalance.delay.ms=0
group.consumer.assignors=uniform,range
group.consumer.assignment.interval.ms=0
group.consumer.heartbeat.interval.ms=200
group.consumer.min.heartbeat.interval.ms=200
group.consumer.session.timeout.ms=1500
group.consumer.min.session.timeout.ms=1500

# Two cores, shared with the pipeline.
num.network.threads=2
num.io.threads=4
background.threads=2
group.coordinator.threads=1
log.cleaner.threads=1
log.cleaner.dedupe.buffer.size={16 * 1024**2}
"""


def log4j2_properties(settings: KafkaSettings) -> str:
    """Give the settings of Kafka's log: one file of the run, turned over at 10 MB, three kept."""
    return f"""\
appender.file.type=RollingFile
appender.file.name=file
appender.file.fileName={settings.log}
appender.file.filePattern={settings.log}.%i
appender.file.layout.type=PatternLayout
appender.file.layout.pattern=%d %p %m (%c)%n
appender.file.policies.type=SizeBasedTriggeringPolicy
appender.file.policies.size=10MB
appender.file.strategy.type=DefaultRolloverStrategy
appender.file.strategy.max=3
rootLogger.level=INFO
rootLogger.appenderRef.file.ref=file
"""
