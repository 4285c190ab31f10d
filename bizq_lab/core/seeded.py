"""A clock and identifiers that come from a seed, so that a replayed study repeats byte for byte. Knows no real time."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import count

from bizq_lab.core.ids import derived_id

US_PER_S = 1_000_000


class SeededClock:
    """Time that moves only when someone waits or looks: each look costs one microsecond.

    Args:
        start: Midnight UTC of this day is time zero.
    """

    def __init__(self, start: date) -> None:
        """Start the clock."""
        midnight = datetime(start.year, start.month, start.day, tzinfo=UTC)
        self._start_us = int(midnight.timestamp()) * US_PER_S
        self._elapsed_us = 0

    def now_us(self) -> int:
        """UTC microseconds since the epoch."""
        self._elapsed_us += 1
        return self._start_us + self._elapsed_us

    def monotonic(self) -> float:
        """Seconds since the start."""
        return self._elapsed_us / US_PER_S

    def advance(self, seconds: float) -> None:
        """Let time pass, such as the recorded duration of a replayed call."""
        self._elapsed_us += round(seconds * US_PER_S)

    async def sleep(self, seconds: float) -> None:
        """Let time pass without waiting for it."""
        self.advance(seconds)


class SeededIds:
    """Identifiers that repeat for the same seed and the same order of calls."""

    def __init__(self, seed: int) -> None:
        """Start counting."""
        self._seed = seed
        self._count = count()

    def __call__(self, prefix: str) -> str:
        """The next identifier."""
        return derived_id(prefix, self._seed, next(self._count))
