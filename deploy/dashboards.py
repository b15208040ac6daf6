"""Grafana's dashboards: floor, pipeline, edge. Each is a table of panels; the JSON is made from it."""

import json
from dataclasses import dataclass
from typing import Any, Literal

_PLAN_A_DAY = 15_000
"""Records a centre plans to take in a day, and so what a day's yield is held against."""

_COLUMNS = 24
_HEIGHT = 8


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel: queries by their legend, and the unit as Grafana names it. `width` is of 24 columns."""

    title: str
    queries: dict[str, str]
    doc: str
    unit: str = "short"
    kind: Literal["timeseries", "stat"] = "timeseries"
    width: int = 12


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One page."""

    uid: str
    title: str
    panels: tuple[Panel, ...]


def _quantile(quantile: float, metric: str) -> str:
    return f"histogram_quantile({quantile}, sum by (le) (rate({metric}_bucket[15m])))"


FLOOR = Dashboard(
    "saltwell-floor",
    "Saltwell: floor",
    (
        Panel(
            "Good episodes of the last 24 h",
            {"": 'sum(increase(saltwell_episodes_finished_total{decision="accept"}[24h]))'},
            "Stored whole and accepted.",
            kind="stat",
            width=6,
        ),
        Panel(
            "Share of the plan",
            {"": f'sum(increase(saltwell_episodes_finished_total{{decision="accept"}}[24h])) / {_PLAN_A_DAY}'},
            f"Of {_PLAN_A_DAY} a day.",
            unit="percentunit",
            kind="stat",
            width=6,
        ),
        Panel(
            "Rejected, last hour",
            {
                "": 'sum(increase(saltwell_verdicts_total{decision="reject"}[1h]))'
                " / sum(increase(saltwell_verdicts_total[1h]))"
            },
            "Share of verdicts.",
            unit="percentunit",
            kind="stat",
            width=6,
        ),
        Panel(
            "Stored, last 24 h",
            {"": "sum(increase(saltwell_episode_bytes_total[24h]))"},
            "Bytes of episodes.",
            unit="bytes",
            kind="stat",
            width=6,
        ),
        Panel(
            "Verdicts an hour",
            {"{{decision}}": "sum by (decision) (rate(saltwell_verdicts_total[15m])) * 3600"},
            "What judge says.",
        ),
        Panel(
            "Stop to verdict",
            {
                "half": _quantile(0.5, "saltwell_stop_to_verdict_seconds"),
                "95 %": _quantile(0.95, "saltwell_stop_to_verdict_seconds"),
            },
            "How long the operator waits.",
            unit="s",
        ),
        Panel(
            "Frames lost at the source",
            {"{{stream}}": "topk(10, sum by (stream) (increase(saltwell_source_drops_total[1h])))"},
            "Holes in the numbers of a sensor, last hour.",
        ),
        Panel(
            "Records an edge sends",
            {"{{topic}}": 'sum by (topic) (rate(saltwell_records_read_total{part="episodes"}[5m]))'},
            "As the sink reads them, by topic.",
            unit="cps",
        ),
    ),
)

PIPELINE = Dashboard(
    "saltwell-pipeline",
    "Saltwell: pipeline",
    (
        Panel(
            "Lag",
            {"{{part}}": "max by (part) (saltwell_lag_seconds)"},
            "Age of the newest record read, where a part is farthest behind.",
            unit="s",
        ),
        Panel(
            "Replicas",
            {"{{part}}": "count by (part) (saltwell_lag_seconds)"},
            "Processes that serve metrics.",
        ),
        Panel(
            "Open episodes",
            {"{{part}}": "sum by (part) (saltwell_open_episodes)"},
            "Begun and not finished: what a restart reads again.",
        ),
        Panel(
            "Transactions",
            {"{{part}} {{end}}": "sum by (part, end) (rate(saltwell_transactions_total[5m]))"},
            "By how they ended.",
            unit="ops",
        ),
        Panel(
            "Records read",
            {"{{part}}": "sum by (part) (rate(saltwell_records_read_total[5m]))"},
            "By part.",
            unit="cps",
        ),
        Panel(
            "Records written",
            {"{{topic}}": "sum by (topic) (rate(saltwell_records_written_total[5m]))"},
            "By topic.",
            unit="cps",
        ),
        Panel(
            "Dead",
            {"{{part}} {{topic}}": "sum by (part, topic) (increase(saltwell_dead_letters_total[1h]))"},
            "Records that could not be used, last hour.",
        ),
        Panel(
            "Late",
            {"{{part}} {{topic}}": "sum by (part, topic) (increase(saltwell_late_records_total[1h]))"},
            "Records of episodes that were closed, last hour.",
        ),
        Panel(
            "Stop to stored",
            {
                "half": _quantile(0.5, "saltwell_stop_to_stored_seconds"),
                "95 %": _quantile(0.95, "saltwell_stop_to_stored_seconds"),
            },
            "Until the episode is whole in the store.",
            unit="s",
        ),
        Panel(
            "Gone before it was read",
            {"{{part}} {{topic}}": "sum by (part, topic) (increase(saltwell_log_truncated_total[24h]))"},
            "Partitions whose needed records retention took, last day.",
        ),
    ),
)

EDGE = Dashboard(
    "saltwell-edge",
    "Saltwell: edge",
    (
        Panel(
            "Not yet taken",
            {"{{instance}}": "saltwell_spool_unacknowledged_bytes"},
            "Bytes of a spool that the broker has not yet taken.",
            unit="bytes",
        ),
        Panel(
            "Spool",
            {"{{instance}}": "saltwell_spool_bytes"},
            "Bytes of all its segments.",
            unit="bytes",
        ),
        Panel(
            "Episodes refused or cut off",
            {
                "refused {{instance}}": "increase(saltwell_spool_refused_episodes_total[1h])",
                "cut off {{instance}}": "increase(saltwell_spool_aborted_episodes_total[1h])",
            },
            "No room, or the box went down in mid-episode; last hour.",
        ),
        Panel(
            "Time to durable",
            {"99 %": _quantile(0.99, "saltwell_spool_time_to_durable_seconds")},
            "From a record's hand-over until the disk has it.",
            unit="s",
        ),
        Panel(
            "Damage",
            {
                "torn tails {{instance}}": "increase(saltwell_spool_torn_tails_total[24h])",
                "damaged chunks {{instance}}": "increase(saltwell_spool_damaged_chunks_total[24h])",
            },
            "What a power cut or a bad disk left, last day.",
        ),
        Panel(
            "Not delivered",
            {"{{instance}} {{stream}}": "increase(saltwell_undelivered_total[1h])"},
            "Frames the broker did not take, last hour.",
        ),
    ),
)

DASHBOARDS = (FLOOR, PIPELINE, EDGE)


def dashboard_json(dashboard: Dashboard) -> str:
    """The document that Grafana imports; the data source is asked for by the variable `source`."""
    panels, x, y = [], 0, 0
    for number, panel in enumerate(dashboard.panels, start=1):
        if x + panel.width > _COLUMNS:
            x, y = 0, y + _HEIGHT
        panels.append(_panel(number, panel, {"x": x, "y": y, "w": panel.width, "h": _HEIGHT}))
        x += panel.width
    source = {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
    document = {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "tags": ["saltwell"],
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": [source]},
        "panels": panels,
    }
    return json.dumps(document, indent=1) + "\n"


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${source}"}
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.doc,
        "datasource": source,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + n), "datasource": source, "expr": expression, "legendFormat": legend}
            for n, (legend, expression) in enumerate(panel.queries.items())
        ],
    }
