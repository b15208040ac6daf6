"""The pipeline as containers on a network of its own: Kafka, a registry, an S3 server, and the project's own images."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import docker
from docker.errors import DockerException
from docker.models.containers import Container
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.image import DockerImage
from testcontainers.core.network import Network

from bench.faults.servers import APICURIO_VERSION, S3_SERVER, S3_VERSION, registry_jar, registry_url
from bench.go_tool import go_tool
from saltwell.errors import StopError
from saltwell.local.jars import java, kafka_classpath
from saltwell.local.ports import free_ports
from saltwell.local.stack import WORKERS

REPOSITORY = Path(__file__).resolve().parent.parent
BASE = os.environ.get("SALTWELL_TEST_BASE", "python:3.11-slim-bookworm")
BUILD_S = 1500
START_S = 180
KEYS = {"AWS_ACCESS_KEY_ID": "saltwell", "AWS_SECRET_ACCESS_KEY": "only-for-tests", "AWS_REGION": "us-east-1"}
AT_KAFKA = {"SALTWELL_BOOTSTRAP": "kafka:9092", "SALTWELL_REGISTRY_URL": "http://registry:8080/apis/ccompat/v7"}
# As the chart runs them.
CONFINED: dict[str, Any] = {"read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges"]}
TMP = "/tmp"  # noqa: S108 - the only place a part may write to


def until(holds: Callable[[], bool], what: str, *, deadline_s: float = START_S) -> None:
    """Wait until it holds; StopError when it never does."""
    deadline = time.monotonic() + deadline_s
    while not holds():
        if time.monotonic() > deadline:
            raise StopError(f"waited {deadline_s:.0f} s in vain: {what}")
        time.sleep(0.2)


def image(target: str) -> str:
    """Build the image of a target of deploy/images from this tree; gives its tag."""
    built = DockerImage(
        REPOSITORY,
        docker_client_kw={"timeout": BUILD_S},
        tag=f"saltwell-{target}:test",
        clean_up=False,
        dockerfile_path="deploy/images/Dockerfile",
        target=target,
        buildargs={"BASE": BASE},
        network_mode="host",
    )
    return str(built.build())


def daemon_answers() -> bool:
    """Whether there is a Docker daemon to start containers with."""
    try:
        return bool(docker.from_env().ping())
    except DockerException:
        return False


@dataclass
class Floor:
    """A running pipeline.

    For who looks on from this machine: `door` is Kafka's address, `registry` the registry's, `bucket` the environment
    of an S3 client.
    """

    network: Network
    images: dict[str, str]
    everything: ExitStack
    door: str
    registry: str = ""
    bucket: dict[str, str] = field(default_factory=dict)
    parts: dict[str, Container] = field(default_factory=dict)

    def run(self, container: DockerContainer, alias: str) -> Container:
        """Start a container that is removed with the floor."""
        container.with_network(self.network).with_network_aliases(alias)
        return self.everything.enter_context(container).get_wrapped_container()

    def start(self, part: str, *, replica: int = 1, **limits: Any) -> Container:
        """Start a part, or a further replica of it; `limits` as Docker names them."""
        name = part if replica == 1 else f"{part}-{replica}"
        env = dict(AT_KAFKA)
        if part == "episodes":
            env |= KEYS | {"SALTWELL_STORE": "s3://episodes", "AWS_ENDPOINT_URL": "http://s3:7070"}
        command = [*WORKERS[part], "--metrics-port=9400", f"--instance={name}"]
        image = self.images["sinks" if part == "episodes" else "processors"]
        self.parts[name] = self.run(confined(image, command, env, **limits), name)
        return self.parts[name]

    def play(self, *, robot: str, episode: str, speed: str = "max") -> Container:
        """Play the sample as a robot."""
        which = [f"--robot={robot}", f"--episode={episode}", f"--speed={speed}"]
        player = confined(self.images["edge"], ["replay", "/samples/sort_parts.mcap", "--json", *which], AT_KAFKA)
        return self.run(player.with_volume_mapping(str(REPOSITORY / "samples"), "/samples"), robot)

    def leave(self, part: str) -> None:
        """A part is gone from the network; it goes on."""
        docker.from_env().networks.get(self.network.name).disconnect(self.parts[part])

    def come_back(self, part: str) -> None:
        """It is there again, under the name it had."""
        docker.from_env().networks.get(self.network.name).connect(self.parts[part], aliases=[part])

    def finished(self, episode: str, *, deadline_s: float = 240) -> dict[str, Any]:
        """The episode once it is in the store, whole, as `episodes ls --json` tells of it."""
        until(lambda: self._episodes("show", episode).returncode == 0, f"{episode} finished", deadline_s=deadline_s)
        verified = self._episodes("verify", episode)
        if verified.returncode:
            raise StopError(verified.stderr)
        [shown] = [one for one in json.loads(self._episodes("ls", "--json").stdout) if one["id"] == episode]
        return dict(shown)

    def logs(self) -> str:
        """The last lines of every part."""
        return "\n".join(f"== {name}\n{part.logs(tail=15).decode()}" for name, part in self.parts.items())

    def _episodes(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "saltwell.cli.main", "episodes", *arguments, "--store", "s3://episodes"],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | self.bucket,
        )


def confined(image: str, command: list[str], env: Mapping[str, str], **limits: Any) -> DockerContainer:
    """A container that may do as little as the chart lets it."""
    container = DockerContainer(image, **CONFINED, **limits).with_command(command).with_envs(**env)
    return container.with_tmpfs_mount(TMP, "size=2g,mode=1777")


def healthy(container: Container) -> bool:
    """What its own health check says."""
    container.reload()
    return bool(container.health == "healthy")


@contextmanager
def floor(folder: Path, *, parts: Collection[str] = tuple(WORKERS)) -> Iterator[Floor]:
    """These parts, a broker, a registry and an S3 server as containers; everything is gone at the end."""
    testcontainers_config.ryuk_disabled = True  # one image less to pull: what is started here is removed here
    built = {target: image(target) for target in ("edge", "sinks", "processors")}
    with ExitStack() as everything:
        (port,) = free_ports(1)
        running = Floor(everything.enter_context(Network()), built, everything, f"127.0.0.1:{port}")
        running.registry = _start_registry(running)
        _start_kafka(running, folder)
        running.bucket = _start_s3(running, go_tool(S3_SERVER, S3_VERSION))
        topics = confined(built["processors"], ["topics", "create", "--partitions=4"], AT_KAFKA)
        made = running.run(topics, "topics")
        if made.wait()["StatusCode"]:
            raise _said(made)
        for part in parts:
            running.start(part)
        for name, container in running.parts.items():
            until(partial(healthy, container), f"{name} healthy")
        yield running


def _said(container: Container) -> StopError:
    return StopError(container.logs().decode())


def _start_kafka(floor: Floor, folder: Path) -> None:
    """The base image with the JRE and the jars of this machine: no image of Kafka is needed."""
    jars = sorted({path.parent for path in kafka_classpath()})
    (folder / "server.properties").write_text(_KAFKA.format(door=floor.door), encoding="utf-8")
    (folder / "start").write_text(
        "#!/bin/sh\n"
        f"kafka='{java()} -Xmx512m -cp {':'.join(map(str, kafka_classpath()))}'\n"
        "$kafka kafka.tools.StorageTool format --cluster-id=c2FsdHdlbGwtY29udGFpbg --config /conf/server.properties\n"
        "exec $kafka kafka.Kafka /conf/server.properties\n",
        encoding="utf-8",
    )
    kafka = DockerContainer(BASE).with_command(["sh", "/conf/start"]).with_volume_mapping(str(folder), "/conf")
    kafka.with_bind_ports(9094, int(floor.door.rpartition(":")[2]))
    started = floor.run(_seeing(kafka, _jre(), *jars), "kafka")
    until(lambda: _listens(started, 9092), "Kafka started")


def _start_registry(floor: Floor) -> str:
    """Gives its URL for a client on this machine."""
    jar = registry_jar()
    registry = DockerContainer(BASE, ports=[8080]).with_command([str(java()), "-Xmx256m", "-jar", str(jar)])
    started = floor.run(_seeing(registry, _jre(), jar.parent), "registry")
    until(lambda: _listens(started, 8080), f"Apicurio {APICURIO_VERSION} started")
    return registry_url(registry.get_exposed_port(8080))


def _start_s3(floor: Floor, server: Path) -> dict[str, str]:
    """Gives the environment of a client on this machine."""
    serve = (
        "mkdir -p /data/root/episodes /data/sidecar && exec /s3 --port :7070 posix --sidecar /data/sidecar /data/root"
    )
    keys = {"ROOT_ACCESS_KEY": KEYS["AWS_ACCESS_KEY_ID"], "ROOT_SECRET_KEY": KEYS["AWS_SECRET_ACCESS_KEY"]}
    s3 = DockerContainer(BASE, ports=[7070]).with_command(["sh", "-c", serve]).with_envs(**keys)
    started = floor.run(s3.with_volume_mapping(str(server), "/s3"), "s3")
    until(lambda: _listens(started, 7070), "the S3 server started")
    return KEYS | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{s3.get_exposed_port(7070)}"}


def _jre() -> Path:
    return java().parent.parent


def _seeing(container: DockerContainer, *folders: Path) -> DockerContainer:
    """With folders of this machine where they lie."""
    for folder in folders:
        container.with_volume_mapping(str(folder), str(folder))
    return container


def _listens(container: Container, port: int) -> bool:
    container.reload()
    if container.status != "running":
        raise _said(container)
    connect = f"import socket; socket.create_connection(('127.0.0.1', {port}), 1)"
    return bool(container.exec_run(["python3", "-c", connect]).exit_code == 0)


_KAFKA = """\
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://:9092,DOOR://:9094,CONTROLLER://127.0.0.1:9093
advertised.listeners=PLAINTEXT://kafka:9092,DOOR://{door}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,DOOR:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:9093
log.dirs=/tmp/data
auto.create.topics.enable=false
message.max.bytes=8454144
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
