"""How a UTC day goes so far, task type by task type, beside the days before it. Made to be asked often."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from bizq_lab.analysis.cell_estimates import mean
from bizq_lab.analysis.cells import Cell, Window, read_cells
from bizq_lab.analysis.metrics import METRICS
from bizq_lab.core.estimate import Estimate
from bizq_lab.core.money import NANO_PER_USD, format_usd
from bizq_lab.core.result import Provenance, Result
from bizq_lab.core.trend import Trend

if TYPE_CHECKING:
    from bizq_lab.core.result import Cell as Value
    from bizq_lab.store import Log

DAYS = 14
DAY_US = 86_400_000_000
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TodayRow:
    """One task type.

    Attributes:
        task_type: Task type.
        health: `alert` after an alert within a day, else `healthy`; `quiet` where nothing was decided today.
        tasks: Decisions of today.
        pending: Those without an outcome yet.
        success: Share of accepted results today; None without an outcome.
        success_trend: The same of each day, the last one today, on a scale from 0 to 1.
        cost_usd: Cost of today's decisions, USD.
        cost_trend: The same of each day, on a scale from 0.
    """

    task_type: str
    health: str
    tasks: int
    pending: int
    success: Estimate | None
    success_trend: Trend
    cost_usd: float
    cost_trend: Trend


@dataclass(frozen=True, kw_only=True, repr=False)
class Today(Result):
    """Every task type that was asked for within the last days.

    Attributes:
        day: UTC day.
    """

    title: ClassVar[str] = "Tasks today"
    columns: ClassVar[tuple[str, ...]] = tuple(TodayRow.__dataclass_fields__)

    rows: tuple[TodayRow, ...]
    day: date

    @property
    def tasks(self) -> int:
        """Decisions of today."""
        return sum(row.tasks for row in self.rows)

    @property
    def cost_usd(self) -> float:
        """What they cost so far, USD."""
        return sum(row.cost_usd for row in self.rows)

    def summary(self) -> str:
        """How many tasks for how much, and the weakest task type."""
        if not self.tasks:
            return f"No task yet on {self.day} (UTC)."
        noun = "task" if self.tasks == 1 else "tasks"
        said = f"{self.tasks:,} {noun} on {self.day} (UTC) so far, for {format_usd(self.cost_usd)}"
        judged = [(row.success, row.task_type) for row in self.rows if row.success is not None]
        if not judged:
            return f"{said}; none has ended yet."
        worst, where = min(judged, key=lambda pair: (pair[0].value, pair[1]))
        if worst.value >= 1:
            return f"{said}; all that ended were accepted."
        return f"{said}; the weakest is {where} with {worst.value:.0%} of {worst.n} accepted."

    def records(self) -> list[dict[str, Value]]:
        """One mapping a task type."""
        return [{name: getattr(row, name) for name in self.columns} for row in self.rows]


def today(log: Log, *, now_us: int, days: int = DAYS) -> Today:
    """How the UTC day of an instant goes so far.

    Args:
        log: The log.
        now_us: The instant, UTC microseconds.
        days: How many days the trends show, the last one today.
    """
    day = now_us // DAY_US
    span = {"from_us": (day - days + 1) * DAY_US, "to_us": (day + 1) * DAY_US}
    with log.held():
        counts = log.query("today", **span)
        begun = any(row["day"] == day for row in counts)
        window = Window(from_us=day * DAY_US, to_us=span["to_us"])
        cells = read_cells(log, window, by_arm=False, by_model=False) if begun else []
        alarms = {row["task_type"] for row in log.query("alerts", since_us=now_us - DAY_US)}
    by_type: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
    for row in counts:
        by_type[row["task_type"]][row["day"]] = row
    now = {cell.task_type: cell for cell in cells}
    order = sorted(by_type, key=lambda name: (-_count(by_type[name], day), name))
    shown = range(day - days + 1, day + 1)
    return Today(
        rows=tuple(_row(name, by_type[name], now.get(name), shown, alarmed=name in alarms) for name in order),
        day=_EPOCH + timedelta(days=day),
        provenance=Provenance(
            view="task_outcome",
            window=f"{days} days up to {datetime.fromtimestamp(now_us // 1_000_000, UTC):%Y-%m-%d %H:%M} UTC",
            n_decisions=sum(row["decisions"] for row in counts),
        ),
    )


def _count(days: dict[int, dict[str, Any]], day: int) -> int:
    return int(days[day]["decisions"]) if day in days else 0


def _row(
    task_type: str, days: dict[int, dict[str, Any]], cell: Cell | None, shown: range, *, alarmed: bool
) -> TodayRow:
    own = days.get(shown[-1])
    costs = [float(days[day]["cost_nano_usd"]) / NANO_PER_USD if day in days else None for day in shown]
    return TodayRow(
        task_type=task_type,
        health="alert" if alarmed else "healthy" if own else "quiet",
        tasks=own["decisions"] if own else 0,
        pending=own["decisions"] - own["n"] if own else 0,
        success=None if cell is None or not cell.n else mean(cell, METRICS["success"]),
        success_trend=Trend(tuple(_share(days.get(day)) for day in shown), low=0.0, high=1.0),
        cost_usd=costs[-1] or 0.0,
        cost_trend=Trend(tuple(costs), low=0.0),
    )


def _share(row: dict[str, Any] | None) -> float | None:
    return row["success"] / row["n"] if row and row["n"] else None
