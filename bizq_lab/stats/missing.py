"""Means when some outcomes were never reported, such as ratings. Knows moments and counts of the missing, no rows.

Two answers: one that assumes responders and others of one stratum to be alike (missing at random), and one that
assumes nothing but the range of the metric. Neither takes the mean of responders for the mean of all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from scipy.special import ndtr

from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import InputError
from bizq_lab.stats.means import satterthwaite
from bizq_lab.stats.tails import check_level, constant_reach, need, wald
from bizq_lab.stats.types import Alternative, Moments, Test

Support = tuple[float, float]

_AT_RANDOM = "missing at random within strata (AIPW)"
_BISECTIONS = 80


class Reported(NamedTuple):
    """One stratum of one arm: moments of the outcomes reported, and how many were not."""

    observed: Moments
    missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    """What the data say without any assumption on the missing.

    Attributes:
        lower: Value if every missing outcome were the worst possible.
        upper: Value if every missing outcome were the best possible.
        estimate: The responders' value, with an interval that covers the true one wherever it lies in the bounds.
        reported: Share of outcomes reported.
    """

    lower: float
    upper: float
    estimate: Estimate
    reported: float


def mean_at_random(strata: Sequence[Reported], *, unit: str = "", level: float = 0.95) -> Estimate:
    """Mean over everybody, if within each stratum those who report are like those who do not.

    With a saturated model of outcome and response in the strata this is the augmented inverse-probability weighted
    estimate, and both weightings agree.

    Args:
        strata: Reported outcomes and missing counts by stratum, of one arm.
        unit: Unit of the outcome.
        level: Coverage of the interval, if the assumption holds.

    Raises:
        NotEnoughData: A stratum with fewer than two reported outcomes, or none that varies.

    Source:
        Robins, Rotnitzky & Zhao 1994, JASA 89:846; discrete covariates: Rosenbaum 1987, JASA 82:387.
    """
    value, variances, dfs = _at_random(strata)
    n = sum(s.observed.n + s.missing for s in strata)
    need(sum(variances), math.nextafter(0, 1), "variance of the reported outcomes")
    df = satterthwaite(variances, dfs)
    return wald(value, math.sqrt(sum(variances)), df=df, n=n, method=_AT_RANDOM, unit=unit, level=level).estimate


def difference_at_random(
    treatment: Sequence[Reported],
    control: Sequence[Reported],
    *,
    null: float = 0.0,
    unit: str = "",
    level: float = 0.95,
    alternative: Alternative = "two-sided",
) -> Test:
    """Difference of two arms' means over everybody, if outcomes are missing at random within strata.

    Raises:
        NotEnoughData: A stratum with fewer than two reported outcomes, or none that varies.

    Source:
        See `mean_at_random`.
    """
    (value1, var1, df1), (value0, var0, df0) = _at_random(treatment), _at_random(control)
    variances = (*var1, *var0)
    need(sum(variances), math.nextafter(0, 1), "variance of the reported outcomes")
    return wald(
        value1 - value0,
        math.sqrt(sum(variances)),
        df=satterthwaite(variances, (*df1, *df0)),
        n=sum(s.observed.n + s.missing for s in (*treatment, *control)),
        method=_AT_RANDOM,
        unit=unit,
        null=null,
        level=level,
        alternative=alternative,
    )


def mean_bounds(reported: Reported, support: Support, *, unit: str = "", level: float = 0.95) -> Identified:
    """Mean over everybody whatever the missing outcomes are.

    Args:
        reported: Outcomes reported and the count of the missing.
        support: Least and greatest possible outcome, such as (1, 5).
        unit: Unit of the outcome.
        level: Coverage of the true mean, wherever it lies.

    Raises:
        NotEnoughData: Nothing was reported, or fewer than two outcomes in all.
        InputError: A support without width.

    Source:
        Manski 1990, AER 80:319; interval: Imbens & Manski 2004, Econometrica 72:1845.
    """
    return _identified((reported,), _extremes(reported, support), support, unit=unit, level=level)


def difference_bounds(
    treatment: Reported, control: Reported, support: Support, *, unit: str = "", level: float = 0.95
) -> Identified:
    """Difference of two arms' means, treatment minus control, whatever the missing outcomes are.

    Raises:
        NotEnoughData: An arm in which nothing was reported, or with fewer than two outcomes in all.
        InputError: A support without width.

    Source:
        Manski 1990; Imbens & Manski 2004.
    """
    (low1, high1), (low0, high0) = _extremes(treatment, support), _extremes(control, support)
    ends = (
        _End(low1.value - high0.value, math.hypot(low1.se, high0.se)),
        _End(high1.value - low0.value, math.hypot(high1.se, low0.se)),
    )
    return _identified((treatment, control), ends, support, unit=unit, level=level)


class _End(NamedTuple):
    value: float
    se: float


def _at_random(strata: Sequence[Reported]) -> tuple[float, tuple[float, ...], tuple[float, ...]]:
    """Value, and variance components with their degrees of freedom: one a stratum, and the mix of strata itself."""
    need(len(strata), 1, "strata")
    need(min(s.observed.n for s in strata), 2, "reported outcomes per stratum")
    sizes = [s.observed.n + s.missing for s in strata]
    total = sum(sizes)
    shares = [size / total for size in sizes]
    means = [s.observed.mean for s in strata]
    value = sum(w * m for w, m in zip(shares, means, strict=True))
    inside = tuple(w * w * s.observed.mean_variance for w, s in zip(shares, strata, strict=True))
    mix = sum(w * (m - value) ** 2 for w, m in zip(shares, means, strict=True)) / total
    return value, (*inside, mix), (*(s.observed.n - 1.0 for s in strata), max(total - 1.0, 1.0))


def _extremes(reported: Reported, support: Support) -> tuple[_End, _End]:
    """Means with their standard errors when all missing outcomes are the worst, and when all are the best."""
    if not support[0] < support[1]:
        message = f"support == {support!r}, must have a width"
        raise InputError(message)
    observed, missing = reported
    need(observed.n, 1, "reported outcomes")
    need(observed.n + missing, 2, "outcomes, reported or not")
    ends = []
    for extreme in support:
        filled = observed + Moments(missing, missing * extreme, missing * extreme * extreme)
        ends.append(_End(filled.mean, math.sqrt(filled.mean_variance)))
    return ends[0], ends[1]


def _identified(
    arms: tuple[Reported, ...], ends: tuple[_End, _End], support: Support, *, unit: str, level: float
) -> Identified:
    (lower, se_low), (upper, se_high) = ends
    seen = sum(arm.observed.n for arm in arms)
    n = seen + sum(arm.missing for arm in arms)
    means = [arm.observed.mean for arm in arms]
    value = means[0] - (means[1] if len(means) > 1 else 0.0)
    if max(se_low, se_high) > 0.0:
        critical = _imbens_manski((upper - lower) / max(se_low, se_high), check_level(level))
        low, high = lower - critical * se_low, upper + critical * se_high
    else:  # all reported, and all the same: what was not drawn may still differ
        per_arm = 1 - (1 - level) / len(arms)
        reaches = [constant_reach(arm.observed.mean, arm.observed.n, support, per_arm) for arm in arms]
        low, high = reaches[0]
        if len(arms) > 1:
            low, high = low - reaches[1][1], high - reaches[1][0]
    estimate = Estimate(value=value, lower=min(low, value), upper=max(high, value), level=level, unit=unit, n=n)
    estimate = replace(estimate, method="worst-case bounds, Imbens-Manski")
    return Identified(lower=lower, upper=upper, estimate=estimate, reported=seen / n)


def _imbens_manski(width: float, level: float) -> float:
    """Critical value between the one-sided (wide bounds) and the two-sided one (no missing outcomes)."""
    low, high = 0.0, 10.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if ndtr(middle + width) - ndtr(-middle) >= level else (middle, high)
    return high
