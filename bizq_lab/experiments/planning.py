"""Makes a plan: size, price, duration and chance, from the log where it can and from the catalog where it must."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from bizq_lab.analysis.metrics import Metric, metric_named
from bizq_lab.core.estimate import Caveat
from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.experiments.baseline import Baseline, baseline
from bizq_lab.experiments.plan import (
    GUARDRAILS,
    ExperimentPlan,
    PlannedCost,
    Quote,
    defaults_for,
    planned_cost,
    underpowered,
)
from bizq_lab.experiments.powering import Powering, powering

if TYPE_CHECKING:
    from bizq_lab.catalog import Catalog
    from bizq_lab.core.task import Task
    from bizq_lab.store import Log

RELATIVE_EFFECT = 0.2  # of a mean cost or latency, where nothing is declared
RATING_RANGE = 4.0  # ratings span four points, so that an effect on quality is worth four times as much here
SMALL = 200  # units per arm below which a bounded metric is read by the sequence that holds for small samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a plan was asked to be; None and empty mean the task type's own defaults."""

    design: Literal["paired", "randomised"] = "paired"
    unit: Literal["workspace", "task"] = "workspace"
    weights: Mapping[str, int] | None = None
    reading: Literal["fixed", "anytime"] | None = None
    sample_size: int | None = None
    repeats: int = 1
    primary_metric: str = "success"
    margin: float | None = None
    minimum_effect: float | None = None
    power: float = 0.8
    alpha: float = 0.05
    guardrails: Mapping[str, float] | None = None
    max_cost_usd: float | None = None


def make_plan(
    log: Log,
    catalog: Catalog,
    *,
    experiment: str,
    task_type: str,
    arms: Sequence[str],
    tasks: Sequence[Task],
    quote: Quote | None,
    salt: str,
    wishes: Wishes,
) -> ExperimentPlan:
    """A plan with everything that can be known before the first task.

    Args:
        log: Tells how the metric varies, and how fast tasks arrive; may be empty.
        catalog: Declares defaults and priors.
        experiment: Its id.
        task_type: What is compared.
        arms: Arm ids; the first is the control.
        tasks: Priced to estimate the cost; of the experiment's type.
        quote: Estimates one execution; None leaves the cost out.
        salt: Of the sticky split.
        wishes: What was asked for.

    Raises:
        InputError: The plan could not be analysed.
    """
    metric = metric_named(wishes.primary_metric)
    size, margin, effect = defaults_for(catalog, task_type)
    size = size if wishes.sample_size is None else wishes.sample_size
    price, model = PlannedCost(None, None, None), arms[0] if arms else ""
    if quote is not None and size > 0 and len(arms) > 0:
        price = planned_cost(quote, tasks, arms, sample_size=size, repeats=wishes.repeats)
        model = quote(tasks[0], arms[0]).model
    paired = wishes.design == "paired"
    plan = ExperimentPlan(
        experiment=experiment,
        task_type=task_type,
        arms=tuple(arms),
        design=wishes.design,
        unit=wishes.unit,
        weights=_weights(arms, wishes),
        reading=wishes.reading or ("fixed" if paired else "anytime"),
        primary_metric=metric.name,
        direction="increase" if metric.higher_is_better else "decrease",
        margin=margin if wishes.margin is None else wishes.margin,
        alpha=wishes.alpha,
        guardrails={
            metric_named(name).name: limit
            for name, limit in (GUARDRAILS if wishes.guardrails is None else wishes.guardrails).items()
            if metric_named(name) is not metric
        },
        sample_size=size,
        repeats=wishes.repeats,
        cost_low_usd=price.low,
        cost_usd=price.expected,
        cost_high_usd=price.high,
        max_cost_usd=wishes.max_cost_usd,
        wanted_power=wishes.power,
        salt=salt,
    )
    each = None if price.expected is None else price.expected / (size * wishes.repeats * len(arms))
    known = baseline(log, catalog, task_type=task_type, control=arms[0], model=model, metric=metric, mean_cost_usd=each)
    return _powered(plan, metric, known, wishes.minimum_effect or _effect(metric, known, effect))


