"""What if one limit were another? The same program, solved again. Measures nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from bizq_lab.core.money import format_usd
from bizq_lab.core.result import Result
from bizq_lab.errors import NotEnoughData
from bizq_lab.tuning.program import PERCENT, Infeasible, Problem, Solution
from bizq_lab.tuning.solver import infeasible, solve

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bizq_lab.core.result import Cell as Value


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitChangeRow:
    """One arm at one task type whose share changes."""

    task_type: str
    arm: str
    percent: int
    percent_then: int


@dataclass(frozen=True, kw_only=True, repr=False)
class LimitChange(Result):
    """What moving one limit does to the weights, and to what they bring.

    Attributes:
        limit: Its name.
        bound: As it is.
        bound_then: As asked.
        unit: Of both.
        value_usd: Expected net benefit a day as it is, at the point estimates.
        value_then_usd: The same then.
        cost_usd: Expected cost a day as it is.
        cost_then_usd: The same then.
    """

    title: ClassVar[str] = "What if a limit moves"
    columns: ClassVar[tuple[str, ...]] = tuple(LimitChangeRow.__dataclass_fields__)

    rows: tuple[LimitChangeRow, ...]
    limit: str
    bound: float
    bound_then: float
    unit: str
    value_usd: float
    value_then_usd: float
    cost_usd: float
    cost_then_usd: float

    def summary(self) -> str:
        """What the move buys, and how much of the weights it touches."""
        types = len({row.task_type for row in self.rows})
        gained, spent = self.value_then_usd - self.value_usd, self.cost_then_usd - self.cost_usd
        return (
            f"{self.limit} from {self.bound:g} to {self.bound_then:g} {self.unit}: {types} task types change, for"
            f" {format_usd(gained)} more value a day at {format_usd(spent)} more cost."
        )

    def records(self) -> list[dict[str, Value]]:
        """One mapping an arm that changes."""
        return [{name: getattr(row, name) for name in self.columns} for row in self.rows]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Weights before and after."""
        from bizq_lab.viz import weights  # noqa: PLC0415 - loads matplotlib

        before = {(row.task_type, row.arm): float(row.percent) for row in self.rows}
        after = {(row.task_type, row.arm): float(row.percent_then) for row in self.rows}
        return weights(before, after, title=f"Share of traffic, {self.limit} moved", ax=ax)


def limit_change(problem: Problem | None, limit: str, bound: float) -> LimitChange:
    """Solve the program as it is and with one limit moved; see `Proposal.what_if`."""
    if problem is None:
        message = "there was nothing to choose, so there is no limit to move"
        raise NotEnoughData(message, hint="measure at least two arms of a task type")
    moved = problem.with_limit(limit, bound)
    before, after = _solved(problem), _solved(moved)
    old, new = (problem.expected @ (np.array(s.percent) / PERCENT) for s in (before, after))
    own = next(each for each in problem.limits if each.name == limit)
    return LimitChange(
        rows=tuple(
            LimitChangeRow(task_type=option.group, arm=option.arm, percent=now, percent_then=then)
            for option, now, then in zip(problem.options, before.percent, after.percent, strict=True)
            if now != then
        ),
        limit=limit,
        bound=own.bound,
        bound_then=bound,
        unit=own.unit,
        value_usd=float(old[0]),
        value_then_usd=float(new[0]),
        cost_usd=float(old[1]),
        cost_then_usd=float(new[1]),
    )


def _solved(problem: Problem) -> Solution:
    answer = solve(problem)
    if isinstance(answer, Infeasible):
        raise infeasible(answer)
    return answer
