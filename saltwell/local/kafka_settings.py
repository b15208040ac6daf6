"""Settings of one embedded Kafka node, as the texts that Kafka and log4j2 read.

The names are of Kafka 4.4 (its documentation, "Broker Configs"). What is not set here has Kafka's default.
"""

from dataclasses import dataclass
from pathlib import Path

# A frame is at most 4 MiB, a batch has room for two.
_MESSAGE_MAX_BYTES = 8 * 1024**2 + 64 * 1024


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """What differs between two embedded nodes; both ports are on loopback."""

    folder: Path
    port: int
    controller_port: int
    retention_bytes: int
    retention_ms: int

    @property
    def data(self) -> Path:
        """The folder of Kafka's own files."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """The log of this run."""
        return self.folder / "kafka.log"


def server_properties(settings: KafkaSettings, *, data: Path) -> str:
    """Give Kafka's settings file for one node that is both broker and controller, with its files in `data`."""
    return f"""\
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:{settings.port},CONTROLLER://127.0.0.1:{settings.controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{settings.port}
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:{settings.controller_port}
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

# One node: one replica of everything, and few partitions that all have to be opened at a start.
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=4

# A dead producer's transaction hides newer records from readers: look for expired ones every second, not every 10.
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000

# After a crash the node waits until its own former registration has expired: 3 s, not 9.
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
