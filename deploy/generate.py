"""Write the files of the Helm chart that are made from Python: `python -m deploy.generate`.

Topics, access rules and dashboards stand in Python once; the chart reads these files. A test compares them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from deploy.dashboards import DASHBOARDS, dashboard_json
from saltwell.cli.topics import topic_config
from saltwell.contracts.access import ROLES, Rule, rules
from saltwell.contracts.topics import TOPICS

FILES = Path(__file__).parent / "helm" / "saltwell" / "files"

_HEADER = "# Made by `python -m deploy.generate` from saltwell/contracts.\n"


def generated() -> Mapping[Path, str]:
    """Every file and what is to stand in it."""
    topics = {topic.name: {"doc": topic.doc, "config": topic_config(topic)} for topic in TOPICS}
    roles = {name: {"doc": role.doc, "acls": [_acl(rule) for rule in rules(name)]} for name, role in ROLES.items()}
    pages = {
        FILES / "dashboards" / f"{page.uid.removeprefix('saltwell-')}.json": dashboard_json(page) for page in DASHBOARDS
    }
    return {FILES / "topics.yaml": _text(topics), FILES / "roles.yaml": _text(roles), **pages}


def _acl(rule: Rule) -> dict[str, Any]:
    """An entry as Strimzi's KafkaUser writes it."""
    pattern = "prefix" if rule.prefix else "literal"
    resource = {"type": rule.resource, "name": rule.name, "patternType": pattern}
    return {"resource": resource, "operations": list(rule.operations)}


def _text(content: Mapping[str, Any]) -> str:
    return _HEADER + yaml.safe_dump(dict(content), sort_keys=False, width=120)


def main() -> None:
    """Write the files."""
    for path, text in generated().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
