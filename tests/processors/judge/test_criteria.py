from pathlib import Path

import pytest

from processors.judge.criteria import BUILT_IN, Measured, load_criteria
from saltwell.errors import StopError


def reasons(code: str, value: float, kind: str = "color"):
    return load_criteria().reasons([Measured(code, "/head/color", kind, value, 5, 9)])


def test_the_built_in_criteria_load_and_their_version_names_their_content(tmp_path: Path) -> None:
    copy = tmp_path / "criteria.toml"
    copy.write_bytes(BUILT_IN.read_bytes() + b"\n# changed\n")
    assert load_criteria().version.split("+")[0] == load_criteria(copy).version.split("+")[0]
    assert load_criteria().version != load_criteria(copy).version


@pytest.mark.parametrize(
    "text",
    [
        "not toml",
        "version = '1'",
        "version = '1'\nrule = []\n",
        "version = '1'\n[measure]\na = 'x'\n[[rule]]\n",
        "version = '1'\n[measure]\n[[rule]]\ncode = 'loss'\nsource = 'x'\n",
        "version = '1'\n[measure]\n[[rule]]\ncode='a'\nkinds=['color']\nreview=1\nunit=''\ntext=''\n",
        "\udcff",
    ],
)
def test_bad_criteria_stop_with_one_line_that_names_the_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "criteria.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(StopError) as caught:
        load_criteria(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_criteria_stop(tmp_path: Path) -> None:
    with pytest.raises(StopError, match="not valid criteria"):
        load_criteria(tmp_path / "none.toml")


@pytest.mark.parametrize(("loss", "severity"), [(0.01, None), (0.011, "review"), (0.05, "review"), (0.051, "reject")])
def test_loss_is_judged_by_its_limits(loss: float, severity: str | None) -> None:
    assert [r.severity for r in reasons("loss", loss)] == ([severity] if severity else [])


def test_a_reason_says_what_was_found_against_which_limit() -> None:
    (reason,) = reasons("loss", 0.0667)
    assert (reason.value, reason.limit, reason.unit, reason.from_ns, reason.to_ns) == (0.0667, 0.05, "share", 5, 9)
    assert reason.text == "head camera lost 6.7 % of its frames; check the sensor, its cable and the edge box"


def test_a_rule_is_silent_about_other_kinds() -> None:
    assert not reasons("loss", 1.0, kind="other")
