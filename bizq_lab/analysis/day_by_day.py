"""How each task type did on each UTC day: the trend behind the averages. Intention to treat, clustered."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, ClassVar

from bizq_lab.analysis.cell_estimates import mean
from bizq_lab.analysis.cells import Cell, Window, read_cells
from bizq_lab.analysis.metrics import METRICS
from bizq_lab.core.estimate import Estimate
from bizq_lab.core.result import Provenance, Result
from bizq_lab.errors import NotEnoughData

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from bizq_lab.core.result import Cell as Value
    from bizq_lab.store import Log

MOST_DRAWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRow:
    """One task type on one UTC day.

    Attributes:
        task_type: Task type.
        day: UTC day, as 2026-11-26.
        n: Outcomes.
        success: Share of accepted results.
        cost_usd: Mean cost of a decision; None where no price is known.
        latency_s: Mean seconds of the whole chain; None where not measured.
    """

    task_type: str
    day: str
    n: int
    success: Estimate
    cost_usd: Estimate | None
    latency_s: Estimate | None


@dataclass(frozen=True, kw_only=True, repr=False)
class DayByDay(Result):
    """Every task type, every day of the window.

    Attributes:
        marks: What happened on a day, shown in the figure.
    """

    title: ClassVar[str] = "Day by day"
    columns: ClassVar[tuple[str, ...]] = tuple(DayRow.__dataclass_fields__)

    rows: tuple[DayRow, ...]
    marks: Mapping[date, str] | None = None

    def summary(self) -> str:
        """How many tasks on how many days, and the weakest day."""
        days = len({row.day for row in self.rows})
        worst = min(self.rows, key=lambda row: (row.success.value, -row.n, row.task_type, row.day))
        said = f"{sum(row.n for row in self.rows):,} tasks on {days} {'day' if days == 1 else 'days'}"
        return f"{said}; the weakest was {worst.task_type} on {worst.day} with {worst.success.value:.0%} of {worst.n}."

    def records(self) -> list[dict[str, Value]]:
        """One mapping a task type and day."""
        return [{name: getattr(row, name) for name in self.columns} for row in self.rows]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Success over the days, a strip a task type; the busiest ten of them."""
        from bizq_lab.viz import timeline  # noqa: PLC0415 - loads matplotlib

        busiest: Counter[str] = Counter()
        for row in self.rows:
            busiest[row.task_type] += row.n
        drawn = {name for name, _ in sorted(busiest.items(), key=lambda item: (-item[1], item[0]))[:MOST_DRAWN]}
        return timeline(
            [row for row in self.records() if row["task_type"] in drawn],
            series="task_type",
            marks=self.marks,
            title="Success by task type, day by day",
            ax=ax,
        )


def day_by_day(
    log: Log,
    *,
    from_us: int | None = None,
    to_us: int | None = None,
    task_type: str | None = None,
    marks: Mapping[date, str] | None = None,
) -> DayByDay:
    """Success, cost and latency of each task type on each UTC day.

    Args:
        log: The log.
        from_us: Decisions at or after this instant, UTC microseconds.
        to_us: Decisions before this instant.
        task_type: Only this one.
        marks: What happened on a day, for the figure.

    Raises:
        NotEnoughData: The window holds no outcome.
    """
    window = Window(task_type=task_type, from_us=from_us, to_us=to_us)
    cells = [c for c in read_cells(log, window, by_arm=False, by_model=False, by_day=True) if c.n]
    if not cells:
        message = f"no outcome in the log (window: {window})"
        raise NotEnoughData(message, hint="run tasks first, or widen the window")
    return DayByDay(
        rows=tuple(row for cell in cells if (row := _row(cell)) is not None),
        marks=marks,
        provenance=Provenance(view="task_outcome", window=str(window), n_decisions=sum(cell.n for cell in cells)),
    )


def _row(cell: Cell) -> DayRow | None:
    success = mean(cell, METRICS["success"])
    if success is None:
        return None
    return DayRow(
        task_type=cell.task_type,
        day=cell.key[-1],
        n=cell.n,
        success=success,
        cost_usd=mean(cell, METRICS["cost"]),
        latency_s=mean(cell, METRICS["latency"]),
    )
