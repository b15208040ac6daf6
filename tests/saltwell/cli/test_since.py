from contextlib import suppress

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saltwell.cli.since import Age, Since, since_ns

NOW_NS = 1_767_225_600_000_000_000  # 2026-01-01
HOUR_NS = 3600 * 1_000_000_000


@pytest.mark.parametrize(
    ("text", "hours_ago"),
    [
        ("12h", 12),
        ("7d", 7 * 24),
        ("2w", 14 * 24),
        ("90m", 1.5),
        ("2025-12-31", 24),
        ("2025-12-31T23:00", 1),
        ("2026-01-01T00:00+01:00", 1),
    ],
)
def test_a_moment_is_a_time_or_how_long_ago(text: str, hours_ago: float) -> None:
    assert since_ns(text, now_ns=NOW_NS) == NOW_NS - hours_ago * HOUR_NS


@given(st.text())
def test_any_text_is_a_moment_or_refused_by_the_command_line(text: str) -> None:
    for kind in (Since(), Age()):
        with suppress(click.BadParameter):
            assert isinstance(kind.convert(text, None, None), int)
