"""What must not get worse while an arm ramps up, and what the outcomes so far say of it. Pure: no file, no log.

Each guardrail is watched by two one-sided bounds that hold at every look, so that looking every hour is free:

- **rollback** when the lower bound of the harm passes `tolerated`, at `alpha` divided by the number of guardrails
  (Bonferroni), so that a harmless rollout is taken back with probability at most `alpha`, over all looks together;
- **clear** when the upper bound of the harm is below `margin`, at `alpha` each: a stage is left only when every
  guardrail is clear, which needs no correction (intersection-union).

Harm is charged to the arm that was assigned (intention to treat), and an outcome that is overdue counts as a failure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from bizq_lab.config.parts import Frozen, Number
from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import NotEnoughData
from bizq_lab.stats.stratified import Codes, Flags, Scale, anytime_bounds, stratified_contrast
from bizq_lab.stats.tails import normal_quantile, t_quantile
from bizq_lab.stats.types import Floats

Metric = Literal["quality", "failures", "latency", "cost"]
State = Literal["harmful", "clear", "undecided", "too_early"]
MIN_EVENTS = 30
MIN_CLUSTERS = 8
_RATES: frozenset[Metric] = frozenset({"failures"})
_RELATIVE: frozenset[Metric] = frozenset({"latency", "cost"})
_TIGHTEST = 5.0  # tightest where a harm of `margin` is about to be seen: five standard errors


class Guardrail(Frozen):
    """One metric that must not get worse.

    Attributes:
        metric: `quality` (mean, in [0, 1]), `failures` (share of decisions), `latency` or `cost` (relative change).
        margin: Harm that must be ruled out before the share grows: in points of quality or failures as a fraction, or
            relative, so that 0.2 is 20 % slower.
        tolerated: Harm that is accepted as the price of something else; beyond it the rollout is taken back.
    """

    metric: Metric
    margin: Annotated[Number, Field(gt=0.0, le=10.0)]
    tolerated: Annotated[Number, Field(ge=0.0, le=10.0)] = 0.0

    @model_validator(mode="after")
    def _ordered(self) -> Guardrail:
        if self.tolerated > self.margin:
            message = f"{self.metric}: tolerated == {self.tolerated:g} is more than margin == {self.margin:g}"
            raise ValueError(message)
        return self


GUARDRAILS = (
    Guardrail(metric="quality", margin=0.03),
    Guardrail(metric="failures", margin=0.02),
    Guardrail(metric="latency", margin=0.2),
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Exposures:
    """What units met, one row per (stage, unit, side); all arrays of shape (n,).

    Attributes:
        unit: Code of the unit, from 0.
        stage: Code of the ramp stage, from 0.
        treated: Whether the row is of the ramping arm.
        totals: By metric, the sum over the row: quality, failures, seconds, USD.
        counts: By metric, how many observations that sum has.
        first_day: Day number of the unit's first exposure in the stage; -1 in a row that is not its first.
        promised: Logged propensity of the ramping arm at that first exposure.
    """

    unit: Codes
    stage: Codes
    treated: Flags
    totals: dict[Metric, Floats]
    counts: dict[Metric, Floats]
    first_day: Codes
    promised: Floats

    @property
    def decisions(self) -> tuple[int, int]:
        """Decisions of the rest, and of the ramping arm."""
        n = self.counts["failures"]
        return int(n[~self.treated].sum()), int(n[self.treated].sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One guardrail at one look.

    Attributes:
        guardrail: Which.
        state: `harmful`, `clear`, `undecided`, or `too_early` to say.
        harm: Estimated harm with the bound that a rollback is judged by; None when too early.
        ceiling: Upper bound of the harm that clearing is judged by; None when too early.
        why: Why it is too early; empty otherwise.
    """

    guardrail: Guardrail
    state: State
    harm: Estimate | None = None
    ceiling: float | None = None
    why: str = ""

    def __str__(self) -> str:
        """`quality: harmful, worse by 0.061 (at least 0.020, tolerated 0)`."""
        metric, g = self.guardrail.metric, self.guardrail
        if self.harm is None or self.ceiling is None:
            return f"{metric}: too early, {self.why}"
        bounds = f"at least {self.harm.lower:.3g}, at most {self.ceiling:.3g}"
        return f"{metric}: {self.state}, worse by {self.harm.value:.3g} ({bounds}; tolerated {g.tolerated:g})"


