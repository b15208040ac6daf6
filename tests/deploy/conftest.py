"""The chart as helm renders it, and the schemas of every kind of manifest in it."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from saltwell.local.jars import cache_folder, java, resolve

REPOSITORY = Path(__file__).resolve().parents[2]
CHART = REPOSITORY / "deploy" / "helm" / "saltwell"
KUBERNETES = "1.37"

_HELM = ("helm.sh/helm/v3/cmd/helm", "v3.22.0")
_STRIMZI = "1.2.0"
_STRIMZI_KINDS = {
    "kafka": "kafka.Kafka",
    "nodepool": "nodepool.KafkaNodePool",
    "topic": "topic.KafkaTopic",
    "user": "user.KafkaUser",
    "mirror": "mirrormaker2.KafkaMirrorMaker2",
}
_IN_GO = {
    "github.com/kedacore/keda/v2@v2.21.0": ["config/crd/bases/keda.sh_scaledobjects.yaml"],
    "github.com/prometheus-operator/prometheus-operator@v0.85.0": [
        "example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml",
        "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
    ],
}
_SECONDS = 300

Manifest = dict[str, Any]
CENTRE = ("--set", "stations.names={g1-01,g1-02}", "--set", "identities.hub=mirror", "--set", "identities.floor=reader")
HUB = ("--values", str(CHART / "values-hub.yaml"))


@pytest.fixture(scope="session")
def render(go_tool: Callable[..., Path]) -> Callable[..., list[Manifest]]:
    """Gives all manifests of the chart with these arguments."""
    helm = go_tool(*_HELM)

    def rendered(*arguments: str) -> list[Manifest]:
        command = [helm, "template", "saltwell", CHART, "--namespace", "data", "--kube-version", f"{KUBERNETES}.0"]
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False, timeout=_SECONDS)
        assert done.returncode == 0, done.stderr
        return [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]

    return rendered


@pytest.fixture(scope="session")
def centre(render) -> list[Manifest]:
    return render(*CENTRE)


@pytest.fixture(scope="session")
def hub(render) -> list[Manifest]:
    return render(*HUB)


@pytest.fixture(scope="session")
def go_module() -> Callable[[str], Path]:
    """Gives the folder of a Go module, fetched once for a machine."""

    def fetch(module: str) -> Path:
        if shutil.which("go") is None:
            pytest.skip(f"no Go to fetch {module} with, which carries a schema; install Go")
        command = ["go", "mod", "download", "-json", module]
        done = subprocess.run(command, check=True, capture_output=True, timeout=_SECONDS)
        return Path(json.loads(done.stdout)["Dir"])

    return fetch


@pytest.fixture(scope="session")
def schemas(go_module) -> dict[tuple[str, str], dict[str, Any]]:
    """JSON schemas of custom resources, by apiVersion and kind, as their operators' makers publish them."""
    found = {}
    in_go = [go_module(module) / path for module, paths in _IN_GO.items() for path in paths]
    for path in (*_strimzi(), *in_go):
        definition = yaml.safe_load(path.read_text(encoding="utf-8"))["spec"]
        for version in definition["versions"]:
            schema = _closed(version["schema"]["openAPIV3Schema"])
            schema["properties"] |= {"apiVersion": {}, "kind": {}, "metadata": {"type": "object"}}
            found[f"{definition['group']}/{version['name']}", definition["names"]["kind"]] = schema
    return found


def _strimzi() -> list[Path]:
    """Made by Strimzi's own generator from its classes, once for a machine."""
    folder = cache_folder() / f"strimzi-{_STRIMZI}"
    if not folder.exists():
        draft = folder.with_suffix(f".{os.getpid()}")
        draft.mkdir(parents=True)
        jars = [*resolve(f"io.strimzi:crd-generator:{_STRIMZI}"), *resolve(f"io.strimzi:api:{_STRIMZI}")]
        kinds = [f"io.strimzi.api.kafka.model.{cls}={draft / name}.yaml" for name, cls in _STRIMZI_KINDS.items()]
        subprocess.run(
            [
                *(str(java()), "-cp", os.pathsep.join(map(str, jars)), "io.strimzi.crdgenerator.CrdGenerator"),
                *("--target-kube", "1.30+", "--crd-api-version", "v1", "--yaml"),
                *("--api-versions", "v1", "--storage-version", "v1", *kinds),
            ],
            check=True,
            timeout=_SECONDS,
        )
        draft.rename(folder)
    return sorted(folder.glob("*.yaml"))


def _closed(schema: Any) -> Any:
    """A server drops fields that it does not know; a test does better to refuse them. Go's patterns become Python's."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if isinstance(closed.get("pattern"), str):
        closed["pattern"] = closed["pattern"].replace("^(?i)", "(?i)^")
    keeps = {"additionalProperties", "x-kubernetes-preserve-unknown-fields"} & closed.keys()
    if closed.get("type") == "object" and "properties" in closed and not keeps:
        closed["additionalProperties"] = False
    return closed