def watched_units(plan: ExperimentPlan, workspaces: int) -> int:
    """Independent units per arm that the plan will have."""
    if plan.design == "randomised" and plan.unit == "workspace" and workspaces:
        return min(plan.sample_size, workspaces // len(plan.arms))
    return plan.sample_size


def _powered(plan: ExperimentPlan, metric: Metric, known: Baseline, effect: float) -> ExperimentPlan:
    clustered = plan.design == "randomised" and plan.unit == "workspace"
    found: Powering = powering(
        metric,
        known,
        paired=plan.design == "paired",
        anytime=plan.reading == "anytime",
        by_workspace=clustered,
        n=plan.sample_size,
        effect=effect,
        alpha=plan.alpha,
        comparisons=len(plan.arms) - 1,
        power=plan.wanted_power,
    )
    powered = replace(
        plan,
        minimum_effect=effect,
        power=found.power,
        needed=found.needed,
        detectable_effect=found.detectable,
        design_effect=found.design_effect,
        curve=found.curve,
        minutes=_minutes(plan, known),
        bounded=plan.reading == "anytime"
        and metric.name in ("success", "quality")
        and watched_units(plan, known.workspaces) < SMALL,
        assumed=f"{known.source}: mean {known.mean:.3g}, sd {known.sd:.3g}"
        + (f", ICC {known.icc:.2g}, n {known.n:,}" if known.source == "log" else ""),
    )
    caveats = list(underpowered(powered))
    if clustered and known.source != "log":
        caveats.append(Caveat(code="design_effect_unknown", message="No log says how alike a workspace's tasks are"))
    if powered.bounded and (clustered or plan.repeats > 1):
        said = "Looks at so few units read the first outcome of each: further ones cost, and do not narrow them"
        caveats.append(Caveat(code="first_outcome_only", message=said))
    if powered.cost_usd is None:
        caveats.append(Caveat(code="cost_unknown", message="The price of an arm is unknown, and so is the cost"))
    if powered.max_cost_usd is not None and (powered.cost_high_usd or 0.0) > powered.max_cost_usd:
        caveats.append(Caveat(code="over_budget", message="The high estimate exceeds the budget, which stops the test"))
    return replace(powered, caveats=tuple(caveats))


def _minutes(plan: ExperimentPlan, known: Baseline) -> float | None:
    """Paired: executions one after the other. A split: until its slowest arm has its sample, at the present traffic."""
    if plan.design == "paired":
        return plan.sample_size * plan.repeats * len(plan.arms) * known.latency_s / 60
    least = min(plan.weights.values()) / 100
    return plan.sample_size / (known.per_minute * least) if known.per_minute and least else None


def _weights(arms: Sequence[str], wishes: Wishes) -> dict[str, int]:
    """Shares of a split: as asked, else equal, the remainder to the first arms."""
    if wishes.design == "paired":
        return {}
    if wishes.weights is None:
        each, more = divmod(100, max(len(arms), 1))
        return {arm: each + (place < more) for place, arm in enumerate(arms)}
    if set(wishes.weights) != set(arms) or sum(wishes.weights.values()) != 100 or min(wishes.weights.values()) < 1:  # noqa: PLR2004
        message = f"weights == {dict(wishes.weights)!r}, must give each of {list(arms)!r} a share, 100 in all"
        raise InputError(message)
    return dict(wishes.weights)


def _effect(metric: Metric, known: Baseline, declared: float) -> float:
    """What matters, where nobody said: the task type's effect on quality, in the metric's own terms."""
    if metric.name in ("success", "quality"):
        return declared
    if metric.name == "rating":
        return declared * RATING_RANGE
    if not known.mean > 0:
        message = f"no {metric.name} is known to plan from"
        raise NotEnoughData(message, hint="pass minimum_effect, and tasks whose price is known")
    return RELATIVE_EFFECT * known.mean
