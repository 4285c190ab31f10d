"""Means and their differences from moments: one sample, two independent arms, pairs. Knows no rows."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from bizq_lab.core.estimate import Estimate
from bizq_lab.stats.tails import check_level, constant_bounds, constant_reach, need, t_quantiles, wald, without_spread
from bizq_lab.stats.types import Alternative, Bounds, Moments, Test

Support = tuple[float, float]


def mean(moments: Moments, *, unit: str = "", level: float = 0.95, support: Support | None = None) -> Estimate:
    """Mean with Student's t interval.

    Args:
        moments: Moments of the sample, in `unit`.
        unit: Unit of the values.
        level: Coverage of the interval.
        support: Least and greatest possible value, such as (0, 1) for quality; the interval is kept inside it.

    Raises:
        NotEnoughData: Fewer than two observations.

    Source:
        Student 1908. Zero variance: `tails.constant_reach`.
    """
    need(moments.n, 2, "observations")
    lower, upper = t_bounds(moments.mean, moments.mean_variance, moments.n, level=level, support=support)
    return Estimate(
        value=moments.mean,
        lower=float(lower),
        upper=float(upper),
        level=level,
        unit=unit,
        n=moments.n,
        method="Student t",
    )


def t_bounds(
    means: ArrayLike, variances: ArrayLike, n: ArrayLike, *, level: float = 0.95, support: Support | None = None
) -> Bounds:
    """Student's t bounds for arrays of means.

    Args:
        means: Shape (k,) or a number.
        variances: Of the means, of the same shape; zero where every observation is the same.
        n: Observations behind each, at least 2.
        level: Coverage of each interval.
        support: Least and greatest possible value.

    Source:
        Student 1908. Zero variance: `tails.constant_bounds`.
    """
    value, var, size = (np.asarray(part, dtype=np.float64) for part in (means, variances, n))
    half = t_quantiles(0.5 + check_level(level) / 2, size - 1.0) * np.sqrt(var)
    least, most = constant_bounds(value, size, support, level)
    low, high = (-np.inf, np.inf) if support is None else support
    lower = np.where(var > 0.0, np.maximum(value - half, low), least)
    return Bounds(lower, np.where(var > 0.0, np.minimum(value + half, high), most))


def welch_difference(
    treatment: Moments,
    control: Moments,
    *,
    null: float = 0.0,
    unit: str = "",
    level: float = 0.95,
    alternative: Alternative = "two-sided",
    support: Support | None = None,
) -> Test:
    """Difference of two independent means, variances not assumed equal.

    Args:
        treatment: Moments of the treatment, in `unit`.
        control: Moments of the control, in the same unit.
        null: Difference under the null hypothesis; minus the margin for non-inferiority.
        unit: Unit of the values.
        level: Coverage of the interval; one-sided if `alternative` is.
        alternative: `greater` tests whether the treatment's mean exceeds the control's by more than `null`.
        support: Least and greatest possible value; bounds the answer when no spread was observed.

    Raises:
        NotEnoughData: An arm has fewer than two observations.

    Source:
        Welch 1947, Biometrika 34:28, with Satterthwaite's degrees of freedom.
    """
    need(min(treatment.n, control.n), 2, "observations per arm")
    value, n = treatment.mean - control.mean, treatment.n + control.n
    variances = treatment.mean_variance, control.mean_variance
    if sum(variances) == 0.0:
        per_arm = 0.5 + level / 2  # Bonferroni: both arms' bounds hold together with confidence `level`
        high = constant_reach(treatment.mean, treatment.n, support, per_arm)
        low = constant_reach(control.mean, control.n, support, per_arm)
        reach = high[0] - low[1], high[1] - low[0]
        return without_spread(value, reach=reach, n=n, method="Welch t", unit=unit, null=null, level=level)
    return wald(
        value,
        math.sqrt(sum(variances)),
        df=satterthwaite(variances, (treatment.n - 1, control.n - 1)),
        n=n,
        method="Welch t",
        unit=unit,
        null=null,
        level=level,
        alternative=alternative,
    )


def paired_difference(
    differences: Moments,
    *,
    null: float = 0.0,
    unit: str = "",
    level: float = 0.95,
    alternative: Alternative = "two-sided",
    support: Support | None = None,
) -> Test:
    """Mean of paired differences, treatment minus control.

    Args:
        differences: Moments of the differences; `CrossMoments.combined(1, -1)` gives them for (treatment, control).
        null: Difference under the null hypothesis.
        unit: Unit of the values.
        level: Coverage of the interval.
        alternative: Direction of the test.
        support: Least and greatest possible difference, such as (-1, 1) for quality.

    Raises:
        NotEnoughData: Fewer than two pairs.

    Source:
        Student 1908.
    """
    return _one_sample(
        differences, method="paired t", unit=unit, null=null, level=level, alternative=alternative, support=support
    )


def satterthwaite(variances: tuple[float, ...], dfs: tuple[float, ...]) -> float:
    """Degrees of freedom of a sum of independent variance estimates (Satterthwaite 1946); the fewest if all are 0."""
    total = sum(variances)
    if total <= 0.0:
        return min(dfs)
    return 1.0 / sum((v / total) ** 2 / df for v, df in zip(variances, dfs, strict=True))


def _one_sample(
    moments: Moments,
    *,
    method: str,
    unit: str,
    null: float,
    level: float,
    support: Support | None,
    alternative: Alternative = "two-sided",
) -> Test:
    need(moments.n, 2, "observations")
    if moments.variance == 0.0:
        reach = constant_reach(moments.mean, moments.n, support, level)
        return without_spread(moments.mean, reach=reach, n=moments.n, method=method, unit=unit, null=null, level=level)
    return wald(
        moments.mean,
        math.sqrt(moments.mean_variance),
        df=moments.n - 1,
        n=moments.n,
        method=method,
        unit=unit,
        null=null,
        level=level,
        alternative=alternative,
    )
