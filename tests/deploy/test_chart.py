"""What the chart renders is valid, keeps its promises, and agrees with the contracts."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import kubernetes_validate
import prometheus_client
import pytest
from click.testing import CliRunner

import saltwell.metrics  # noqa: F401 - fills the registry of metrics
from deploy.generate import generated
from saltwell.cli.main import cli
from saltwell.contracts.access import rules
from saltwell.contracts.topics import BY_NAME, DEFAULT_PARTITIONS
from saltwell.local.stack import WORKERS

pytestmark = pytest.mark.usefixtures("go_tool")  # any of these may be the first, and then builds helm

KUBERNETES = "1.37"
PARTS = {**WORKERS, "dataset": ("sink", "dataset"), "catalogue": ("sink", "catalogue")}
RESULTS = {"verdicts", "episodes.finished"}
Manifest = dict[str, Any]


def of_kind(manifests: list[Manifest], kind: str) -> dict[str, Manifest]:
    return {m["metadata"]["name"]: m for m in manifests if m["kind"] == kind}


def pods(manifests: list[Manifest]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each Deployment's pod and its container."""
    for deployment in of_kind(manifests, "Deployment").values():
        pod = deployment["spec"]["template"]["spec"]
        for container in pod["containers"]:
            yield pod, container


@pytest.mark.parametrize("values", ["centre", "hub"])
def test_every_manifest_is_valid(values, schemas, request):
    for manifest in request.getfixturevalue(values):
        kind = manifest["apiVersion"], manifest["kind"]
        if kind in schemas:
            errors = [*jsonschema.Draft7Validator(schemas[kind]).iter_errors(manifest)]
            assert not errors, f"{manifest['metadata']['name']}: {errors[0].message}"
        else:
            kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


@pytest.mark.parametrize("values", ["centre", "hub"])
def test_names_are_given_once_and_everything_is_ours(values, request):
    manifests = request.getfixturevalue(values)
    names = [(m["kind"], m["metadata"]["name"]) for m in manifests]
    assert len(names) == len(set(names))
    assert all(m["metadata"]["labels"]["app.kubernetes.io/part-of"] == "saltwell" for m in manifests)


def test_a_misspelt_field_would_be_found(schemas, centre):
    topic = next(iter(of_kind(centre, "KafkaTopic").values()))
    schema = schemas[topic["apiVersion"], topic["kind"]]
    wrong = topic | {"spec": topic["spec"] | {"partitons": 3}}
    assert list(jsonschema.Draft7Validator(schema).iter_errors(wrong))


# -- what runs


def test_every_part_of_the_pipeline_runs(centre):
    commands = {name: tuple(c["args"][:2]) for name, c in ((c["name"], c) for _, c in pods(centre))}
    assert commands == PARTS


@pytest.mark.parametrize("part", PARTS)
def test_the_command_line_knows_every_option_that_a_part_is_given(centre, part):
    [container] = [c for _, c in pods(centre) if c["name"] == part]
    options = {argument.split("=")[0] for argument in container["args"][2:]}
    shown = CliRunner().invoke(cli, [*PARTS[part], "--help"]).output
    assert {"--instance", "--metrics-port"} <= options
    assert all(option in shown for option in options)


def test_no_container_runs_as_root_or_writes_its_image_or_gains_rights(centre):
    for pod, container in pods(centre):
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["automountServiceAccountToken"] is False
        security = container["securityContext"]
        assert security["runAsNonRoot"] is True
        assert security["readOnlyRootFilesystem"] is True
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}


def test_every_image_is_of_one_version(centre, render):
    for _, container in pods(centre):
        assert re.fullmatch(r"[^:@]+:\d+\.\d+\.\d+", container["image"])
    digest = f"sha256:{'0' * 64}"
    pinned = render("--set", f"images.sinks.digest={digest}")
    assert [c["image"] for _, c in pods(pinned) if c["name"] == "episodes"] == [
        f"registry.example/saltwell-sinks@{digest}"
    ]


def test_every_container_has_bounds_and_probes(centre):
    for _, container in pods(centre):
        for bound in ("requests", "limits"):
            assert container["resources"][bound].keys() == {"cpu", "memory", "ephemeral-storage"}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert container[probe]["httpGet"] == {"path": "/healthz", "port": "metrics"}


def test_every_part_is_kept_through_a_drain_and_scaled_by_seconds_of_lag(centre):
    [pool] = [p for p in of_kind(centre, "KafkaTopic").values() if p["metadata"]["name"] == "timeline"]
    for name, deployment in of_kind(centre, "Deployment").items():
        selector = deployment["spec"]["selector"]
        assert of_kind(centre, "PodDisruptionBudget")[name]["spec"]["selector"] == selector
        scaled = of_kind(centre, "ScaledObject")[name]["spec"]
        assert scaled["scaleTargetRef"]["name"] == name
        least = 1 if name == "saltwell-catalogue" else 2  # it has one writer, and nobody waits for it
        assert least <= scaled["minReplicaCount"] <= scaled["maxReplicaCount"] <= pool["spec"]["partitions"]
        [trigger] = scaled["triggers"]
        assert "saltwell_lag_seconds{" in trigger["metadata"]["query"]
        assert f'part="{name.removeprefix("saltwell-")}"' in trigger["metadata"]["query"]


