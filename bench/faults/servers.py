"""Servers that the pipeline leans on, as their makers ship them: versitygw (S3) and Apicurio (schemas)."""

import os
import socket
import tarfile
import time
from pathlib import Path

from bench.go_tool import go_tool
from saltwell.errors import StopError
from saltwell.local import children
from saltwell.local.jars import cache_folder, download_artifact, java
from saltwell.local.ports import free_ports

S3_SERVER = "github.com/versity/versitygw/cmd/versitygw"
S3_VERSION = "v1.8.0"
APICURIO_VERSION = "3.3.3"
BUCKET = "episodes"

_KEYS = {"AWS_ACCESS_KEY_ID": "saltwell", "AWS_SECRET_ACCESS_KEY": "only-for-tests", "AWS_REGION": "us-east-1"}
_START_S = 120.0
_STOP_S = 10.0
_POLL_S = 0.05


class Server:
    """A program that listens on a port; it can be killed and started again where it was."""

    def __init__(self, command: list[str], *, port: int, log: Path, env: dict[str, str] | None = None) -> None:
        self._command = command
        self._env = env
        self.log = log
        self.port = port
        self.process = self._spawn()

    @property
    def pid(self) -> int:
        """Of the running program."""
        return self.process.pid

    def kill(self) -> None:
        """As a crash would."""
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        """Start it again after `kill` and wait until it listens."""
        self.process = self._spawn()
        self.wait()

    def wait(self) -> None:
        """Wait until it listens; StopError with its last word when it does not."""
        deadline = time.monotonic() + _START_S
        while not _listens(self.port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise StopError(f"{self._command[0]} does not listen: {children.last_line(self.log)} (log: {self.log})")
            time.sleep(_POLL_S)

    def stop(self) -> None:
        """End it."""
        children.stop(self.process, grace_s=_STOP_S)

    def _spawn(self) -> children.Child:
        return children.start(self._command, log=self.log, env=self._env)


def s3_server(folder: Path) -> Server:
    """Start versitygw over a folder with the bucket `BUCKET`; it keeps what was put there."""
    (folder / "root" / BUCKET).mkdir(parents=True)
    (folder / "sidecar").mkdir()
    (port,) = free_ports(1)
    command = [
        str(go_tool(S3_SERVER, S3_VERSION)),
        "--port",
        f"127.0.0.1:{port}",
        "--quiet",
        "posix",
        "--sidecar",
        f"{folder}/sidecar",
    ]
    keys = {"ROOT_ACCESS_KEY": _KEYS["AWS_ACCESS_KEY_ID"], "ROOT_SECRET_KEY": _KEYS["AWS_SECRET_ACCESS_KEY"]}
    server = Server([*command, f"{folder}/root"], port=port, log=folder / "log", env=keys)
    server.wait()
    return server


def s3_client_env(port: int) -> dict[str, str]:
    """What clients of the server need in their environment."""
    return {**_KEYS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}


def registry_server(folder: Path) -> Server:
    """Start Apicurio Registry; it keeps schemas in memory only."""
    jar = registry_jar()
    port, management = free_ports(2)  # its management would take 9000, where two registries meet
    flags = ["-Xmx256m", f"-Dquarkus.http.port={port}", "-Dquarkus.http.host=127.0.0.1"]
    flags.append(f"-Dquarkus.management.port={management}")
    server = Server([str(java()), *flags, "-jar", str(jar)], port=port, log=folder / "registry.log")
    server.wait()
    return server


def registry_jar() -> Path:
    """Of Apicurio Registry, downloaded once; what it needs lies beside it."""
    home = _apicurio()
    return next(iter([*home.glob("*runner*.jar"), *home.glob("quarkus-run.jar")]))


def registry_url(port: int) -> str:
    """The part of the registry that speaks as Confluent's does."""
    return f"http://127.0.0.1:{port}/apis/ccompat/v7"


def _apicurio() -> Path:
    home = cache_folder() / f"apicurio-{APICURIO_VERSION}"
    if not home.exists():
        name = ("io.apicurio", "apicurio-registry-app", APICURIO_VERSION)
        draft = home.with_suffix(f".{os.getpid()}")
        with tarfile.open(download_artifact(*name, classifier="all", extension="tar.gz")) as packed:
            packed.extractall(draft, filter="data")
        draft.rename(home)
    return home


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
