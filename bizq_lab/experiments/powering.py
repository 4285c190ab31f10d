"""How likely a design is to find what it looks for, and how many tasks that would take. Knows no log and no price."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.stats.power import Design, Means, PairedMeans, PairedProportions, Proportions

if TYPE_CHECKING:
    from bizq_lab.analysis.metrics import Metric
    from bizq_lab.experiments.baseline import Baseline

CURVE = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
FAR = (0.02, 0.98)


class Powering(NamedTuple):
    """What a sample size can do.

    Attributes:
        power: Probability of finding the minimum effect.
        needed: Tasks per arm for the wanted power; None where no number suffices.
        detectable: Smallest effect found with the wanted power; None where none is.
        design_effect: Variance inflation that was reckoned with.
        curve: (tasks per arm, power) around the planned size.
    """

    power: float
    needed: int | None
    detectable: float | None
    design_effect: float
    curve: tuple[tuple[int, float], ...]


def powering(
    metric: Metric,
    known: Baseline,
    *,
    paired: bool,
    anytime: bool,
    by_workspace: bool,
    n: int,
    effect: float,
    alpha: float,
    comparisons: int,
    power: float,
) -> Powering:
    """Power, needed size and detectable effect of a design.

    Args:
        metric: What decides.
        known: Mean, spread and likeness within a workspace.
        paired: Every arm gets the same tasks; pairs are taken as uncorrelated, which errs on the safe side.
        anytime: Read by a confidence sequence instead of once.
        by_workspace: Workspaces are assigned, so that their tasks count less.
        n: Tasks per arm.
        effect: Smallest difference that matters, in the metric's unit.
        alpha: Two-sided error rate.
        comparisons: Treatments, over which alpha is divided.
        power: Wanted.

    Raises:
        InputError: The effect is not positive.
    """
    if not effect > 0:
        message = f"minimum_effect == {effect!r}, must be positive"
        raise InputError(message, hint="the smallest difference that would matter to you, in the metric's unit")

    def inflation(size: float) -> float:
        per_workspace = 2 * size / known.workspaces if by_workspace and known.workspaces else 1.0
        return known.design_effect(per_workspace)

    def reached(size: float) -> float:
        design = _design(metric, known, paired=paired, anytime=anytime, alpha=alpha / comparisons, effect=effect)
        return design.power(size / inflation(size), min(effect, _most(design, effect)))

    planned = _design(metric, known, paired=paired, anytime=anytime, alpha=alpha / comparisons, effect=effect)
    return Powering(
        power=reached(n),
        needed=_least(reached, power),
        detectable=_detectable(planned, n / inflation(n), power),
        design_effect=inflation(n),
        curve=tuple((size, reached(size)) for size in sorted({max(2, math.ceil(n * share)) for share in CURVE})),
    )


def _design(metric: Metric, known: Baseline, *, paired: bool, anytime: bool, alpha: float, effect: float) -> Design:
    if metric.name == "success":
        rate = min(max(known.mean, FAR[0]), FAR[1])
        other = min(rate + effect, FAR[1]) if rate + effect <= 1 else rate - effect
        if paired:
            discordant = rate * (1 - other) + other * (1 - rate)
            return PairedProportions(alpha=alpha, sequential=anytime, discordant=max(discordant, min(effect, 1.0)))
        return Proportions(alpha=alpha, sequential=anytime, control_rate=_towards(rate, effect))
    sd = known.sd if known.sd > 0 else abs(effect)
    if paired:
        return PairedMeans(alpha=alpha, sequential=anytime, sd=math.sqrt(2) * sd)
    return Means(alpha=alpha, sequential=anytime, sd=sd)


def _towards(rate: float, effect: float) -> float:
    """The control's rate, or its mirror image where it leaves no room above: a loss is as hard to find as a gain."""
    return rate if rate + effect <= 1 else 1 - rate


def _most(design: Design, effect: float) -> float:
    return design.discordant if isinstance(design, PairedProportions) else effect


def _detectable(design: Design, units: float, power: float) -> float | None:
    try:
        return design.minimum_detectable_effect(units, power=power)
    except (NotEnoughData, InputError):
        return None


def _least(reached: Callable[[float], float], power: float) -> int | None:
    """Smallest size with the wanted power, by doubling and halving; the design effect may grow with it."""
    high = 2
    while reached(high) < power:
        high *= 2
        if high > 1 << 30:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if reached(middle) < power else (low, middle)
    return high