def test_a_part_never_has_more_replicas_than_there_are_shards(render):
    for scaled in of_kind(render("--set", f"kafka.partitions={DEFAULT_PARTITIONS}"), "ScaledObject").values():
        assert scaled["spec"]["maxReplicaCount"] <= DEFAULT_PARTITIONS


def test_the_lag_that_parts_scale_by_is_a_metric_that_they_serve():
    assert "saltwell_lag_seconds" in {metric.name for metric in prometheus_client.REGISTRY.collect()}


# -- who may do what


def test_no_secret_stands_in_a_manifest(centre, hub):
    for manifests in (centre, hub):
        assert not of_kind(manifests, "Secret")
        for _, container in pods(manifests):
            for variable in container["env"]:
                if re.search(r"PASSWORD|SECRET|ACCESS_KEY", variable["name"]):
                    assert "value" not in variable


def test_only_sinks_hold_the_key_of_the_store_and_reach_it(centre):
    holders = {c["name"] for _, c in pods(centre) if any(v["name"] == "AWS_SECRET_ACCESS_KEY" for v in c["env"])}
    reach = of_kind(centre, "NetworkPolicy")["saltwell-store"]["spec"]["podSelector"]["matchLabels"]
    reaching = {
        deployment["metadata"]["labels"]["app.kubernetes.io/component"]
        for deployment in of_kind(centre, "Deployment").values()
        if reach.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
    }
    assert holders == reaching == {"episodes", "dataset", "catalogue"}


def test_each_identity_has_the_rules_of_its_role_and_no_other(centre):
    users = of_kind(centre, "KafkaUser")
    roles = {f"part-{name}": name for name in PARTS}
    roles |= {"station-g1-01": "edge", "station-g1-02": "edge", "hub": "mirror", "floor": "reader"}
    assert users.keys() == roles.keys()
    for name, role in roles.items():
        given = {
            (acl["resource"]["type"], acl["resource"]["name"], acl["resource"]["patternType"], *acl["operations"])
            for acl in users[name]["spec"]["authorization"]["acls"]
        }
        wanted = {(r.resource, r.name, "prefix" if r.prefix else "literal", *r.operations) for r in rules(role)}
        assert given == wanted


def test_each_part_shows_the_certificate_of_its_own_identity(centre):
    for pod, container in pods(centre):
        [identity] = [v["secret"]["secretName"] for v in pod["volumes"] if v["name"] == "identity"]
        assert identity == f"part-{container['name']}"
        assert identity in of_kind(centre, "KafkaUser")


def test_nobody_comes_in_without_tls_and_an_identity(centre, hub):
    for manifests in (centre, hub):
        [cluster] = of_kind(manifests, "Kafka").values()
        assert cluster["spec"]["kafka"]["authorization"] == {"type": "simple"}
        for listener in cluster["spec"]["kafka"]["listeners"]:
            assert listener["tls"] is True
            assert listener["authentication"]["type"] in {"tls", "scram-sha-512"}


def test_an_unknown_role_is_refused(go_tool, render):
    with pytest.raises(AssertionError, match="no role king"):
        render("--set", "identities.me=king")


# -- topics


def test_files_made_from_the_contracts_are_those_of_today():
    for path, text in generated().items():
        assert path.read_text(encoding="utf-8") == text, "run `python -m deploy.generate`"


def test_the_chart_has_the_topics_of_the_table_with_one_partition_count(centre):
    topics = of_kind(centre, "KafkaTopic")
    assert topics.keys() == BY_NAME.keys()
    assert len({topic["spec"]["partitions"] for topic in topics.values()}) == 1
    assert all(topic["spec"]["topicName"] == name for name, topic in topics.items())


def test_the_hub_takes_results_of_each_centre_and_no_frames(render):
    two = [
        argument
        for n, name in enumerate(["zigong", "wuxi"])
        for field, value in {"name": name, "bootstrap": f"{name}:9094", "user": "hub", "passwordSecret": "p"}.items()
        for argument in ("--set", f"hub.centres[{n}].{field}={value}", "--set", f"hub.centres[{n}].caSecret=c")
    ]
    values = ("--set", "hub.enabled=true", "--set", "parts=null", *two)
    manifests = render(*values)
    assert of_kind(manifests, "KafkaTopic").keys() == {f"{c}.{t}" for c in ("zigong", "wuxi") for t in RESULTS}
    assert not of_kind(manifests, "Deployment")
    [mirror] = of_kind(manifests, "KafkaMirrorMaker2").values()
    for source in mirror["spec"]["mirrors"]:
        pattern = re.compile(source["topicsPattern"])
        assert {name for name in BY_NAME if pattern.fullmatch(name)} == RESULTS
        assert source["sourceConnector"]["config"]["consumer.isolation.level"] == "read_committed"
