import pytest
from click.testing import CliRunner

from saltwell.cli import baselines
from saltwell.cli.main import cli
from saltwell.errors import StopError
from saltwell.local.command import describe


@pytest.mark.parametrize(
    "words",
    [
        ("up", "--port", "99999"),
        ("replay", "take.mcap", "--robot", "g1", "--metrics-port", "99999"),
        ("process", "score", "--metrics-port", "-1"),
    ],
)
def test_a_port_that_is_none_is_told_in_one_line(words):
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 2
    assert "is not in the range 0<=x<=65535" in result.output


def test_baselines_that_can_not_be_written_are_told_in_one_line(tmp_path, monkeypatch):
    offered = {"store": lambda *_: (), "learn": lambda _: ("{}", 1)}
    monkeypatch.setattr(baselines, "part", offered.__getitem__)
    with pytest.raises(StopError, match="give another --out"):
        CliRunner().invoke(
            baselines.baselines, ["learn", "--out", str(tmp_path / "none" / "b.json")], catch_exceptions=False
        )


def test_a_note_is_not_told_as_a_reason_against_an_episode():
    def told(*severities):
        reasons = [{"code": severity, "stream": "/c", "severity": severity} for severity in severities]
        episode = {"id": "e", "task": "t", "decision": "accept", "steps": 1, "uri": "u", "streams": {}, "skew_ns": {}}
        episodes = [{**episode, "reasons": reasons}]
        numbers = dict.fromkeys(("station_seconds", "wall_s", "stop_to_verdict_s", "stop_to_stored_s"), 1.0)
        return describe({"episodes": episodes, **numbers})

    assert "accept: nothing against it; notes: note /c\n" in told("note")
    assert "accept: review /c; notes: note /c\n" in told("review", "note")
    assert "accept: nothing against it\n" in told()
