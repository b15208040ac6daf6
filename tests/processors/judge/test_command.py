"""Criteria checked from the command line."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from processors.judge.command import criteria
from processors.judge.criteria import BUILT_IN
from saltwell.errors import StopError


def check(path: Path) -> str:
    return CliRunner().invoke(criteria, ["check", str(path)], catch_exceptions=False).output


def changed(tmp_path: Path, old: str, new: str) -> Path:
    text = BUILT_IN.read_text()
    assert old in text
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(old, new, 1))
    return path


def test_the_built_in_criteria_are_valid() -> None:
    assert "rules, version 2026" in check(BUILT_IN)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('code = "loss"', 'code = "lost"', "rule 'lost': nothing is measured by that name; did you mean 'loss'?"),
        ('code = "loss"', 'code = "loss"\nreveiw = 3', "rule 'loss': reveiw is not known"),
        ("review = 0.01\nreject = 0.05", "review = 0.1\nreject = 0.05", "rule 'loss': a milder limit lies beyond"),
        ("review = 0.01\nreject", "review = '1 %'\nreject", "rule 'loss': review is '1 %', not a number"),
        ('text = "{name} lost {', 'text = "{nom} lost {', "rule 'loss': its text can't be filled: 'nom'"),
        ('kinds = ["joints", "pose"]', 'kinds = ["joint"]', "rule 'not_a_number': kind 'joint' is not known"),
        ("thin_ratio", "thin_ration", "setting 'thin_ratio' of [measure] is missing"),
        ('version = "', 'verzion = "', "verzion is not known"),
    ],
)
def test_a_mistake_is_named_in_one_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = changed(tmp_path, old, new)
    with pytest.raises(StopError) as caught:
        check(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_rules_are_listed_with_their_limits() -> None:
    shown = CliRunner().invoke(criteria, ["show"], catch_exceptions=False).output
    assert "freeze" in shown
    assert "reject > 3, review > 0.5 s" in shown
