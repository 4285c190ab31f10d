"""A lab as of a past day: the same questions, over what was known then. Cannot route, run or write."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from bizq_lab.lab.questions import Questions

if TYPE_CHECKING:
    from bizq_lab.lab.parts import Parts

US_PER_S = 1_000_000


def end_of_day_us(day: date) -> int:
    """The first instant after a UTC day, in microseconds since the epoch."""
    end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
    return int(end.timestamp()) * US_PER_S


class Past(Questions):
    """What a lab's log said at the end of a UTC day.

    Filtered by recorded time: late ratings and outcomes do not change the answers of a past day.
    """

    def __init__(self, lab: Parts, as_of: date) -> None:
        """The lab's own parts, but for its log."""
        self.as_of = as_of
        self.log = lab.log.as_of(end_of_day_us(as_of))
        self.catalog, self.config, self.ledger = lab.catalog, lab.config, lab.ledger
        self.clock, self.ids, self.seed = lab.clock, lab.ids, lab.seed
        self.executor, self.service = lab.executor, lab.service
        self._evidence = lab._evidence  # noqa: SLF001 - another side of the same lab
