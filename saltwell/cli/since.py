"""Moments as people give them on the command line: 7d, 12h, 2026-01-31, 2026-01-31T12:00."""

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import click

_AGO = re.compile(r"(\d{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_NS_PER_S = 1_000_000_000


class Since(click.ParamType[int]):
    """A moment in ns since 1970: a time in UTC, or how long ago."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it; click's own error for what is none."""
        try:
            return since_ns(str(value), now_ns=time.time_ns())
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no time: give 7d, 12h, 2026-01-31 or 2026-01-31T12:00 (UTC)", param, ctx)


class Age(click.ParamType[int]):
    """A length of time in ns: 30d, 12h."""

    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it; click's own error for what is none."""
        try:
            return age_ns(str(value))
        except ValueError:
            self.fail(f"{value!r} is no age: give 30d, 12h or 4w", param, ctx)


def since_ns(text: str, *, now_ns: int) -> int:
    """The moment in ns since 1970; ValueError for what is none."""
    if _AGO.fullmatch(text):
        return now_ns - age_ns(text)
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(moment.timestamp()) * _NS_PER_S


def age_ns(text: str) -> int:
    """Length of 30d, 12h, 4w .. in ns; ValueError for what is none."""
    if not (match := _AGO.fullmatch(text)):
        raise ValueError(text)
    return int(timedelta(**{_UNITS[match[2]]: int(match[1])}).total_seconds()) * _NS_PER_S
