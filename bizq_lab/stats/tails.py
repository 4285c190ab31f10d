"""Quantiles, tails and the Wald interval, from `scipy.special` alone. Knows no design and no metric."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from bizq_lab.core.estimate import Caveat, Estimate
from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.stats.types import Alternative, Floats, Test

ZERO_VARIANCE = Caveat(
    code="zero_variance",
    message="Every observation is the same, so the spread is unknown and the interval rests on the metric's range",
)


def check_level(level: float) -> float:
    """Return `level` if it is a coverage in (0, 1), else raise `InputError`."""
    if not 0.0 < level < 1.0:
        message = f"level == {level!r}, must be in (0, 1)"
        raise InputError(message, hint="0.95 means an interval that covers 95 % of the time")
    return level


def check_alpha(alpha: float) -> float:
    """Return `alpha` if it is an error rate in (0, 1), else raise `InputError`."""
    if not 0.0 < alpha < 1.0:
        message = f"alpha == {alpha!r}, must be in (0, 1)"
        raise InputError(message)
    return alpha


def need(n: float, least: float, what: str) -> None:
    """Raise `NotEnoughData` when there are fewer than `least` of `what`."""
    if n < least:
        message = f"{what} == {n}, must be at least {least}"
        raise NotEnoughData(message, hint="collect more observations, or widen the window")


def normal_quantile(probability: float) -> float:
    """Standard normal quantile."""
    return float(ndtri(probability))


def t_quantile(probability: float, df: float | None) -> float:
    """Student's t quantile; `df` None or infinite means normal."""
    if df is None or math.isinf(df):
        return normal_quantile(probability)
    return float(stdtrit(df, probability))


def t_quantiles(probability: float, df: ArrayLike) -> Floats:
    """Student's t quantile at each of several finite degrees of freedom."""
    return np.asarray(stdtrit(np.asarray(df, dtype=np.float64), probability), dtype=np.float64)


def p_value(statistic: float, df: float | None, alternative: Alternative = "two-sided") -> float:
    """Tail probability of a z or t statistic."""
    upper = _upper_tail(abs(statistic), df)
    if alternative == "two-sided":
        return min(1.0, 2.0 * upper)
    return upper if (statistic > 0) == (alternative == "greater") else 1.0 - upper


def _upper_tail(size: float, df: float | None) -> float:
    # the lower tail of -size, because 1 - cdf(size) loses all digits beyond 8 standard errors
    return float(ndtr(-size)) if df is None or math.isinf(df) else float(stdtr(df, -size))


def critical_value(level: float, df: float | None, alternative: Alternative = "two-sided") -> float:
    """Multiplier of the standard error in an interval of coverage `level`."""
    check_level(level)
    return t_quantile(0.5 + level / 2 if alternative == "two-sided" else level, df)


def bounds(value: float, half_width: float, alternative: Alternative) -> tuple[float, float]:
    """Interval around `value`; a one-sided one is unbounded on the side that the alternative allows."""
    lower = -math.inf if alternative == "less" else value - half_width
    upper = math.inf if alternative == "greater" else value + half_width
    return lower, upper


def wald(
    value: float,
    se: float,
    *,
    df: float | None,
    n: int,
    method: str,
    unit: str = "",
    null: float = 0.0,
    level: float = 0.95,
    alternative: Alternative = "two-sided",
    caveats: tuple[Caveat, ...] = (),
) -> Test:
    """Estimate plus or minus a quantile times its standard error, with the matching test of `null`.

    Raises:
        InputError: `level` is not in (0, 1), or `se` is not positive and finite.
    """
    if not 0.0 < se < math.inf:
        message = f"se == {se!r}, must be positive and finite"
        raise InputError(message)
    lower, upper = bounds(value, critical_value(level, df, alternative) * se, alternative)
    statistic = (value - null) / se
    return Test(
        estimate=Estimate(value=value, lower=lower, upper=upper, level=level, unit=unit, n=n, method=method),
        p_value=p_value(statistic, df, alternative),
        statistic=statistic,
        df=df,
        method=method,
        null=null,
        caveats=caveats,
    )


def without_spread(
    value: float,
    *,
    reach: tuple[float, float],
    n: int,
    method: str,
    unit: str = "",
    null: float = 0.0,
    level: float = 0.95,
) -> Test:
    """The honest answer when no spread was observed: the interval `reach`, and a test that rejects only outside it."""
    lower, upper = reach
    return Test(
        estimate=Estimate(value=value, lower=lower, upper=upper, level=level, unit=unit, n=n, method=method),
        p_value=1.0 if lower <= null <= upper else 1.0 - level,
        statistic=0.0 if lower <= null <= upper else math.copysign(math.inf, value - null),
        df=None,
        method=method,
        null=null,
        caveats=(ZERO_VARIANCE,),
    )


def constant_reach(value: float, n: int, support: tuple[float, float] | None, level: float) -> tuple[float, float]:
    """Interval for a mean when all `n` observations equal `value`; see `constant_bounds`."""
    lower, upper = constant_bounds(value, n, support, level)
    return float(lower), float(upper)


def constant_bounds(
    value: ArrayLike, n: ArrayLike, support: tuple[float, float] | None, level: float
) -> tuple[Floats, Floats]:
    """Bounds of means when all `n` observations of each equal `value`.

    With confidence `level` at most a share `1 - (1 - level)**(1/n)` of the population differs from `value`, and it
    differs by no more than the metric's `support` allows. Without a support nothing bounds the mean.

    Source:
        The zero-numerator bound: Hanley & Lippman-Hand 1983, JAMA 249:1743 ("rule of three").
    """
    at, size = np.asarray(value, dtype=np.float64), np.asarray(n, dtype=np.float64)
    if support is None:
        return np.full(at.shape, -np.inf), np.full(at.shape, np.inf)
    unseen = -np.expm1(np.log1p(-level) / size)
    return at - unseen * (at - support[0]), at + unseen * (support[1] - at)
