"""What an experiment asks, of how many tasks, at what price: written before a cent is spent. Executes nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from bizq_lab.core.events import ExperimentEvent
from bizq_lab.core.money import Money
from bizq_lab.core.task import Task
from bizq_lab.errors import InputError

if TYPE_CHECKING:
    from bizq_lab.catalog import Catalog
    from bizq_lab.core.decision import CostEstimate

Direction = Literal["increase", "decrease"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentPlan:
    """A comparison, pre-registered (S29, S30).

    Attributes:
        experiment: Its id.
        task_type: What is compared.
        arms: Arm ids; the first is the control.
        design: `paired` gives every arm the same tasks; `randomised` splits traffic.
        primary_metric: The one metric that decides.
        direction: Which way is better.
        margin: Non-inferiority margin, in units of the primary metric.
        alpha: Two-sided error rate.
        sample_size: Tasks per arm.
        repeats: Executions of each task by each arm.
        cost_usd: Expected cost of the whole test; None when some price is unknown.
        cost_high_usd: The same at the high estimate.
        minimum_effect: Smallest difference the planned size detects with `power`.
        power: Probability of detecting it.
        salt: Salt of the sticky split.
    """

    experiment: str
    task_type: str
    arms: tuple[str, ...]
    design: Literal["paired", "randomised"] = "paired"
    primary_metric: str = "success"
    direction: Direction = "increase"
    margin: float = 0.05
    alpha: float = 0.05
    sample_size: int
    repeats: int = 1
    cost_usd: float | None = None
    cost_high_usd: float | None = None
    minimum_effect: float = 0.1
    power: float = 0.8
    salt: str = ""

    def __post_init__(self) -> None:
        """Refuse what could not be analysed."""
        if len(self.arms) < 2 or len(set(self.arms)) != len(self.arms):  # noqa: PLR2004 - a comparison has two sides
            message = f"arms == {list(self.arms)!r}, must be at least two different arm ids"
            raise InputError(message, hint="name a control and one or more treatments")
        for name in ("sample_size", "repeats"):
            if getattr(self, name) < 1:
                message = f"{name} == {getattr(self, name)}, must be at least 1"
                raise InputError(message)

    def event(self, status: str, *, event_id: str, recorded_at_us: int) -> ExperimentEvent:
        """The plan as a row of the log, at a change of state."""
        return ExperimentEvent(
            event_id=event_id,
            recorded_at_us=recorded_at_us,
            experiment=self.experiment,
            status=status,
            task_type=self.task_type,
            arms=list(self.arms),
            design=self.design,
            primary_metric=self.primary_metric,
            direction=self.direction,
            margin=self.margin,
            alpha=self.alpha,
            planned_n_per_arm=self.sample_size,
            planned_cost_nano_usd=None if self.cost_usd is None else Money.from_usd(self.cost_usd).nano_usd,
            salt=self.salt,
            plan={name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()},
        )


Quote = Callable[[Task, str], "CostEstimate"]
"""What one execution of a task by an arm is expected to cost."""


def planned_cost(
    quote: Quote, tasks: Sequence[Task], arms: Sequence[str], *, sample_size: int, repeats: int
) -> tuple[float | None, float | None]:
    """Expected and high cost of a whole test in USD: mean estimates of the tasks, times executions, over the arms.

    Args:
        quote: Estimates one execution.
        tasks: At least one, of the experiment's type.
        arms: Arm ids.
        sample_size: Tasks per arm.
        repeats: Executions of each task by each arm.

    Returns:
        (expected, high); (None, None) when the price of an arm is unknown.
    """
    sample = tasks[:sample_size]
    quotes = [quote(task, arm) for arm in arms for task in sample]
    middles = [estimate.estimated_cost for estimate in quotes if estimate.estimated_cost is not None]
    highs = [estimate.high for estimate in quotes if estimate.high is not None]
    if len(middles) < len(quotes) or len(highs) < len(quotes):
        return None, None
    executions = sample_size * repeats / len(sample)
    return math.fsum(middles) * executions, math.fsum(highs) * executions


def defaults_for(catalog: Catalog, task_type: str) -> tuple[int, float, float]:
    """Sample size per arm, margin and minimum effect that the task type declares."""
    entry, _ = catalog.task_type(task_type)
    return entry.sample_size, entry.margin, entry.minimum_effect
