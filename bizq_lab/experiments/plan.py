"""What an experiment asks, of how many tasks, at what price and with what chance: before a cent is spent."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Self

from bizq_lab.core.estimate import Caveat
from bizq_lab.core.events import ExperimentEvent
from bizq_lab.core.money import Money, format_usd
from bizq_lab.core.result import Result
from bizq_lab.core.task import Task
from bizq_lab.errors import InputError, NotEnoughData

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bizq_lab.catalog import Catalog
    from bizq_lab.core.decision import CostEstimate
    from bizq_lab.core.result import Cell as Value

Direction = Literal["increase", "decrease"]
GUARDRAILS: Mapping[str, float] = {"success": 0.05}


@dataclass(frozen=True, kw_only=True, repr=False)
class ExperimentPlan(Result):
    """A comparison, pre-registered (S29, S30): the whole of it is a row of the log.

    Attributes:
        experiment: Its id.
        task_type: What is compared.
        arms: Arm ids; the first is the control.
        design: `paired` gives every arm the same tasks; `randomised` splits traffic.
        unit: What sticks to an arm of a split.
        weights: Integer percent by arm of a split; empty means equal shares.
        reading: `fixed`: read once, at the end; `anytime`: looked at whenever one likes, at a price in power.
        bounded: Looks use the sequence for small bounded samples.
        primary_metric: The one metric that decides.
        direction: Which way is better.
        margin: Non-inferiority margin, in units of the primary metric.
        alpha: Two-sided error rate.
        guardrails: Largest acceptable loss by metric, in its unit.
        sample_size: Tasks per arm.
        repeats: Executions of each task by each arm.
        cost_low_usd: Cost of the whole test at the low estimate; None when some price is unknown.
        cost_usd: Expected.
        cost_high_usd: At the high estimate.
        max_cost_usd: Most that may be spent; None means no cap.
        minutes: How long it takes: executions one after the other, or traffic at its present rate; None where unknown.
        minimum_effect: Smallest difference that matters.
        power: Probability of finding it with this sample.
        wanted_power: What it should be.
        needed: Tasks per arm that give the wanted power; None where no number does.
        detectable_effect: Smallest difference found with the wanted power; None where there is none.
        design_effect: By how much workspaces' likeness inflates the variance.
        assumed: Where the power comes from, such as `log: mean 0.91, sd 0.29, n 412`.
        curve: (tasks per arm, power) around the planned size.
        salt: Salt of the sticky split.
    """

    title: ClassVar[str] = "Experiment plan"
    columns: ClassVar[tuple[str, ...]] = (
        "task_type", "arms", "design", "primary_metric", "sample_size", "repeats", "minutes", "cost_low_usd",
        "cost_usd", "cost_high_usd", "power", "needed", "minimum_effect", "detectable_effect", "design_effect",
        "assumed",
    )  # fmt: skip

    experiment: str
    task_type: str
    arms: tuple[str, ...]
    design: Literal["paired", "randomised"] = "paired"
    unit: Literal["workspace", "task"] = "workspace"
    weights: Mapping[str, int] = field(default_factory=dict)
    reading: Literal["fixed", "anytime"] = "fixed"
    bounded: bool = False
    primary_metric: str = "success"
    direction: Direction = "increase"
    margin: float = 0.05
    alpha: float = 0.05
    guardrails: Mapping[str, float] = field(default_factory=lambda: dict(GUARDRAILS))
    sample_size: int
    repeats: int = 1
    cost_low_usd: float | None = None
    cost_usd: float | None = None
    cost_high_usd: float | None = None
    max_cost_usd: float | None = None
    minutes: float | None = None
    minimum_effect: float = 0.1
    power: float | None = None
    wanted_power: float = 0.8
    needed: int | None = None
    detectable_effect: float | None = None
    design_effect: float = 1.0
    assumed: str = ""
    curve: tuple[tuple[int, float], ...] = ()
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
        if self.max_cost_usd is not None and not self.max_cost_usd > 0:
            message = f"max_cost_usd == {self.max_cost_usd!r}, must be positive"
            raise InputError(message)

    @property
    def underpowered(self) -> bool:
        """Whether the wanted power is not reached."""
        return self.power is not None and self.power < self.wanted_power

    def summary(self) -> str:
        """Size, price, duration and chance in one sentence."""
        cost = "at an unknown price"
        if self.cost_usd is not None and self.cost_low_usd is not None and self.cost_high_usd is not None:
            span = f"{format_usd(self.cost_low_usd)} to {format_usd(self.cost_high_usd)}"
            cost = f"for about {format_usd(self.cost_usd)} ({span})"
        time = "" if self.minutes is None else f" in about {_duration(self.minutes)}"
        said = f"{self.sample_size:,} tasks for each of {len(self.arms)} arms of {self.task_type}{time}, {cost}"
        if self.power is None:
            return f"{said}."
        chance = f"a difference of {self.minimum_effect:.3g} in {self.primary_metric} is found with {self.power:.0%}"
        short = ""
        if self.underpowered:
            needed = "no sample is enough" if self.needed is None else f"{self.needed:,} per arm are needed"
            short = f": underpowered, {needed} for {self.wanted_power:.0%}"
        return f"{said}; {chance} probability{short}."

    def records(self) -> list[dict[str, Value]]:
        """One mapping with the plan's figures."""
        own = {name: getattr(self, name) for name in self.columns}
        return [{**own, "arms": ", ".join(self.arms)}]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Power by tasks per arm."""
        from bizq_lab.viz import power_curve  # noqa: PLC0415 - loads matplotlib

        return power_curve(
            [{"tasks": n, "power": power} for n, power in self.curve],
            planned=self.sample_size,
            wanted=self.wanted_power,
            title=f"Chance to find {self.minimum_effect:.3g} in {self.primary_metric}",
            ax=ax,
        )

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
            plan={name: _plain(getattr(self, name)) for name in _OWN},
        )

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """The plan as it was registered.

        Raises:
            NotEnoughData: The row holds no whole plan.
        """
        plan = row["plan"] or {}
        if not {"experiment", "task_type", "arms", "sample_size"} <= plan.keys():
            message = f"experiment {row['experiment']!r} was registered without its whole plan"
            raise NotEnoughData(message, hint="plan it again")
        known = {name: plan[name] for name in _OWN if name in plan}
        curve = tuple((int(n), float(power)) for n, power in known.get("curve", ()))
        return cls(**{**known, "arms": tuple(plan["arms"]), "curve": curve})


_OWN = tuple(f.name for f in fields(ExperimentPlan) if f.name not in ("caveats", "provenance"))


def underpowered(plan: ExperimentPlan) -> tuple[Caveat, ...]:
    """The reservation of a plan that will probably find nothing."""
    if not plan.underpowered:
        return ()
    found = f"{plan.power:.0%} of true differences of {plan.minimum_effect:.3g} would be found"
    enough = "no sample would be enough" if plan.needed is None else f"{plan.needed:,} tasks per arm would be enough"
    return (Caveat(code="underpowered", message=f"Only {found}; {enough}"),)


Quote = Callable[[Task, str], "CostEstimate"]
"""What one execution of a task by an arm is expected to cost."""


class PlannedCost(NamedTuple):
    """USD of a whole test at the low, the expected and the high estimate; all None when some price is unknown."""

    low: float | None
    expected: float | None
    high: float | None


def planned_cost(
    quote: Quote, tasks: Sequence[Task], arms: Sequence[str], *, sample_size: int, repeats: int
) -> PlannedCost:
    """Cost of a whole test: mean estimates of the tasks, times executions, over the arms.

    Args:
        quote: Estimates one execution.
        tasks: At least one, of the experiment's type.
        arms: Arm ids.
        sample_size: Tasks per arm.
        repeats: Executions of each task by each arm.
    """
    sample = tasks[:sample_size]
    quotes = [quote(task, arm) for arm in arms for task in sample]
    executions = sample_size * repeats / len(sample)
    ways = [[getattr(one, name) for one in quotes] for name in ("low", "estimated_cost", "high")]
    if any(usd is None for way in ways for usd in way):
        return PlannedCost(None, None, None)
    return PlannedCost(*(math.fsum(way) * executions for way in ways))


def defaults_for(catalog: Catalog, task_type: str) -> tuple[int, float, float]:
    """Sample size per arm, margin and minimum effect that the task type declares."""
    entry, _ = catalog.task_type(task_type)
    return entry.sample_size, entry.margin, entry.minimum_effect


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return dict(value) if isinstance(value, Mapping) else value


def _duration(minutes: float) -> str:
    if minutes < 90:  # noqa: PLR2004 - longer is said in hours
        return f"{max(minutes, 1):.0f} min"
    hours = minutes / 60
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"  # noqa: PLR2004 - longer is said in days
