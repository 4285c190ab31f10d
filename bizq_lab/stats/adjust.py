"""Differences of means made sharper by what was known beforehand: a covariate, or strata. Knows moments only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from bizq_lab.errors import InputError
from bizq_lab.stats.means import satterthwaite, welch_difference
from bizq_lab.stats.tails import need, wald, without_spread
from bizq_lab.stats.types import Alternative, CrossMoments, Moments, Test


class Stratum(NamedTuple):
    """Both arms' moments within one stratum, such as a task type and complexity."""

    treatment: Moments
    control: Moments


def cuped_difference(
    treatment: CrossMoments,
    control: CrossMoments,
    *,
    null: float = 0.0,
    unit: str = "",
    level: float = 0.95,
    alternative: Alternative = "two-sided",
) -> Test:
    """Difference of means after subtracting what a pre-treatment covariate explains.

    Args:
        treatment: Joint moments of outcome x and covariate y; the covariate must not be affected by the assignment.
        control: The same for the control.
        null: Difference under the null hypothesis.
        unit: Unit of the outcome.
        level: Coverage of the interval.
        alternative: Direction of the test.

    Returns:
        Test whose `estimate.method` names the share of variance removed. A constant covariate leaves Welch's test.

    Raises:
        NotEnoughData: An arm has fewer than two observations.

    Source:
        Deng, Xu, Kohavi & Walker 2013, WSDM; the slope is pooled within arms, as in the analysis of covariance.
    """
    theta = cuped_slope(treatment, control)
    adjusted = treatment.combined(1, -theta), control.combined(1, -theta)
    test = welch_difference(*adjusted, null=null, unit=unit, level=level, alternative=alternative)
    raw = treatment.x.mean_variance + control.x.mean_variance
    removed = 1.0 - sum(m.mean_variance for m in adjusted) / raw if raw > 0 else 0.0
    return _renamed(test, f"CUPED ({100 * max(removed, 0.0):.0f} % of the variance removed), {test.method}")


def cuped_slope(treatment: CrossMoments, control: CrossMoments) -> float:
    """Pooled within-arm slope of the outcome x on the covariate y; 0 for a constant covariate."""
    need(min(treatment.n, control.n), 2, "observations per arm")
    arms = (treatment, control)
    joint = sum((arm.n - 1) * arm.covariance for arm in arms)
    spread = sum((arm.n - 1) * arm.y.variance for arm in arms)
    return joint / spread if spread > 0 else 0.0


def post_stratified_difference(
    strata: Sequence[Stratum],
    *,
    weights: Sequence[float] | None = None,
    null: float = 0.0,
    unit: str = "",
    level: float = 0.95,
    alternative: Alternative = "two-sided",
) -> Test:
    """Weighted mean of the strata's differences.

    Args:
        strata: Both arms' moments in each stratum.
        weights: Share of each stratum in the population; by default its share of all observations.
        null: Difference under the null hypothesis.
        unit: Unit of the outcome.
        level: Coverage of the interval.
        alternative: Direction of the test.

    Raises:
        NotEnoughData: No strata, or one in which an arm has fewer than two observations.
        InputError: Weights that are not positive, or not one for each stratum.

    Source:
        Miratrix, Sekhon & Yu 2013, JRSS B 75:369.
    """
    need(len(strata), 1, "strata")
    need(min(min(s.treatment.n, s.control.n) for s in strata), 2, "observations per arm and stratum")
    sizes = [s.treatment.n + s.control.n for s in strata] if weights is None else list(weights)
    if len(sizes) != len(strata) or not all(0 < size < math.inf for size in sizes):
        message = f"weights == {weights!r}, must be one positive number for each of {len(strata)} strata"
        raise InputError(message)
    shares = [size / sum(sizes) for size in sizes]
    value = sum(w * (s.treatment.mean - s.control.mean) for w, s in zip(shares, strata, strict=True))
    cells = [(w, arm) for w, s in zip(shares, strata, strict=True) for arm in s]
    variances = tuple(w * w * arm.mean_variance for w, arm in cells)
    n, method = sum(arm.n for _, arm in cells), "post-stratified difference"
    if sum(variances) == 0.0:
        return without_spread(value, reach=(-math.inf, math.inf), n=n, method=method, unit=unit, null=null, level=level)
    return wald(
        value,
        math.sqrt(sum(variances)),
        df=satterthwaite(variances, tuple(arm.n - 1.0 for _, arm in cells)),
        n=n,
        method=method,
        unit=unit,
        null=null,
        level=level,
        alternative=alternative,
    )


def _renamed(test: Test, method: str) -> Test:
    return replace(test, method=method, estimate=replace(test.estimate, method=method))