def read_guardrails(
    exposures: Exposures, guardrails: Sequence[Guardrail], *, alpha: float = 0.05
) -> tuple[Reading, ...]:
    """Every guardrail as of this look; `alpha` is shared among them for rollbacks."""
    return tuple(
        _read(exposures, g, rollback_level=1 - alpha / len(guardrails), clear_level=1 - alpha) for g in guardrails
    )


def _read(exposures: Exposures, guardrail: Guardrail, *, rollback_level: float, clear_level: float) -> Reading:
    metric = guardrail.metric
    why = _too_early(exposures, metric)
    if why:
        return Reading(guardrail=guardrail, state="too_early", why=why)
    scale: Scale = "log_ratio" if metric in _RELATIVE else "difference"
    sign = -1.0 if metric == "quality" else 1.0
    margin, tolerated = guardrail.margin, guardrail.tolerated
    if scale == "log_ratio":
        margin, tolerated = float(np.log1p(margin)), float(np.log1p(tolerated))
    try:
        contrast = stratified_contrast(
            exposures.unit,
            exposures.stage,
            exposures.treated,
            sign * exposures.totals[metric],
            exposures.counts[metric],
            scale=scale,
        )
        tuning_se = margin / _TIGHTEST
        fewest = min(_units(exposures, metric, side) for side in (exposures.treated, ~exposures.treated))
        wider = {level: _widening(level, fewest) for level in (rollback_level, clear_level)}
        bounds = {
            level: anytime_bounds(replace(contrast, se=contrast.se * by), tuning_se=tuning_se, level=level)
            for level, by in wider.items()
        }
        harm, ceiling = bounds[rollback_level], bounds[clear_level].upper
    except NotEnoughData as error:
        return Reading(guardrail=guardrail, state="too_early", why=error.message)
    state: State = "undecided"
    if harm.lower > tolerated:
        state = "harmful"
    elif ceiling < margin:
        state = "clear"
    if scale == "log_ratio":
        harm, ceiling = _relative(harm), float(np.expm1(ceiling))
    return Reading(guardrail=guardrail, state=state, harm=harm, ceiling=ceiling)


def _too_early(exposures: Exposures, metric: Metric) -> str:
    """Whether the normal approximation may not have set in: few units, or few events of a rate."""
    count, treated = exposures.counts[metric], exposures.treated
    for side, name in ((treated, "the ramping arm"), (~treated, "the rest")):
        units = _units(exposures, metric, side)
        if units < MIN_CLUSTERS:
            return f"{name} has {units} units with an outcome of {MIN_CLUSTERS}"
    if metric in _RATES:
        events = float(exposures.totals[metric].sum())
        rarer = min(events, float(count.sum()) - events)
        if rarer < MIN_EVENTS:
            return f"{rarer:.0f} of {MIN_EVENTS} events"
    elif (
        float(exposures.totals[metric][treated].sum()) <= 0.0 or float(exposures.totals[metric][~treated].sum()) <= 0.0
    ):
        return "nothing but zeros on one side"
    return ""


def _units(exposures: Exposures, metric: Metric, side: Flags) -> int:
    return len(np.unique(exposures.unit[side & (exposures.counts[metric] > 0)]))


def _widening(level: float, units: int) -> float:
    """Student's t over the normal, by the side with fewer units: few clusters understate their own spread."""
    return t_quantile(level, units - 1) / normal_quantile(level)


def _relative(harm: Estimate) -> Estimate:
    return Estimate(
        value=float(np.expm1(harm.value)),
        lower=float(np.expm1(harm.lower)),
        upper=float(np.expm1(harm.upper)),
        level=harm.level,
        unit="ratio",
        n=harm.n,
        method=harm.method,
    )
