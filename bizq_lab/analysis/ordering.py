"""Arms by value for money: the answer of `efficiency`, one row an arm. Holds what was found; finds nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from bizq_lab.core.estimate import Estimate
from bizq_lab.core.result import Result
from bizq_lab.errors import NotEnoughData

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bizq_lab.core.result import Cell

_NOTHING = Estimate(value=math.inf, lower=0.0, upper=math.inf, unit="usd")


@dataclass(frozen=True, slots=True, kw_only=True)
class EfficiencyRow:
    """One arm at one task type.

    Attributes:
        task_type: Task type.
        rank: Place by value, 1 is best; shrunk to the hand-made ordering while n is small (S17).
        rank_best: Least rank that the data do not exclude, over all arms at once.
        rank_worst: Greatest rank that the data do not exclude.
        arm: Arm id, or the model where the rules chose.
        model: Model key.
        n: Outcomes.
        tasks: Independent tasks or units behind them.
        success: Share of accepted results.
        quality: Mean quality; None where not measured.
        cost_usd: Mean cost of a task.
        cost_per_success_usd: With Fieller's interval, unbounded where successes are too rare; None without success.
        net_benefit_usd: Value of the results less their cost, a task; None without a catalog or a price.
        p_best: Probability of the greatest net benefit; None where the spread is not known.
        dominated_by: An arm that costs no more and gives no less, by the point estimates.
        mixed_out_by: Two arms whose mixture gives more for the money (extended dominance), by the point estimates.
        icer_usd: Cost of one more unit of quality over the next cheaper efficient arm.
        frontier_share: How often it is on the cost-quality frontier when both are drawn anew.
    """

    task_type: str
    rank: int
    rank_best: int
    rank_worst: int
    arm: str
    model: str
    n: int
    tasks: int
    success: Estimate
    quality: Estimate | None
    cost_usd: Estimate | None
    cost_per_success_usd: Estimate | None
    net_benefit_usd: Estimate | None
    p_best: float | None
    dominated_by: str
    mixed_out_by: str
    icer_usd: float | None
    frontier_share: float | None


@dataclass(frozen=True, kw_only=True, repr=False)
class Efficiency(Result):
    """Arms by value for money, best first, for each task type."""

    title: ClassVar[str] = "Cost efficiency"
    columns: ClassVar[tuple[str, ...]] = tuple(EfficiencyRow.__dataclass_fields__)

    rows: tuple[EfficiencyRow, ...]

    def ordering(self, task_type: str) -> tuple[str, ...]:
        """Arms of a task type, best value first."""
        return tuple(row.arm for row in self.rows if row.task_type == task_type)

    def summary(self) -> str:
        """How many task types have a clear leader, and the cheapest success among them."""
        types = {row.task_type: row for row in reversed(self.rows)}
        clear = [row for row in types.values() if row.rank_worst == 1 and row.rank == 1]
        priced = [row for row in self.rows if row.cost_per_success_usd is not None]
        if not priced:
            return f"No arm has a priced success yet in {len(types)} task types."
        cheapest = min(priced, key=lambda row: (row.cost_per_success_usd or _NOTHING).value)
        return (
            f"{len(clear)} of {len(types)} task types have a clear best arm; the cheapest success is {cheapest.arm}"
            f" at {cheapest.task_type}: {cheapest.cost_per_success_usd}."
        )

    def records(self) -> list[dict[str, Cell]]:
        """One mapping an arm."""
        return [{name: getattr(row, name) for name in self.columns} for row in self.rows]

    def plot_frontier(self, task_type: str, ax: Axes | None = None) -> Axes:
        """Cost against quality of one task type's arms, or against success where quality was not measured.

        Raises:
            NotEnoughData: No arm of the task type has a known cost.
        """
        from bizq_lab.viz import frontier  # noqa: PLC0415 - loads matplotlib

        own = [row for row in self.rows if row.task_type == task_type and row.cost_usd is not None]
        if not own:
            message = f"no arm of {task_type!r} has a known cost"
            raise NotEnoughData(message, hint="name a task type of this answer, or give its models prices")
        gain = "quality" if all(row.quality is not None for row in own) else "success"
        rows = [
            {
                "arm": row.arm if row.frontier_share is None else f"{row.arm} ({row.frontier_share:.0%})",
                "cost_usd": row.cost_usd,
                gain: getattr(row, gain),
            }
            for row in own
        ]
        return frontier(rows, quality=gain, title=f"Cost and {gain}, with the chance to be on the frontier", ax=ax)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Cost of a success by arm; where there was none, cost of a task."""
        from bizq_lab.viz import cost_bars  # noqa: PLC0415 - loads matplotlib

        rows = [
            {"task": row.task_type, "arm": row.arm, "cost_per_success_usd": row.cost_per_success_usd}
            for row in self.rows
            if row.cost_per_success_usd is not None
        ]
        return cost_bars(rows, group="task", label="arm", cost="cost_per_success_usd", title="Cost of a success", ax=ax)
