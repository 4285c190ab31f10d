"""The cost-quality frontier of whole policies: the greatest value that each budget buys. Measures nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from bizq_lab.core.estimate import Estimate
from bizq_lab.core.money import format_usd
from bizq_lab.core.result import Result
from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.stats.hull import area_under_hull
from bizq_lab.stats.types import Floats
from bizq_lab.tuning.program import Limit, Problem
from bizq_lab.tuning.solver import relaxed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bizq_lab.core.result import Cell as Value

LEAST_POINTS = 2
BUDGET = "budget"


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetPoint:
    """The best weights within one budget.

    Attributes:
        budget_usd: A day's budget, at the upper bound of cost.
        cost_usd: Expected cost a day of the best weights.
        result_usd: Expected worth of the results, before cost.
        net_benefit_usd: The same less the cost.
        price_usd: What one more dollar of budget would buy, at the bound that is maximised.
    """

    budget_usd: float
    cost_usd: float
    result_usd: float
    net_benefit_usd: float
    price_usd: float


@dataclass(frozen=True, kw_only=True, repr=False)
class BudgetFrontier(Result):
    """What every budget buys, from the cheapest weights that keep the other limits.

    Attributes:
        mean_result_usd: Area under the hull of cost and worth, over the range of cost: the worth at a budget drawn
            evenly from the range (AIQ, in USD).
    """

    title: ClassVar[str] = "Budget frontier"
    columns: ClassVar[tuple[str, ...]] = tuple(BudgetPoint.__dataclass_fields__)

    rows: tuple[BudgetPoint, ...]
    mean_result_usd: float

    def summary(self) -> str:
        """The ends, and where the next dollar stops paying for itself."""
        low, high = self.rows[0], self.rows[-1]
        knee = next((row for row in self.rows if row.price_usd < 1.0), high)
        return (
            f"{format_usd(low.cost_usd)} a day buys results worth {format_usd(low.result_usd)},"
            f" {format_usd(high.cost_usd)} buys {format_usd(high.result_usd)};"
            f" beyond a budget of {format_usd(knee.budget_usd)} a dollar buys less than a dollar more."
        )

    def records(self) -> list[dict[str, Value]]:
        """One mapping a budget."""
        return [{name: getattr(row, name) for name in self.columns} for row in self.rows]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Worth of the results against cost, at up to eight of the budgets."""
        from bizq_lab.viz import frontier  # noqa: PLC0415 - loads matplotlib

        step = max(len(self.rows) // 7, 1)
        rows = [
            {"budget": format_usd(row.budget_usd), "cost": _exact(row.cost_usd), "result": _exact(row.result_usd)}
            for row in self.rows[::step]
        ]
        return frontier(
            rows,
            label="budget",
            cost="cost",
            quality="result",
            title="What each daily budget buys",
            xlabel="expected cost a day (US$)",
            ylabel="worth of the results a day (US$)",
            ax=ax,
        )


def budget_frontier(problem: Problem | None, *, points: int = 50) -> BudgetFrontier:
    """Solve the linear program at evenly spaced budgets; see `Proposal.frontier`.

    Args:
        problem: The program; its own budget, if any, does not count.
        points: How many budgets.

    Raises:
        InputError: Fewer than two points.
        NotEnoughData: There is no program.

    Source:
        Epsilon-constraint method: Haimes, Lasdon & Wismer 1971; area: Hu et al. 2024 (RouterBench, AIQ).
    """
    if problem is None:
        message = "there was nothing to choose, so there is no frontier"
        raise NotEnoughData(message, hint="measure at least two arms of a task type")
    if points < LEAST_POINTS:
        message = f"points == {points!r}, must be at least {LEAST_POINTS}"
        raise InputError(message)
    firm = _firm_costs(problem)
    free = replace(problem, limits=tuple(limit for limit in problem.limits if limit.name != BUDGET))
    low, high = _cheapest(free, firm), _spent(free, firm)
    capped = _within(free, firm, high)
    rows = []
    for budget in np.linspace(low, max(high, low), points).tolist():
        found = relaxed(capped.with_limit(BUDGET, budget * (1.0 + 1e-9) + 1e-12))
        if found is not None:
            net, cost = free.expected @ found[0]
            rows.append(
                BudgetPoint(
                    budget_usd=budget,
                    cost_usd=float(cost),
                    result_usd=float(net + cost),
                    net_benefit_usd=float(net),
                    price_usd=found[1][BUDGET],
                )
            )
    if not rows:
        message = "no weights keep the limits at any budget"
        raise NotEnoughData(message, hint="tune says which limit to relax")
    area = area_under_hull([row.cost_usd for row in rows], [row.result_usd for row in rows])
    return BudgetFrontier(rows=tuple(rows), mean_result_usd=area)


def _firm_costs(problem: Problem) -> Floats:
    """Shape (options,). Cost at its upper bound where the program has a budget, else as expected."""
    for limit in problem.limits:
        if limit.name == BUDGET:
            costs = np.zeros(len(problem.options))
            costs[list(limit.coefficients)] = list(limit.coefficients.values())
            return costs
    return np.asarray(problem.expected[1], dtype=np.float64)


def _within(problem: Problem, costs: Floats, budget: float) -> Problem:
    rows = dict(enumerate(costs.tolist()))
    limit = Limit(name=BUDGET, coefficients=rows, bound=budget, unit="usd")
    return replace(problem, limits=(*problem.limits, limit))


def _cheapest(problem: Problem, costs: Floats) -> float:
    """What the cheapest weights cost that keep the other limits."""
    options = tuple(
        replace(option, value=-cost / problem.volumes[option.group])
        for option, cost in zip(problem.options, costs.tolist(), strict=True)
    )
    return _spent(replace(problem, options=options), costs)


def _spent(problem: Problem, costs: Floats) -> float:
    found = relaxed(problem)
    return 0.0 if found is None else float(costs @ found[0])


def _exact(value: float) -> Estimate:
    return Estimate(value=value, lower=value, upper=value, unit="usd")
