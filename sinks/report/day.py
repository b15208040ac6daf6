"""A day of a centre, by its own clock."""

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from saltwell.errors import StopError

_NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Day:
    """A date in a time zone; it contains times in ns since 1970."""

    date: dt.date
    zone: ZoneInfo

    @property
    def begin_ns(self) -> int:
        """Its first moment."""
        return self._ns(self.date)

    @property
    def end_ns(self) -> int:
        """The next day's first moment."""
        return self._ns(self.date + dt.timedelta(days=1))

    @property
    def year_begin_ns(self) -> int:
        """The year's first moment."""
        return self._ns(dt.date(self.date.year, 1, 1))

    @property
    def year_share(self) -> float:
        """How much of the year has gone by when the day is over."""
        return (self.end_ns - self.year_begin_ns) / (self._ns(dt.date(self.date.year + 1, 1, 1)) - self.year_begin_ns)

    @property
    def hours(self) -> int:
        """How long it is: 23 to 25 hours where clocks are put forward and back."""
        return round((self.end_ns - self.begin_ns) / (3600 * _NS_PER_S))

    def __contains__(self, time_ns: int) -> bool:
        return self.begin_ns <= time_ns < self.end_ns

    def in_year_so_far(self, time_ns: int) -> bool:
        """Whether a time lies in the year, before the day is over."""
        return self.year_begin_ns <= time_ns < self.end_ns

    def hour(self, time_ns: int) -> int:
        """Which hour of the day a time lies in, from 0."""
        return (time_ns - self.begin_ns) // (3600 * _NS_PER_S)

    def moment_of(self, time_ns: int) -> str:
        """A time by this day's clock, as 2026-01-31 12:00; one beyond all calendars in ns."""
        try:
            return f"{dt.datetime.fromtimestamp(time_ns // _NS_PER_S, self.zone):%Y-%m-%d %H:%M}"
        except (ValueError, OverflowError, OSError):
            return f"{time_ns} ns"

    def _ns(self, day: dt.date) -> int:
        return int(dt.datetime.combine(day, dt.time(), self.zone).astimezone(dt.UTC).timestamp()) * _NS_PER_S


def day_of(when: dt.date | None, zone: str) -> Day:
    """The day of a date, today without one; StopError for a zone that is none."""
    try:
        place = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise StopError(f"{zone[:40]!a} is no time zone: give one such as Asia/Shanghai or UTC") from error
    return Day(when or dt.datetime.now(place).date(), place)
