import pytest

from processors.synchronize.policy import Policies, Policy, load_policies
from saltwell.contracts.timeline import StreamDeclared
from saltwell.errors import StopError

WHOLE = """
anchor = "/head/color"
rate_hz = 50
deadline_ms = 100

[kind.joints]
match = "linear"
max_gap_periods = 5
required = true

[stream."/left/wrist"]
match = "slerp"
tolerance_ms = 20
required = false
reorder_ms = 0
"""


def declared(name: str, kind) -> StreamDeclared:
    return StreamDeclared(name, kind, 30.0, "nearest", "", "cdr", "ros2msg", "", {})


def test_a_streams_own_settings_go_before_its_kinds_and_those_before_the_declared(tmp_path) -> None:
    (tmp_path / "sync.toml").write_text(WHOLE)
    policies = load_policies(tmp_path / "sync.toml")
    assert (policies.anchor, policies.rate_hz, policies.deadline_ns) == ("/head/color", 50.0, 100_000_000)
    assert policies.of(declared("/chest/color", "color")) == Policy()
    assert policies.of(declared("/arm", "joints")) == Policy(match="linear", max_gap_periods=5)
    wrist = policies.of(declared("/left/wrist", "joints"))
    assert wrist == Policy(match="slerp", max_gap_periods=5, tolerance_ns=20_000_000, required=False, reorder_ns=0)


def test_without_a_file_a_stream_that_nobody_knows_is_optional() -> None:
    assert not Policies().of(declared("/task", "other")).required


@pytest.mark.parametrize(
    "wrong",
    [
        "anchor = 3",
        "deadline_ms = -1",
        "deadline_ms = nan",
        "speed = 1",
        "[kind.camera]",
        '[kind.color]\nmatch = "closest"',
        '[stream."/a"]\nrequired = 1',
        '[stream."/a"]\ntolerance_ms = "much"',
        "kind = 3",
        "rate_hz = 0",
        "= broken",
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path, wrong) -> None:
    (tmp_path / "sync.toml").write_text(wrong)
    with pytest.raises(StopError) as refused:
        load_policies(tmp_path / "sync.toml")
    assert "\n" not in str(refused.value)
    assert "sync.toml" in str(refused.value)


def test_a_missing_file_is_refused(tmp_path) -> None:
    with pytest.raises(StopError, match=r"sync\.toml"):
        load_policies(tmp_path / "sync.toml")
