"""Alerts fire when they should, and everything that dashboards and alerts name is there."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client import Counter, Histogram
from prometheus_client.metrics import MetricWrapperBase

import saltwell.metrics
from deploy.dashboards import DASHBOARDS

REPOSITORY = Path(__file__).resolve().parents[2]
ALERTS = REPOSITORY / "deploy" / "helm" / "saltwell" / "files" / "alerts.yaml"
RUNBOOK = REPOSITORY / "docs" / "operations.md"
# Without the service discoveries of all clouds, which take most of the time of the build.
PROMTOOL = ("github.com/prometheus/prometheus/cmd/promtool", "v0.316.0", "-tags=remove_all_sd")

RULES = [rule for group in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]
QUERIES = {
    **{f"alert {rule['alert']}": rule["expr"] for rule in RULES},
    **{
        f"{page.uid}, {panel.title}, {legend}": query
        for page in DASHBOARDS
        for panel in page.panels
        for legend, query in panel.queries.items()
    },
}
ADDED_BY_PROMETHEUS = {"le", "instance", "pod", "namespace"}


def served() -> dict[str, set[str]]:
    """Every time series a process can serve, with its labels."""
    series = {}
    for metric in vars(saltwell.metrics).values():
        if isinstance(metric, MetricWrapperBase):
            suffixes = {Counter: ["_total"], Histogram: ["_bucket", "_sum", "_count"]}.get(type(metric), [""])
            series |= {f"{metric._name}{suffix}": set(metric._labelnames) for suffix in suffixes}
    return series


@pytest.mark.parametrize("where", QUERIES)
def test_every_metric_and_label_that_is_asked_for_is_served(where):
    query = QUERIES[where]
    known = served()
    names = re.findall(r"saltwell_\w+", query)
    assert names
    assert set(names) <= known.keys()
    labels = {label for name in names for label in known[name]} | ADDED_BY_PROMETHEUS
    asked = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", query))
    asked |= {label.strip() for by in re.findall(r"by \(([^)]*)\)", query) for label in by.split(",")}
    assert asked <= labels


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_every_alert_says_what_it_means_and_has_its_section_in_the_runbook(rule):
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert rule["annotations"]["summary"]
    page, anchor = rule["annotations"]["runbook"].split("#")
    assert page == "docs/operations.md"
    assert anchor == rule["alert"].lower()
    assert f"### {rule['alert']}\n" in RUNBOOK.read_text(encoding="utf-8")


def test_the_runbook_has_no_section_of_an_alert_that_is_gone():
    text = RUNBOOK.read_text(encoding="utf-8")
    sections = re.findall(r"^### (\w+)$", text[text.index("## Alerts") :], re.MULTILINE)
    assert sections == [rule["alert"] for rule in RULES]


def test_alerts_fire_when_they_should_and_not_otherwise(go_tool):
    tests = Path(__file__).with_name("alerts.test.yaml")
    for command in (["check", "rules", "--lint-fatal", str(ALERTS)], ["test", "rules", str(tests)]):
        done = subprocess.run([go_tool(*PROMTOOL), *command], capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_test():
    tests = yaml.safe_load(Path(__file__).with_name("alerts.test.yaml").read_text(encoding="utf-8"))["tests"]
    tried = {one["alertname"] for test in tests for one in test["alert_rule_test"] if one["exp_alerts"]}
    assert tried == {rule["alert"] for rule in RULES}


@pytest.mark.parametrize("page", DASHBOARDS, ids=lambda page: page.uid)
def test_panels_do_not_lie_on_each_other(page):
    path = ALERTS.parent / "dashboards" / f"{page.uid.removeprefix('saltwell-')}.json"
    panels = json.loads(path.read_text(encoding="utf-8"))["panels"]
    taken = set()
    for place in (panel["gridPos"] for panel in panels):
        cells = {(x, place["y"]) for x in range(place["x"], place["x"] + place["w"])}
        assert max(x for x, _ in cells) < 24
        assert not cells & taken
        taken |= cells
