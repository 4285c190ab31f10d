"""What became of a bulk run, row by row. Knows how to tell it, not how it came about."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from bizq_lab.core.execution import TaskResult
from bizq_lab.core.money import Money
from bizq_lab.core.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bizq_lab.core.result import Cell
    from bizq_lab.core.task import Task

NOT_RUN = "not_run"
_US_PER_S = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkRow:
    """One row of a run.

    Attributes:
        row: Its place, from 1 as people count.
        task_id: The task.
        task_type: Its type.
        decision_id: The latest decision on it; empty when none was made.
        status: `completed`, `escalated`, `failed`, `cancelled` or `not_run`.
        model: Who answered; empty when nobody did.
        cost: All calls of the latest try; None when some price is unknown, or it was not run.
        response_time_s: Of the whole chain; None when it was not run.
        output: The accepted text; hostile until escaped. Of an earlier try only where payloads are kept in full.
        reason: Why it ended this way; empty for what ended earlier.
        earlier: Whether it had ended before this pass began.
        cached: Whether the response cache answered.
    """

    row: int
    task_id: str
    task_type: str
    decision_id: str = ""
    status: str = NOT_RUN
    model: str = ""
    cost: Money | None = None
    response_time_s: float | None = None
    output: str = ""
    reason: str = ""
    earlier: bool = False
    cached: bool = False

    @property
    def cost_usd(self) -> float | None:
        """The cost in dollars, for display."""
        return None if self.cost is None else float(self.cost)


@dataclass(frozen=True, kw_only=True, repr=False)
class BulkRun(Result):
    """A bulk run after one pass; `results` has the whole result of each row that this pass executed."""

    title: ClassVar[str] = "Bulk run"
    columns: ClassVar[tuple[str, ...]] = (
        "row", "task_id", "task_type", "status", "model", "cost_usd", "response_time_s", "cached", "earlier", "reason",
    )  # fmt: skip
    run_id: str
    rows: tuple[BulkRow, ...]
    results: tuple[TaskResult, ...] = ()
    refusal: str = ""

    @property
    def cost(self) -> Money:
        """What all rows have cost so far, as far as prices are known; people are not in it."""
        return sum((row.cost for row in self.rows if row.cost is not None), Money(0))

    @property
    def counts(self) -> Counter[str]:
        """How many rows ended in each way."""
        return Counter(row.status for row in self.rows)

    def records(self) -> list[dict[str, Cell]]:
        """One mapping a row."""
        return [{name: getattr(row, name) for name in self.columns} for row in self.rows]

    def summary(self) -> str:
        """How many rows ended how, and for how much."""
        counts = self.counts
        rest = ", ".join(
            f"{n} {status.replace('_', ' ')}" for status, n in sorted(counts.items()) if status != "completed"
        )
        said = f"{counts['completed']} of {len(self.rows)} completed for {self.cost}" + (f"; {rest}" if rest else "")
        return said + (f"; stopped by the budget: {self.refusal}" if self.refusal else "")

    def plot(self, ax: Axes | None = None) -> Axes:
        """Share completed by task type, with Wilson intervals."""
        from bizq_lab.stats.proportions import wilson  # noqa: PLC0415 - statistics load when a figure is drawn
        from bizq_lab.stats.types import Tally  # noqa: PLC0415 - as above
        from bizq_lab.viz import forest  # noqa: PLC0415 - as above

        kinds = {row.task_type: [one.status == "completed" for one in self.rows if one.task_type == row.task_type]
                 for row in self.rows}  # fmt: skip
        rows = [{"task_type": kind, "completed": wilson(Tally(sum(done), len(done)))} for kind, done in kinds.items()]
        return forest(rows, label="task_type", estimate="completed", title=self.summary(), ax=ax)


def row_of_result(number: int, task: Task, result: TaskResult) -> BulkRow:
    """A row that this pass executed."""
    costs = [attempt.cost for attempt in result.attempts]
    served = next((one for one in reversed(result.attempts) if one.reply), None)
    return BulkRow(
        row=number + 1,
        task_id=result.task_id,
        task_type=task.type,
        decision_id=result.decision_id,
        status=result.status,
        model=served.config.key if served else "",
        cost=None if None in costs else sum((cost for cost in costs if cost is not None), Money(0)),
        response_time_s=result.processing_time,
        output=result.output,
        reason=result.reasoning,
        cached=bool(served and served.reply and served.reply.cached),
    )


def row_of_log(number: int, task: Task, known: dict[str, Any]) -> BulkRow:
    """A row that ended before, as the log tells it."""
    cost, seconds = known["cost_nano_usd"], known["response_time_us"]
    return BulkRow(
        row=number + 1,
        task_id=known["task_id"],
        task_type=task.type,
        decision_id=known["decision_id"],
        status=known["status"],
        model=known["served_model"] or "",
        cost=None if cost is None else Money(cost),
        response_time_s=None if seconds is None else seconds / _US_PER_S,
        output=known["output"] if known["status"] == "completed" else "",
        earlier=True,
        cached=known["cached"],
    )
