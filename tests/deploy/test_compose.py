"""The compose file is valid, and starts what the pipeline consists of."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from saltwell.local.stack import WORKERS

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
# The specification's own JSON schema, from the module that `docker compose` is built with.
SPECIFICATION = "github.com/compose-spec/compose-go/v2@v2.16.2"


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def schema(go_module):
    return json.loads((go_module(SPECIFICATION) / "schema" / "compose-spec.json").read_text(encoding="utf-8"))


def test_the_file_is_valid(compose, schema):
    jsonschema.Draft7Validator(schema).validate(compose)
    for service in compose["services"].values():
        assert service.get("depends_on", {}).keys() <= compose["services"].keys()


def test_every_part_runs_confined(compose):
    for name, command in WORKERS.items():
        service = compose["services"][name]
        assert service["command"][:2] == list(command)
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]


def test_every_image_is_of_one_version(compose):
    for name, service in compose["services"].items():
        image = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", service["image"])
        assert re.search(r":v?\d+\.\d+\.\d+$", image), f"{name}: {image}"


def test_only_this_machine_reaches_what_it_serves(compose):
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_file_that_is_mounted_is_there(compose):
    mounted = [v.split(":")[0] for s in compose["services"].values() for v in s.get("volumes", []) if v.startswith(".")]
    assert mounted
    assert all((DEPLOY / path).exists() for path in mounted)


def test_prometheus_scrapes_every_part(compose):
    scraped = yaml.safe_load((DEPLOY / "prometheus.yaml").read_text(encoding="utf-8"))["scrape_configs"]
    [names] = [config["names"] for job in scraped for config in job["dns_sd_configs"]]
    assert set(names) == WORKERS.keys()
    for name in names:
        assert compose["services"][name]["command"][2:] == ["--metrics-port", "9400"]
