"""A real broker that asks everyone who they are and lets them do what their role needs."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from confluent_kafka.admin import (
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from cryptography.hazmat.primitives import serialization

from saltwell.bus.clients import metadata
from saltwell.cli.grants import grant_role
from saltwell.cli.topics import create_topics
from saltwell.local import children
from saltwell.local.fast_start import fast_start_flags
from saltwell.local.jars import java, kafka_classpath
from saltwell.local.ports import free_ports

START_S = 150
PASSWORD = "horse-staple-4711"  # noqa: S105 - of this broker only


@dataclass(frozen=True)
class Secured:
    """Three doors: `inside` is for the test itself, `scram` asks for a password, `mtls` for a certificate."""

    folder: Path
    authority: trustme.CA
    inside: str
    scram: str
    mtls: str

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    def with_password(self, name: str, role: str | None = None, *, password: str = PASSWORD) -> dict[str, str]:
        """The environment of an identity that has a password on the broker; it may do what `role` needs."""
        self._admit(name)
        if role is not None:
            grant_role(self.inside, role=role, principal=f"User:{name}")
        secret = self.folder / f"{name}-{password}.password"
        secret.write_text(f"{password}\n", encoding="utf-8")
        return {
            "SALTWELL_BOOTSTRAP": self.scram,
            "SALTWELL_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "SALTWELL_KAFKA_SSL_CA": str(self.ca),
            "SALTWELL_KAFKA_SASL_USERNAME": name,
            "SALTWELL_KAFKA_SASL_PASSWORD_FILE": str(secret),
        }

    def with_certificate(self, name: str, role: str | None = None) -> dict[str, str]:
        """The environment of an identity that has a certificate."""
        if role is not None:
            grant_role(self.inside, role=role, principal=f"User:{name}")
        issued = self.authority.issue_cert(f"{name}.stations.test", common_name=name)
        key, cert = self.folder / f"{name}.key", self.folder / f"{name}.pem"
        issued.private_key_pem.write_to_path(key)
        issued.cert_chain_pems[0].write_to_path(cert)
        return {
            "SALTWELL_BOOTSTRAP": self.mtls,
            "SALTWELL_KAFKA_SECURITY_PROTOCOL": "SSL",
            "SALTWELL_KAFKA_SSL_CA": str(self.ca),
            "SALTWELL_KAFKA_SSL_CERT": str(cert),
            "SALTWELL_KAFKA_SSL_KEY": str(key),
        }

    def _admit(self, name: str) -> None:
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        admin = AdminClient({"bootstrap.servers": self.inside})
        for future in admin.alter_user_scram_credentials(
            [UserScramCredentialUpsertion(name, info, PASSWORD.encode())]
        ).values():
            future.result(START_S)


@pytest.fixture(scope="session")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("secured")
    authority = trustme.CA()
    inside, scram, mtls, controller = free_ports(4)
    broker = Secured(folder, authority, *(f"127.0.0.1:{port}" for port in (inside, scram, mtls)))
    authority.cert_pem.write_to_path(broker.ca)
    _write_server_certificate(authority, folder / "server.pem")
    properties = folder / "server.properties"
    properties.write_text(_properties(broker, controller), encoding="utf-8")
    classpath = kafka_classpath()
    kafka = [str(java()), "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
    kafka += [*fast_start_flags(classpath), "-cp", os.pathsep.join(map(str, classpath))]
    arguments = ["format", "--cluster-id=c2FsdHdlbGwtc2VjdXJlZA", "--config", str(properties)]
    subprocess.run([*kafka, "kafka.tools.StorageTool", *arguments], check=True, capture_output=True, timeout=START_S)
    process = children.start([*kafka, "kafka.Kafka", str(properties)], log=folder / "log")
    try:
        metadata(broker.inside, timeout_s=START_S)
        create_topics(broker.inside, partitions=4, replication=1)
        yield broker
    finally:
        children.stop(process, grace_s=10)


def _write_server_certificate(authority: trustme.CA, path: Path) -> None:
    """Kafka reads keys in PKCS 8 only."""
    issued = authority.issue_cert("127.0.0.1")
    key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), password=None).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(key + b"".join(pem.bytes() for pem in issued.cert_chain_pems))


def _properties(broker: Secured, controller: int) -> str:
    return f"""\
process.roles=broker,controller
node.id=1
listeners=INSIDE://{broker.inside},SCRAM://{broker.scram},MTLS://{broker.mtls},CONTROLLER://127.0.0.1:{controller}
listener.security.protocol.map=INSIDE:PLAINTEXT,SCRAM:SASL_SSL,MTLS:SSL,CONTROLLER:PLAINTEXT
inter.broker.listener.name=INSIDE
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:{controller}
log.dirs={broker.folder / "data"}
auto.create.topics.enable=false

# Nobody may do anything but by a rule; who comes in by the inner door is the operator.
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
listener.name.scram.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.scram.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.mtls.ssl.client.auth=required
ssl.principal.mapping.rules=RULE:^CN=([^,]+).*$/$1/,DEFAULT
ssl.keystore.type=PEM
ssl.keystore.location={broker.folder / "server.pem"}
ssl.truststore.type=PEM
ssl.truststore.location={broker.ca}

offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
group.consumer.assignors=uniform,range
message.max.bytes={8 * 1024**2}
"""
