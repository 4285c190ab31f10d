"""What people and checks did in a window, in order: config steps, experiments, alerts. Estimates nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, ClassVar

from bizq_lab.core.result import Provenance, Result

if TYPE_CHECKING:
    from bizq_lab.core.result import Cell
    from bizq_lab.store import Log

US_PER_S = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One thing that happened.

    Attributes:
        at: UTC, to the second.
        what: Such as `config published`, `experiment finished` or `alert`.
        subject: Task type, where there is one.
        detail: Config hash, experiment id or the alert's message.
        times: How often at that instant.
    """

    at: datetime
    what: str
    subject: str
    detail: str
    times: int


@dataclass(frozen=True, kw_only=True, repr=False)
class Happenings(Result):
    """Everything that happened, oldest first."""

    title: ClassVar[str] = "What happened"
    columns: ClassVar[tuple[str, ...]] = ("at", "what", "subject", "detail", "times")

    rows: tuple[Happening, ...]

    @property
    def alerts(self) -> int:
        """How many alerts were raised."""
        return sum(row.times for row in self.rows if row.what == "alert")

    @property
    def only_alerts(self) -> Happenings:
        """The alerts alone."""
        return replace(self, rows=tuple(row for row in self.rows if row.what == "alert"))

    @property
    def marks(self) -> dict[date, str]:
        """What a figure over days should mark: the day's alerts and config steps."""
        marked: dict[date, str] = {}
        for row in self.rows:
            if row.what == "alert" or row.what.startswith("config "):
                marked.setdefault(row.at.date(), row.what)
        return marked

    def summary(self) -> str:
        """How many of each kind."""
        counts: Counter[str] = Counter()
        for row in self.rows:
            counts[row.what] += row.times
        if not counts:
            return "No config was changed, no experiment started or ended, and no alert was raised."
        return ", ".join(f"{n} {what}" for what, n in sorted(counts.items())).capitalize() + "."

    def records(self) -> list[dict[str, Cell]]:
        """One mapping a happening."""
        return [
            {
                "at": row.at.strftime("%Y-%m-%d %H:%M:%S"),
                "what": row.what,
                "subject": row.subject,
                "detail": row.detail,
                "times": row.times if row.times > 1 else None,
            }
            for row in self.rows
        ]


def happenings(log: Log, *, from_us: int, to_us: int) -> Happenings:
    """What happened in a window.

    Args:
        log: The log.
        from_us: First instant, UTC microseconds.
        to_us: End, not included.
    """
    rows = log.query("happenings", from_us=from_us, to_us=to_us)
    return Happenings(
        rows=tuple(
            Happening(
                at=datetime.fromtimestamp(row["happened_us"] // US_PER_S, UTC),
                what=row["what"],
                subject=row["subject"] or "",
                detail=row["detail"] or "",
                times=row["times"],
            )
            for row in rows
        ),
        provenance=Provenance(view="config_version, experiment, alert"),
    )
