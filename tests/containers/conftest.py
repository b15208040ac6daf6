"""The pipeline as containers on a network of its own: Kafka, an S3 server, and the project's own images."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from saltwell.local.jars import java, kafka_classpath
from saltwell.local.stack import WORKERS

REPOSITORY = Path(__file__).resolve().parents[2]
BASE = os.environ.get("SALTWELL_TEST_BASE", "python:3.11-slim-bookworm")
BUILD_S = 1500
START_S = 180
KEYS = {"AWS_ACCESS_KEY_ID": "saltwell", "AWS_SECRET_ACCESS_KEY": "only-for-tests", "AWS_REGION": "us-east-1"}
# As the chart runs them.
CONFINED = ["--read-only", "--tmpfs=/tmp:size=2g,mode=1777", "--cap-drop=ALL", "--security-opt=no-new-privileges"]


def docker(*arguments: str, timeout_s: float = 120) -> str:
    done = subprocess.run(
        ["docker", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
        env=os.environ | {"DOCKER_BUILDKIT": "0"},
    )
    assert done.returncode == 0, f"docker {' '.join(arguments)}: {done.stderr[-2000:]}"
    return done.stdout.strip()


def until(holds: Callable[[], bool], what: str, *, deadline_s: float = START_S) -> None:
    deadline = time.monotonic() + deadline_s
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.2)


@pytest.fixture(scope="session")
def images() -> Callable[[str], str]:
    """Gives the image of a target, built from this tree."""
    if shutil.which("docker") is None:
        pytest.skip("no docker: install it, or `source tests/containers/docker.sh FOLDER`")
    if subprocess.run(["docker", "version"], capture_output=True, check=False).returncode:
        pytest.skip("no Docker daemon answers: start one, or `source tests/containers/docker.sh FOLDER`")

    def build(target: str) -> str:
        tag = f"saltwell-{target}:test"
        file = str(REPOSITORY / "deploy" / "images" / "Dockerfile")
        options = ["--network=host", f"--build-arg=BASE={BASE}", f"--target={target}", f"--tag={tag}", f"--file={file}"]
        docker("build", "--quiet", *options, str(REPOSITORY), timeout_s=BUILD_S)
        return tag

    return build


@dataclass
class Floor:
    """A running pipeline; each container's name is `PREFIX-name`."""

    prefix: str
    images: dict[str, str]
    bucket: dict[str, str]

    def name(self, part: str) -> str:
        return f"{self.prefix}-{part}"

    def start(self, part: str, *, replica: int = 1) -> str:
        """Start a part, or a further replica of it."""
        image = self.images["sinks" if part == "episodes" else "processors"]
        name = self.name(part if replica == 1 else f"{part}-{replica}")
        env = {"SALTWELL_BOOTSTRAP": "kafka:9092"}
        if part == "episodes":
            env |= KEYS | {"SALTWELL_STORE": "s3://episodes", "AWS_ENDPOINT_URL": "http://s3:7070"}
        options = [f"--env={key}={value}" for key, value in env.items()]
        docker(
            *("run", "--detach", f"--name={name}", f"--network={self.prefix}", *CONFINED, *options, image),
            *(*WORKERS[part], "--metrics-port=9400", f"--instance={name}"),
        )
        return name

    def play(self, *, robot: str, episode: str, speed: str = "max") -> subprocess.Popen[str]:
        """Play the sample as a robot."""
        samples = f"--volume={REPOSITORY / 'samples'}:/samples:ro"
        return subprocess.Popen(
            [
                *("docker", "run", "--rm", f"--network={self.prefix}", *CONFINED, samples, self.images["edge"]),
                *("replay", "/samples/sort_parts.mcap", "--bootstrap=kafka:9092", "--json"),
                *(f"--robot={robot}", f"--episode={episode}", f"--speed={speed}"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def healthy(self, part: str) -> bool:
        return docker("inspect", "--format={{.State.Health.Status}}", self.name(part)) == "healthy"

    def finished(self, episode: str, *, deadline_s: float = 240) -> dict[str, Any]:
        """The episode once it is in the store, whole, as `episodes ls --json` tells of it."""
        until(lambda: self._episodes("show", episode).returncode == 0, f"{episode} finished", deadline_s=deadline_s)
        verified = self._episodes("verify", episode)
        assert verified.returncode == 0, verified.stderr
        [shown] = [one for one in json.loads(self._episodes("ls", "--json").stdout) if one["id"] == episode]
        return dict(shown)

    def logs(self) -> str:
        names = [self.name(part) for part in WORKERS]
        found = [subprocess.run(["docker", "logs", "--tail=15", n], capture_output=True, text=True) for n in names]  # noqa: PLW1510
        return "\n".join(f"== {n}\n{done.stderr[-1500:]}" for n, done in zip(names, found, strict=True))

    def _episodes(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "saltwell.cli.main", "episodes", *arguments, "--store", "s3://episodes"],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | self.bucket,
        )


@pytest.fixture(scope="module")
def floor(images, go_tool, tmp_path_factory) -> Iterator[Floor]:
    """All parts, a broker and an S3 server as containers; everything is gone at the end."""
    built = {target: images(target) for target in ("edge", "sinks", "processors")}
    prefix = f"saltwell-test-{os.getpid()}"
    folder = tmp_path_factory.mktemp("containers")
    docker("network", "create", prefix)
    running = Floor(prefix, built, {})
    try:
        _start_kafka(running, folder)
        running.bucket = _start_s3(running, go_tool("github.com/versity/versitygw/cmd/versitygw", "v1.8.0"))
        where = [f"--network={prefix}", *CONFINED, built["processors"]]
        docker("run", "--rm", *where, "topics", "create", "--bootstrap=kafka:9092", "--partitions=4")
        for part in WORKERS:
            running.start(part)
        for part in WORKERS:
            until(lambda part=part: running.healthy(part), f"{part} healthy")
        yield running
    finally:
        names = docker("ps", "--all", "--quiet", f"--filter=network={prefix}").split()
        names += docker("ps", "--all", "--quiet", f"--filter=name={prefix}").split()
        if names:
            docker("rm", "--force", *set(names))
        docker("network", "rm", prefix)


def _start_kafka(floor: Floor, folder: Path) -> None:
    """The base image with the JRE and the jars of this machine: no image of Kafka is needed."""
    jre, jars = java().parent.parent, sorted({path.parent for path in kafka_classpath()})
    (folder / "server.properties").write_text(_KAFKA, encoding="utf-8")
    (folder / "start").write_text(
        "#!/bin/sh\n"
        f"kafka='{java()} -Xmx512m -cp {':'.join(map(str, kafka_classpath()))}'\n"
        "$kafka kafka.tools.StorageTool format --cluster-id=c2FsdHdlbGwtY29udGFpbg --config /conf/server.properties\n"
        "exec $kafka kafka.Kafka /conf/server.properties\n",
        encoding="utf-8",
    )
    volumes = [f"--volume={path}:{path}:ro" for path in [jre, *jars]] + [f"--volume={folder}:/conf:ro"]
    where = [f"--name={floor.name('kafka')}", f"--network={floor.prefix}", "--network-alias=kafka"]
    docker("run", "--detach", *where, *volumes, BASE, "sh", "/conf/start")
    connect = "import socket; socket.create_connection(('kafka', 9092), 1)"
    probe = ["docker", "exec", floor.name("kafka"), "python3", "-c", connect]
    until(lambda: subprocess.run(probe, capture_output=True, check=False).returncode == 0, "Kafka started")


def _start_s3(floor: Floor, server: Path) -> dict[str, str]:
    """Gives the environment of a client on this machine."""
    keys = ["--env=ROOT_ACCESS_KEY=saltwell", "--env=ROOT_SECRET_KEY=only-for-tests"]
    where = [
        f"--name={floor.name('s3')}",
        f"--network={floor.prefix}",
        "--network-alias=s3",
        "--publish=127.0.0.1::7070",
    ]
    command = (
        "mkdir -p /data/root/episodes /data/sidecar && exec /s3 --port :7070 posix --sidecar /data/sidecar /data/root"
    )
    docker("run", "--detach", *where, *keys, f"--volume={server}:/s3:ro", BASE, "sh", "-c", command)
    port = docker("port", floor.name("s3"), "7070").splitlines()[0].rsplit(":", 1)[1]
    return KEYS | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}


_KAFKA = f"""\
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://:9092,CONTROLLER://127.0.0.1:9093
advertised.listeners=PLAINTEXT://kafka:9092
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:9093
log.dirs=/tmp/data
auto.create.topics.enable=false
message.max.bytes={8 * 1024**2 + 64 * 1024}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
group.initial.rebalance.delay.ms=0
group.consumer.assignors=uniform,range
group.consumer.heartbeat.interval.ms=500
group.consumer.min.heartbeat.interval.ms=500
group.consumer.session.timeout.ms=5000
group.consumer.min.session.timeout.ms=5000
"""
