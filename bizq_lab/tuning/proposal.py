"""Weights that the log supports, what they would gain, and what their limits cost. Computes nothing, ships nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from bizq_lab.config import RoutingConfig
from bizq_lab.core.estimate import Estimate
from bizq_lab.core.money import format_usd
from bizq_lab.core.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bizq_lab.core.result import Cell as Value
    from bizq_lab.tuning.frontier import BudgetFrontier
    from bizq_lab.tuning.limit_change import LimitChange
    from bizq_lab.tuning.program import Problem

Status = Literal["improved", "required", "unchanged", "undecided", "no_evidence"]
CHANGED: frozenset[Status] = frozenset({"improved", "required"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalRow:
    """One arm at one task type.

    Attributes:
        task_type: Task type.
        status: `improved` moves with evidence, `required` because a limit demands it; `unchanged`, `undecided` and
            `no_evidence` stay as they are.
        arm: Arm id, or `default`.
        percent_now: Share of traffic today.
        percent: Share proposed.
        tasks: Independent tasks behind the figures.
        success: None where not measured.
        quality: None where not measured.
        cost_usd: A task; None where not measured.
        net_benefit_usd: A task; None where not measured.
        gain_usd: Of the whole task type, a task, over what runs now; None where it stays.
    """

    task_type: str
    status: Status
    arm: str
    percent_now: int
    percent: int
    tasks: int
    success: Estimate | None
    quality: Estimate | None
    cost_usd: Estimate | None
    net_benefit_usd: Estimate | None
    gain_usd: Estimate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowPrice:
    """What one more unit of a limit would be worth.

    Attributes:
        limit: Such as `budget`.
        value_usd: Value gained a unit, under the linear program; 0 where the limit does not bind.
        unit: Of the limit.
        step: How much of the unit the sentence speaks of.
    """

    limit: str
    value_usd: float
    unit: str
    step: float = 1.0

    def __str__(self) -> str:
        """`one more USD of budget buys $2.10 of value`."""
        if self.value_usd == 0.0:
            return f"{self.limit} does not bind"
        if self.unit == "usd":
            return f"{self.limit}: one more USD buys {format_usd(self.value_usd)} of value"
        amount = f"{self.step:g} {self.unit} less strict"
        return f"{self.limit}: {amount} buys {format_usd(self.value_usd * self.step)} of value"


@dataclass(frozen=True, kw_only=True, repr=False)
class Proposal(Result):
    """A routing config with the reasons for it.

    Attributes:
        config: The next version, ready to publish.
        rows: Every arm of every task type.
        gain: Expected gain over what runs now, for all volumes together.
        cost: Expected cost of the types that move or were measured, for all volumes together.
        volume: Tasks that `gain`, `cost` and the budget are about.
        shadow_prices: What the limits cost.
        blockers: Why it must not be published without an override; empty if it may.
        problem: The program behind the weights, to ask again with another limit; None where nothing could be chosen.
    """

    title: ClassVar[str] = "Proposed weights"
    columns: ClassVar[tuple[str, ...]] = tuple(ProposalRow.__dataclass_fields__)

    config: RoutingConfig
    rows: tuple[ProposalRow, ...]
    gain: Estimate
    cost: Estimate
    volume: float
    shadow_prices: tuple[ShadowPrice, ...] = ()
    blockers: tuple[str, ...] = ()
    problem: Problem | None = None

    def volume_of(self, task_type: str) -> float:
        """Tasks a day of a task type that the program is about."""
        return 1.0 if self.problem is None else self.problem.volumes.get(task_type, 1.0)

    def status(self, task_type: str) -> Status:
        """What becomes of a task type."""
        return next(row.status for row in self.rows if row.task_type == task_type)

    @property
    def moved(self) -> frozenset[str]:
        """Task types whose weights change."""
        return frozenset(row.task_type for row in self.rows if row.status in CHANGED)

    def what_if(self, limit: str, bound: float) -> LimitChange:
        """The same program with one limit moved: what would change, and what it would be worth.

        Args:
            limit: Its name, as in `shadow_prices`.
            bound: The limit's new bound, in its unit.

        Raises:
            InfeasibleLimits: Nothing keeps the limits then; says which to relax by how much.
            InputError: There is no such limit.
            NotEnoughData: There was nothing to choose, so no program.
        """
        from bizq_lab.tuning.limit_change import limit_change  # noqa: PLC0415 - it needs this module's rows

        return limit_change(self.problem, limit, bound)

    def frontier(self, points: int = 50) -> BudgetFrontier:
        """The greatest value at every budget, from the cheapest weights to those that need no more.

        Raises:
            NotEnoughData: There was nothing to choose, so no program.
        """
        from bizq_lab.tuning.frontier import budget_frontier  # noqa: PLC0415 - as above

        return budget_frontier(self.problem, points=points)

    def summary(self) -> str:
        """How many task types move, what that is worth, and why the rest stay."""
        statuses = {row.task_type: row.status for row in self.rows}
        moved = [name for name, status in statuses.items() if status in CHANGED]
        undecided = sum(status == "undecided" for status in statuses.values())
        unknown = sum(status == "no_evidence" for status in statuses.values())
        stay = f"{undecided} stay because the data do not decide, {unknown} because too little is known"
        if not moved:
            return f"Keep the present routing of all {len(statuses)} task types: {stay}."
        binding = next((f" {price}." for price in self.shadow_prices if price.value_usd > 0), "")
        return (
            f"Move {len(moved)} of {len(statuses)} task types: expected gain {self.gain} over {self.volume:,.0f} tasks;"
            f" {stay}.{binding}"
        )

    def records(self) -> list[dict[str, Value]]:
        """One mapping an arm."""
        return [{name: getattr(row, name) for name in self.columns} for row in self.rows]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Weights before and after."""
        from bizq_lab.viz import weights  # noqa: PLC0415 - loads matplotlib

        before = {(row.task_type, row.arm): float(row.percent_now) for row in self.rows}
        after = {(row.task_type, row.arm): float(row.percent) for row in self.rows}
        return weights(before, after, title="Share of traffic, now and proposed", ax=ax)
