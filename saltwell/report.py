"""The form in which reports list an episode: `demo --json` and `episodes ls --json` share it. Pure."""

from typing import Any

from saltwell.contracts.results import EpisodeFinished


def episode_object(finished: EpisodeFinished) -> dict[str, Any]:
    """The episode as plain JSON values; skews in ns."""
    return {
        "id": finished.episode,
        "robot": finished.robot,
        "task": finished.task,
        "decision": finished.decision,
        "reasons": [{"code": r.code, "stream": r.stream, "severity": r.severity} for r in finished.reasons],
        "uri": finished.uri,
        "steps": finished.steps,
        "streams": {
            s.stream: {
                "sent": s.sent,
                "written": s.written,
                "lost": s.lost,
                "duplicates": s.duplicates,
                "dead": s.dead,
            }
            for s in finished.streams
        },
        "skew_ns": {s.stream: {"p50": s.p50_ns, "p99": s.p99_ns} for s in finished.skew},
    }
