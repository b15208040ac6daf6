"""The real pipeline, each of its servers behind a proxy that can misbehave, and all processes within reach."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.faults.fleet import Fleet
from bench.faults.loop import Loop
from bench.faults.robots import Robot, Take
from bench.faults.s3_proxy import S3Proxy
from bench.faults.servers import BUCKET, Server, registry_server, registry_url, s3_client_env, s3_server
from bench.faults.tcp_proxy import TcpProxy
from bench.faults.watch import Watch
from saltwell.cli.topics import create_topics
from saltwell.contracts.codec import Codec, PinnedIds, SchemaIds
from saltwell.contracts.registry import URL_VARIABLE, RegistryIds, register_all
from saltwell.local.broker import EmbeddedBroker
from sinks.store import Store, open_store

PARTITIONS = 4
POISON = 400
ROBOTS = {"without spool": 0, "with spool": 1}
"""The robots of a round, by what they are; the number is the place in `Rig.robots`."""


@dataclass(slots=True)
class Rig:
    """What faults act on. `robots` are those of the present round; `poison` is how many records such a fault sends."""

    folder: Path
    broker: EmbeddedBroker
    wires: list[TcpProxy]
    s3: Server
    s3_proxy: S3Proxy
    registry: TcpProxy | None
    fleet: Fleet
    watch: Watch
    store: Store
    codec: Codec
    bootstrap: str
    env: dict[str, str]
    poison: int
    robots: list[Robot] = field(default_factory=list)

    def play(self, take: Take) -> Robot:
        """Begin to play a take."""
        return Robot(take, bootstrap=self.bootstrap, env=self.env, folder=self.folder)


@contextmanager
def running(folder: Path, *, brokers: int, registry: bool, poison: int = POISON) -> Iterator[Rig]:
    """The pipeline, up and taking part; ended and cleaned up on the way out."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        loop = stack.enter_context(Loop())
        s3 = s3_server(folder / "s3")
        stack.callback(s3.stop)
        s3_proxy = S3Proxy(loop, s3.port)
        wires = [TcpProxy(loop) for _ in range(brokers)]
        broker = EmbeddedBroker(folder / "kafka", brokers=brokers, advertised_ports=[wire.port for wire in wires])
        stack.enter_context(broker)
        for wire, port in zip(wires, broker.ports, strict=True):
            wire.target = port
        registry_wire = _registry(stack, folder, loop) if registry else None
        bootstrap = ",".join(f"127.0.0.1:{wire.port}" for wire in wires)
        create_topics(bootstrap, partitions=PARTITIONS, replication=broker.copies)
        ids: SchemaIds = PinnedIds()
        env = s3_client_env(s3_proxy.port)
        if registry_wire is not None:
            url = registry_url(registry_wire.port)
            register_all(url)
            ids, env[URL_VARIABLE] = RegistryIds(url), url
        watch = Watch(bootstrap, ids)
        stack.callback(watch.close)
        fleet = Fleet(folder / "logs", bootstrap, f"s3://{BUCKET}/faults", env)
        stack.callback(fleet.stop)
        fleet.start()
        with _environment(s3_client_env(s3.port)):  # the harness itself goes straight to the store
            store = open_store(fleet.store)
        yield Rig(
            folder=folder,
            broker=broker,
            wires=wires,
            s3=s3,
            s3_proxy=s3_proxy,
            registry=registry_wire,
            fleet=fleet,
            watch=watch,
            store=store,
            codec=Codec(ids),
            bootstrap=bootstrap,
            env=env,
            poison=poison,
        )


def _registry(stack: ExitStack, folder: Path, loop: Loop) -> TcpProxy:
    server = registry_server(folder)
    stack.callback(server.stop)
    return TcpProxy(loop, server.port)


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """These variables for a moment: a store takes its credentials from there when it is opened, and only then."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
