"""How does each model do? Success, cost, latency, quality and ratings of every cell of the log, with intervals.

Charged to the arm that was assigned, failovers included (S24); `served=True` charges who answered instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from bizq_lab.analysis.cell_estimates import cost_per_success, mean, share
from bizq_lab.analysis.cells import Cell, read_cells
from bizq_lab.analysis.durations import read_durations
from bizq_lab.analysis.extent import Conditions, Window, read_conditions, read_size
from bizq_lab.analysis.metrics import FIRST_TOKEN, METRICS
from bizq_lab.analysis.people import PEOPLE
from bizq_lab.core.decision import HUMAN
from bizq_lab.core.estimate import Caveat, Estimate
from bizq_lab.core.result import Provenance, Result
from bizq_lab.errors import NotEnoughData
from bizq_lab.stats.histogram import Histogram

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from bizq_lab.core.result import Cell as Value
    from bizq_lab.store import Log

FEW = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceRow:
    """One cell.

    Attributes:
        task_type: Task type.
        arm: Assigned arm; the model where the rules chose.
        model: Assigned model, or the one that answered if asked for `served`.
        slice: Workspace and day, where asked for.
        n: Outcomes.
        pending: Decisions whose outcome has not arrived; in no figure.
        success: Share of accepted results.
        cost_usd: Mean cost of a decision, all its attempts included.
        cost_per_success_usd: Cost of all decisions per accepted result; None without success.
        latency_s: Mean seconds of the whole chain.
        p50_s: Median seconds.
        p95_s: 95th percentile of seconds.
        first_token_s: Mean seconds to the first token; None where nothing streamed.
        quality: Mean quality in [0, 1], an answer that never came counting 0; None where not measured.
        rating: Mean rating of those who rated, 1 to 5.
        response_rate: Share of outcomes that were rated; read `rating` beside it.
        failover: Share that another model had to answer.
        escalated: Share that went to a person.
        timed_out: Share in which some attempt timed out.
    """

    task_type: str
    arm: str
    model: str
    slice: str
    n: int
    pending: int
    success: Estimate
    cost_usd: Estimate | None
    cost_per_success_usd: Estimate | None
    latency_s: Estimate | None
    p50_s: Estimate | None
    p95_s: Estimate | None
    first_token_s: Estimate | None
    quality: Estimate | None
    rating: Estimate | None
    response_rate: Estimate
    failover: Estimate
    escalated: Estimate
    timed_out: Estimate


@dataclass(frozen=True, kw_only=True, repr=False)
class Performance(Result):
    """Performance of every cell."""

    title: ClassVar[str] = "Performance"
    columns: ClassVar[tuple[str, ...]] = tuple(PerformanceRow.__dataclass_fields__)

    rows: tuple[PerformanceRow, ...]

    @property
    def spent_usd(self) -> float:
        """USD booked for the models' outcomes whose price is known; the work of people is not in it."""
        return sum(row.cost_usd.value * row.n for row in self._of_models if row.cost_usd is not None)

    def summary(self) -> str:
        """How much was done, how well, and which task type needs attention."""
        rows = self._of_models
        n, worst = sum(row.n for row in rows), min(rows, key=lambda row: row.success.value)
        done = sum(row.success.value * row.n for row in rows)
        noun = "task" if n == 1 else "tasks"
        said = f"{round(done):,} of {n:,} {noun} succeeded ({done / n:.0%})"
        if len(rows) == 1:
            return f"{said}."
        return f"{said}; the weakest is {worst.arm or worst.model} at {worst.task_type} with {worst.success.value:.0%}."

    @property
    def _of_models(self) -> tuple[PerformanceRow, ...]:
        """What models did; people only where nobody else did anything."""
        return tuple(row for row in self.rows if row.model != HUMAN) or self.rows

    def records(self) -> list[dict[str, Value]]:
        """One mapping a cell."""
        return [{name: getattr(row, name) for name in self.columns} for row in self.rows]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Success of each cell with its interval."""
        from bizq_lab.viz import forest  # noqa: PLC0415 - loads matplotlib

        rows = [{"task": r.task_type, "arm": r.arm or r.model, "success": r.success} for r in self.rows]
        return forest(rows, group="task", label="arm", estimate="success", title="Success by task type and arm", ax=ax)


def performance(
    log: Log,
    *,
    task_type: str | None = None,
    workspace_id: str | None = None,
    experiment: str | None = None,
    from_us: int | None = None,
    to_us: int | None = None,
    by_arm: bool = True,
    by_workspace: bool = False,
    by_day: bool = False,
    served: bool = False,
    level: float = 0.95,
) -> Performance:
    """Performance of each task type, arm and model; people who took over are the arm `human` (S21).

    Args:
        log: The log.
        task_type: Only this one.
        workspace_id: Only this one.
        experiment: Only this one.
        from_us: Decisions at or after this instant, UTC microseconds.
        to_us: Decisions before this instant.
        by_arm: Tell arms of one model apart.
        by_workspace: One row a workspace.
        by_day: One row a UTC day.
        served: Charge the model that answered instead of the one assigned.
        level: Coverage of the intervals.

    Raises:
        NotEnoughData: The window holds no outcome.
    """
    window = Window(task_type=task_type, workspace_id=workspace_id, experiment=experiment, from_us=from_us, to_us=to_us)
    flags = {"by_arm": by_arm, "by_workspace": by_workspace, "by_day": by_day, "served": served}
    with log.held():
        size = read_size(log, window)
        conditions = read_conditions(log, window, size)
        cells = read_cells(log, window, **flags, people=True, size=size, conditions=conditions)
        durations = read_durations(
            log, window, **flags, by_model=True, by_rules=conditions.by_rules, design=None, conditions=conditions
        )
    known = [cell for cell in cells if cell.n]
    if not known:
        message = f"no outcome in the log (window: {window})"
        raise NotEnoughData(message, hint="run tasks first, or widen the window")
    return Performance(
        rows=tuple(_row(cell, durations.get(cell.key), level) for cell in known),
        caveats=_caveats(cells, conditions),
        provenance=Provenance(
            view="task_outcome",
            window=str(window),
            n_decisions=sum(cell.n + cell.row["pending"] for cell in cells if cell.row["model"] != HUMAN),
            catalog_version=conditions.last("catalog_version"),
        ),
    )


def _row(cell: Cell, durations: Histogram | None, level: float) -> PerformanceRow:
    task_type, arm, model, workspace, day = cell.key
    success, latency = mean(cell, METRICS["success"], level), METRICS["latency"]
    responded, failover = share(cell, "rating_n", level), share(cell, "failed_over", level)
    escalated, timed_out = share(cell, "escalated", level), share(cell, "timed_out", level)
    if success is None or responded is None or failover is None or escalated is None or timed_out is None:
        message = f"no outcome of {arm or model!r} at {task_type!r}"
        raise NotEnoughData(message)
    return PerformanceRow(
        task_type=task_type,
        arm=arm,
        model=model,
        slice=" ".join(filter(None, (workspace, day))),
        n=cell.n,
        pending=int(cell.row["pending"]),
        success=success,
        cost_usd=mean(cell, METRICS["cost"], level),
        cost_per_success_usd=cost_per_success(cell, level),
        latency_s=mean(cell, latency, level),
        p50_s=durations.quantile(0.5, level=level) if durations else None,
        p95_s=durations.quantile(0.95, level=level) if durations else None,
        first_token_s=mean(cell, FIRST_TOKEN, level),
        quality=mean(cell, METRICS["quality"], level),
        rating=mean(cell, METRICS["rating"], level),
        response_rate=responded,
        failover=failover,
        escalated=escalated,
        timed_out=timed_out,
    )


def _caveats(cells: Sequence[Cell], conditions: Conditions) -> tuple[Caveat, ...]:
    """What a reader must know before trusting the table."""
    found = []
    pending = sum(cell.row["pending"] for cell in cells)
    if pending:
        found.append(Caveat(code="pending", message=f"{pending} decisions have no outcome yet and are in no figure"))
    if any(cell.n and cell.row["cost_n"] < cell.n for cell in cells):
        found.append(Caveat(code="unpriced", message="Some calls have no known price; costs are means over the rest"))
    if any(cell.row["model"] == HUMAN for cell in cells):
        found.append(PEOPLE)
    if conditions.several("catalog_version"):
        found.append(Caveat(code="mixed_prices", message="Some cells mix price versions"))
    if conditions.several("quality_source"):
        found.append(
            Caveat(code="mixed_quality", message="Some cells mix sources of quality, which are not comparable")
        )
    small = sum(cell.n > 0 and cell.units < FEW for cell in cells)
    if small:
        found.append(
            Caveat(
                code="few_tasks",
                message=f"{small} cells rest on fewer than {FEW} independent tasks: read the intervals",
            )
        )
    return tuple(found)
