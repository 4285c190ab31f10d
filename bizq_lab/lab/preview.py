"""What a bulk run is expected to cost, before anything is logged or sent. Routes; executes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from bizq_lab.core.estimate import Caveat, Estimate
from bizq_lab.core.money import format_usd
from bizq_lab.core.result import Provenance, Result
from bizq_lab.errors import InputError, NoFeasibleModel
from bizq_lab.lab.budgets import naming_the_budget

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bizq_lab.core.decision import RoutingDecision
    from bizq_lab.core.result import Cell
    from bizq_lab.core.task import RoutingContext, Task
    from bizq_lab.lab.service import BizQAIRouter

SHOWN_PROBLEMS = 10
# The router's low and high estimates are the 0.1 and 0.95 quantiles of what such calls took.
BAND = 0.85


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewRow:
    """Rows of one task type that one model would get.

    Attributes:
        task_type: Task type.
        model: Catalog key.
        tasks: How many.
        unpriced: Of these, how many have no known price; they are in no sum.
        low_usd: Sum of the low estimates.
        expected_usd: Sum of the expected costs.
        high_usd: Sum of the high estimates, which routing filters on.
        billed: Whether a vendor will charge for it; a local model costs compute.
    """

    task_type: str
    model: str
    tasks: int
    unpriced: int
    low_usd: float
    expected_usd: float
    high_usd: float
    billed: bool


@dataclass(frozen=True, kw_only=True, repr=False)
class CostPreview(Result):
    """What rows would cost, by the router's own estimate of the first call; retries and failovers come on top."""

    title: ClassVar[str] = "Cost preview"
    columns: ClassVar[tuple[str, ...]] = (
        "task_type", "model", "tasks", "low_usd", "expected_usd", "high_usd", "unpriced",
    )  # fmt: skip
    rows: tuple[PreviewRow, ...]

    @property
    def tasks(self) -> int:
        """How many rows."""
        return sum(row.tasks for row in self.rows)

    @property
    def unpriced(self) -> int:
        """How many rows have no known price."""
        return sum(row.unpriced for row in self.rows)

    @property
    def low_usd(self) -> float:
        """Sum of the low estimates."""
        return sum(row.low_usd for row in self.rows)

    @property
    def expected_usd(self) -> float:
        """Sum of the expected costs."""
        return sum(row.expected_usd for row in self.rows)

    @property
    def high_usd(self) -> float:
        """Sum of the high estimates."""
        return sum(row.high_usd for row in self.rows)

    @property
    def spends_money(self) -> bool:
        """Whether some vendor will send a bill: a hosted model with a price above zero, or without a known one."""
        return any(row.billed and (row.high_usd > 0 or row.unpriced) for row in self.rows)

    def records(self) -> list[dict[str, Cell]]:
        """One mapping a row."""
        return [{name: getattr(row, name) for name in self.columns} for row in self.rows]

    def summary(self) -> str:
        """Low, expected and high in one sentence; what has no price is said."""
        if not self.tasks:
            return "nothing is left to run"
        many = f"{self.tasks} task{'s' if self.tasks != 1 else ''}"
        cost = (
            f"{many}: {format_usd(self.expected_usd)} expected, "
            f"between {format_usd(self.low_usd)} and {format_usd(self.high_usd)}"
        )
        return cost + (f", and {self.unpriced} without a known price" if self.unpriced else "")

    def plot(self, ax: Axes | None = None) -> Axes:
        """Expected cost of each row with its band."""
        from bizq_lab.viz import forest  # noqa: PLC0415 - matplotlib loads when a figure is drawn

        rows = [
            {
                "model": row.model,
                "task_type": row.task_type,
                "cost_usd": Estimate(
                    value=row.expected_usd, lower=row.low_usd, upper=row.high_usd, level=BAND, unit="usd", n=row.tasks,
                    method="the router's estimate",
                ),
            }
            for row in self.rows
        ]  # fmt: skip
        return forest(rows, label="model", group="task_type", estimate="cost_usd", title=self.summary(), ax=ax)


@dataclass(slots=True)
class _Sum:
    tasks: int = 0
    unpriced: int = 0
    low: float = 0.0
    expected: float = 0.0
    high: float = 0.0
    billed: bool = False


@dataclass(slots=True)
class Appraisal:
    """Routes rows as they would be routed now, and checks every one before any is run."""

    service: BizQAIRouter
    _sums: dict[tuple[str, str], _Sum] = field(default_factory=dict)
    _problems: list[str] = field(default_factory=list)
    _wrong: int = 0
    _infeasible: NoFeasibleModel | None = None

    def see(self, number: int, task: Task, context: RoutingContext) -> None:
        """Take one row.

        Raises:
            BudgetRefused: A model could serve it, but not within what is left to spend.
        """
        try:
            with naming_the_budget(self.service, task, context):
                decision = self.service.decide(task, context, decision_id="preview")
            self.service.check_input(decision)
        except InputError as error:
            self._wrong += 1
            if len(self._problems) < SHOWN_PROBLEMS:
                self._problems.append(f"  row {number + 1}: {error.message}")
        except NoFeasibleModel as error:
            self._infeasible = self._infeasible or error
        else:
            self._add(decision)

    def preview(self) -> CostPreview:
        """The sum of what was seen.

        Raises:
            InputError: Some rows' inputs cannot fill their prompts; each is named.
            NoFeasibleModel: No model can serve some row.
        """
        if self._wrong:
            more = "" if self._wrong <= SHOWN_PROBLEMS else f"\n  and {self._wrong - SHOWN_PROBLEMS} more"
            message = f"{self._wrong} rows cannot be run; nothing was sent or logged\n" + "\n".join(self._problems)
            raise InputError(message + more, hint="mend these rows; see the task type's prompt for what each needs")
        if self._infeasible is not None:
            raise self._infeasible
        rows = tuple(
            PreviewRow(
                task_type=kind, model=model, tasks=one.tasks, unpriced=one.unpriced, low_usd=one.low,
                expected_usd=one.expected, high_usd=one.high, billed=one.billed,
            )
            for (kind, model), one in sorted(self._sums.items())
        )  # fmt: skip
        unpriced = sum(row.unpriced for row in rows)
        said = f"{unpriced} rows go to models without a known price; they are in no sum, and a budget refuses them"
        return CostPreview(
            rows=rows,
            caveats=(Caveat(code="unpriced", message=said),) if unpriced else (),
            provenance=Provenance(catalog_version=self.service.router.catalog.version),
        )

    def _add(self, decision: RoutingDecision) -> None:
        estimate, key = decision.estimate, decision.config.key
        one = self._sums.setdefault((decision.task.type, key), _Sum())
        one.tasks += 1
        one.billed = self.service.router.catalog.resolve(key).residency != "local"
        if estimate.estimated_cost is None or estimate.low is None or estimate.high is None:
            one.unpriced += 1
            return
        one.low += estimate.low
        one.expected += estimate.estimated_cost
        one.high += estimate.high


def appraise_rows(service: BizQAIRouter, rows: Sequence[tuple[int, Task, RoutingContext]]) -> CostPreview:
    """Check every row, and say what all of them are expected to cost.

    Args:
        service: Routes them.
        rows: Number, task and context of each.

    Raises:
        InputError: Some input cannot fill its prompt.
        NoFeasibleModel: No model can serve some row.
        BudgetRefused: No model can within what is left to spend.
    """
    appraisal = Appraisal(service)
    for number, task, context in rows:
        appraisal.see(number, task, context)
    return appraisal.preview()
