"""Ratios of means: cost per success within an arm, and relative differences between arms. Knows no rows but pairs'."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from bizq_lab.core.estimate import Caveat, Estimate
from bizq_lab.errors import NotEnoughData
from bizq_lab.stats.means import satterthwaite
from bizq_lab.stats.tails import critical_value, need, p_value, wald
from bizq_lab.stats.types import Alternative, Bounds, CrossMoments, Moments, Test

Method = Literal["fieller", "delta", "log"]

_SMALLEST = 1e-100

DENOMINATOR_NEAR_ZERO = Caveat(
    code="denominator_near_zero",
    message="The denominator is not clearly different from zero, so the ratio is unbounded",
)


def ratio(
    pairs: CrossMoments,
    *,
    null: float = 1.0,
    unit: str = "ratio",
    level: float = 0.95,
    alternative: Alternative = "two-sided",
    method: Method = "fieller",
) -> Test:
    """Ratio of two means of the same units, mean(x) / mean(y): cost per success, or a paired relative difference.

    Args:
        pairs: Joint moments of numerator x and denominator y, one pair a unit.
        null: Ratio under the null hypothesis.
        unit: Unit of the ratio, such as `usd` for cost per success.
        level: Coverage of the interval.
        alternative: Direction of the test.
        method: `fieller` inverts the exact test and may be unbounded; `delta` linearises the ratio, and `log` its
            logarithm, which keeps the interval positive (both means must be).

    Raises:
        NotEnoughData: Fewer than two pairs, a denominator whose mean is zero, or no spread in either.

    Source:
        Fieller 1954, JRSS B 16:175; delta method: Deng, Knoblich & Lu 2018, KDD.
    """
    need(pairs.n, 2, "pairs")
    x, y = pairs.x, pairs.y
    return _ratio(
        (x.mean, y.mean),
        (x.mean_variance, y.mean_variance, pairs.covariance / pairs.n),
        (pairs.n - 1.0,),
        n=pairs.n,
        null=null,
        unit=unit,
        level=level,
        alternative=alternative,
        method=method,
    )


def ratio_of_means(
    treatment: Moments,
    control: Moments,
    *,
    null: float = 1.0,
    unit: str = "ratio",
    level: float = 0.95,
    alternative: Alternative = "two-sided",
    method: Method = "fieller",
) -> Test:
    """Ratio of the means of two independent arms, treatment over control; the relative difference is one less.

    Args:
        treatment: Moments of the treatment.
        control: Moments of the control, in the same unit.
        null: Ratio under the null hypothesis; one minus the relative margin for non-inferiority.
        unit: Unit of the ratio.
        level: Coverage of the interval.
        alternative: Direction of the test.
        method: `fieller`, `delta` or `log`.

    Raises:
        NotEnoughData: An arm with fewer than two observations, a control whose mean is zero, or no spread in either.

    Source:
        Fieller 1954, JRSS B 16:175; unequal variances: Tamhane & Logan 2004, Stat. Med. 23:1.
    """
    need(min(treatment.n, control.n), 2, "observations per arm")
    return _ratio(
        (treatment.mean, control.mean),
        (treatment.mean_variance, control.mean_variance, 0.0),
        (treatment.n - 1.0, control.n - 1.0),
        n=treatment.n + control.n,
        null=null,
        unit=unit,
        level=level,
        alternative=alternative,
        method=method,
    )


def ratio_difference(
    treatment: CrossMoments,
    control: CrossMoments,
    *,
    null: float = 0.0,
    unit: str = "",
    level: float = 0.95,
    alternative: Alternative = "two-sided",
) -> Test:
    """Difference of two independent arms' ratios of means, such as cost per success, by the delta method.

    Raises:
        NotEnoughData: An arm with fewer than two units, a denominator whose mean is zero, or no spread at all.

    Source:
        Deng, Knoblich & Lu 2018, KDD, "Applying the delta method in metric analytics".
    """
    variances = _delta_variance(treatment), _delta_variance(control)
    _need_spread(sum(variances))
    return wald(
        treatment.x.mean / treatment.y.mean - control.x.mean / control.y.mean,
        math.sqrt(sum(variances)),
        df=satterthwaite(variances, (treatment.n - 1, control.n - 1)),
        n=treatment.n + control.n,
        method="ratio difference, delta",
        unit=unit,
        null=null,
        level=level,
        alternative=alternative,
    )


def has_spread(pairs: CrossMoments) -> bool:
    """Whether the units behind a ratio of means differ at all."""
    return pairs.n > 1 and pairs.y.mean != 0 and _delta_variance(pairs) > 0.0


def paired_ratio_difference(
    treatment: tuple[ArrayLike, ArrayLike],
    control: tuple[ArrayLike, ArrayLike],
    *,
    null: float = 0.0,
    unit: str = "",
    level: float = 0.95,
    alternative: Alternative = "two-sided",
) -> Test:
    """Difference of two arms' ratios of means over the same tasks, such as cost per success, by the delta method.

    Args:
        treatment: (numerator, denominator), each of shape (n,), one entry a task.
        control: The same for the control, aligned by task.
        null: Difference under the null hypothesis.
        unit: Unit of the ratio.
        level: Coverage of the interval.
        alternative: Direction of the test.

    Raises:
        NotEnoughData: Fewer than two tasks, a denominator whose mean is zero, or no spread at all.

    Source:
        Deng, Knoblich & Lu 2018, KDD; the linearised values of the two arms are subtracted task by task.
    """
    (ratio1, line1), (ratio0, line0) = (_linearised(*arm) for arm in (treatment, control))
    influence = Moments.from_values(line1 - line0)
    need(influence.n, 2, "tasks")
    _need_spread(influence.mean_variance)
    return wald(
        ratio1 - ratio0,
        math.sqrt(influence.mean_variance),
        df=influence.n - 1,
        n=influence.n,
        method="paired ratio difference, delta",
        unit=unit,
        null=null,
        level=level,
        alternative=alternative,
    )


def _linearised(x: ArrayLike, y: ArrayLike) -> tuple[float, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    numerator, denominator = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    mean = float(denominator.mean()) if denominator.size else 0.0
    _need_denominator(mean)
    value = float(numerator.mean()) / mean
    return value, (numerator - value * denominator) / mean


def _delta_variance(pairs: CrossMoments) -> float:
    need(pairs.n, 2, "units per arm")
    _need_denominator(pairs.y.mean)
    value = pairs.x.mean / pairs.y.mean
    return pairs.combined(1, -value).mean_variance / pairs.y.mean**2


def _ratio(
    means: tuple[float, float],
    variances: tuple[float, float, float],
    dfs: tuple[float, ...],
    *,
    n: int,
    null: float,
    unit: str,
    level: float,
    alternative: Alternative,
    method: Method,
) -> Test:
    (x, y), (xx, yy, xy) = means, variances
    _need_denominator(y)
    _need_spread(xx + yy)
    value = x / y

    def contrast_variance(at: float) -> float:
        return max(xx - 2 * at * xy + at * at * yy, 0.0)

    def df(at: float) -> float:
        return satterthwaite((xx, at * at * yy), (dfs[0], dfs[1])) if len(dfs) > 1 else dfs[0]

    if method != "fieller" and contrast_variance(value) > 0.0:
        se = math.sqrt(contrast_variance(value)) / abs(y)
        log = method == "log" and value > 0.0 and null > 0.0
        test = wald(
            math.log(value) if log else value,
            se / value if log else se,
            df=df(value),
            n=n,
            method="ratio of means, log delta" if log else "ratio of means, delta",
            unit=unit,
            null=math.log(null) if log else null,
            level=level,
            alternative=alternative,
        )
        return _exponentiated(test, value, null) if log else test
    critical = critical_value(level, df(value), alternative)
    least, most = fieller_bounds((x, y), (xx, yy, xy), critical)
    lower = -math.inf if alternative == "less" else float(least)
    upper = math.inf if alternative == "greater" else float(most)
    gap, spread = math.copysign(1.0, y) * (x - null * y), math.sqrt(contrast_variance(null))
    statistic = gap / spread if spread > 0.0 else (math.copysign(math.inf, gap) if gap else 0.0)
    return Test(
        estimate=Estimate(
            value=value, lower=lower, upper=upper, level=level, unit=unit, n=n, method="ratio of means, Fieller"
        ),
        p_value=p_value(statistic, df(null) if spread > 0.0 else None, alternative),
        statistic=statistic,
        df=df(null) if spread > 0.0 else None,
        method="ratio of means, Fieller",
        null=null,
        caveats=() if math.isfinite(lower) or math.isfinite(upper) else (DENOMINATOR_NEAR_ZERO,),
    )


def _exponentiated(test: Test, value: float, null: float) -> Test:
    lower, upper = math.exp(test.estimate.lower), math.exp(min(test.estimate.upper, 700.0))
    upper = math.inf if math.isinf(test.estimate.upper) else upper
    return replace(test, estimate=replace(test.estimate, value=value, lower=lower, upper=upper), null=null)


def fieller_bounds(
    means: tuple[ArrayLike, ArrayLike], variances: tuple[ArrayLike, ArrayLike, ArrayLike], critical: ArrayLike
) -> Bounds:
    """Ends of {r : |x - r y| <= critical * se(x - r y)}; unbounded where y is not clearly away from zero.

    Args:
        means: x and y, each of shape (n,) or a number.
        variances: Of x, of y, and their covariance.
        critical: Multiplier of the standard error.

    Source:
        Fieller 1954, JRSS B 16:175.
    """
    x, y, xx, yy, xy = (np.asarray(part, dtype=np.float64) for part in (*means, *variances))
    square = np.asarray(critical, dtype=np.float64) ** 2
    a, b, c = y * y - square * yy, x * y - square * xy, x * x - square * xx
    root = np.sqrt(np.maximum(b * b - a * c, 0.0))
    bounded = a > 0.0
    divisor = np.where(bounded, a, 1.0)
    lower = np.where(bounded, (b - root) / divisor, -np.inf)
    return Bounds(lower, np.where(bounded, (b + root) / divisor, np.inf))


def _need_denominator(mean: float) -> None:
    if abs(mean) < _SMALLEST:
        message = f"the denominator's mean is {mean:g}, so the ratio has no value"
        raise NotEnoughData(message, hint="with no success yet there is no cost per success; report cost and successes")


def _need_spread(variance: float) -> None:
    if variance == 0.0:
        message = "every observation is the same, so the ratio's spread is unknown"
        raise NotEnoughData(message, hint="collect observations that differ, or compare the rates by `proportions`")
