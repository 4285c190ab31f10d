"""Which stretch of the log a periodic report is about, and which one it is measured against. Reads no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, Self

from bizq_lab.lab.past import end_of_day_us

Period = Literal["daily", "weekly"]
DAYS = {"daily": 1, "weekly": 7}
TREND_DAYS = {"daily": 14, "weekly": 28}


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Whole UTC days up to and including `last`, and as many before them.

    Attributes:
        first: First day.
        last: Last day: the report's date.
        before: First day of the stretch before, which ends where this one begins.
        trend: First day of the longer stretch that figures over days show.
    """

    first: date
    last: date
    before: date
    trend: date

    @classmethod
    def of(cls, period: Period, as_of: date) -> Self:
        """A day against the day before, or a week against the week before."""
        first = as_of - timedelta(days=DAYS[period] - 1)
        return cls(
            first=first,
            last=as_of,
            before=first - timedelta(days=DAYS[period]),
            trend=as_of - timedelta(days=TREND_DAYS[period] - 1),
        )

    @property
    def from_us(self) -> int:
        """First instant of the stretch, UTC microseconds."""
        return _start_us(self.first)

    @property
    def to_us(self) -> int:
        """First instant after it."""
        return end_of_day_us(self.last)

    @property
    def before_from_us(self) -> int:
        """First instant of the stretch before."""
        return _start_us(self.before)

    @property
    def trend_from_us(self) -> int:
        """First instant of the longer stretch."""
        return _start_us(self.trend)

    @property
    def label(self) -> str:
        """How a reader calls it: `26 Nov`, or `20 Nov to 26 Nov`."""
        return _stretch(self.first, self.last)

    @property
    def label_before(self) -> str:
        """How a reader calls the stretch before."""
        return _stretch(self.before, self.first - timedelta(days=1))


def _start_us(day: date) -> int:
    return end_of_day_us(day - timedelta(days=1))


def _stretch(first: date, last: date) -> str:
    days = [f"{day.day} {day:%b}" for day in (first, last)]
    return days[0] if first == last else " to ".join(days)
