"""Success rates and their differences from counts. Knows no pairs (see `paired`) and no margins' meaning."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import InputError
from bizq_lab.stats.inversion import interval_of
from bizq_lab.stats.tails import check_level, critical_value, need, normal_quantile, p_value
from bizq_lab.stats.types import Alternative, Bounds, Floats, Tally, Test

_UNIT = "success"
_FURTHEST = 1.0 - 1e-12


def wilson(tally: Tally, *, level: float = 0.95, unit: str = _UNIT) -> Estimate:
    """Success rate with Wilson's score interval, which stays in [0, 1] and has width at 0 and n successes.

    Raises:
        NotEnoughData: No trials.

    Source:
        Wilson 1927, JASA 22:209.
    """
    need(tally.n, 1, "trials")
    low, high = wilson_bounds(tally.successes, tally.n, level=level)
    return Estimate(
        value=tally.rate, lower=float(low), upper=float(high), level=level, unit=unit, n=tally.n, method="Wilson score"
    )


def wilson_bounds(successes: ArrayLike, n: ArrayLike, *, level: float = 0.95) -> Bounds:
    """Wilson's bounds for arrays of counts."""
    z = normal_quantile(0.5 + check_level(level) / 2)
    x, m = np.asarray(successes, dtype=np.float64), np.asarray(n, dtype=np.float64)
    centre = (x + z * z / 2) / (m + z * z)
    half = z / (m + z * z) * np.sqrt(x * (m - x) / m + z * z / 4)
    return Bounds(np.where(x == 0, 0.0, centre - half), np.where(x == m, 1.0, centre + half))


def newcombe_difference(treatment: Tally, control: Tally, *, level: float = 0.95) -> Estimate:
    """Difference of success rates with the hybrid score interval.

    Raises:
        NotEnoughData: An arm without trials.

    Source:
        Newcombe 1998, Stat. Med. 17:873, method 10.
    """
    need(min(treatment.n, control.n), 1, "trials per arm")
    low, high = newcombe_bounds(treatment.successes, treatment.n, control.successes, control.n, level=level)
    return Estimate(
        value=treatment.rate - control.rate,
        lower=float(low),
        upper=float(high),
        level=level,
        unit=_UNIT,
        n=treatment.n + control.n,
        method="Newcombe hybrid score",
    )


def newcombe_bounds(x1: ArrayLike, n1: ArrayLike, x0: ArrayLike, n0: ArrayLike, *, level: float = 0.95) -> Bounds:
    """Newcombe's bounds for arrays of counts, treatment (1) minus control (0)."""
    rate1, rate0 = np.asarray(x1) / np.asarray(n1), np.asarray(x0) / np.asarray(n0)
    one, zero = wilson_bounds(x1, n1, level=level), wilson_bounds(x0, n0, level=level)
    lower = rate1 - rate0 - np.hypot(rate1 - one.lower, zero.upper - rate0)
    upper = rate1 - rate0 + np.hypot(one.upper - rate1, rate0 - zero.lower)
    return Bounds(lower, upper)


def miettinen_nurminen_difference(
    treatment: Tally,
    control: Tally,
    *,
    null: float = 0.0,
    level: float = 0.95,
    alternative: Alternative = "two-sided",
) -> Test:
    """Difference of success rates: the score test of any null difference, and the interval it inverts to.

    Args:
        treatment: Successes and trials.
        control: Successes and trials.
        null: Difference under the null hypothesis, in (-1, 1); minus the margin for non-inferiority.
        level: Coverage of the interval.
        alternative: Direction of the test.

    Raises:
        NotEnoughData: An arm without trials.
        InputError: `null` outside (-1, 1).

    Source:
        Miettinen & Nurminen 1985, Stat. Med. 4:213 (variance with the factor N/(N-1)).
    """
    need(min(treatment.n, control.n), 1, "trials per arm")
    if not -1.0 < null < 1.0:
        message = f"null == {null!r}, must be in (-1, 1)"
        raise InputError(message)
    counts = treatment.successes, treatment.n, control.successes, control.n
    critical = critical_value(level, None, alternative)
    value = treatment.rate - control.rate
    low, high = interval_of(
        lambda delta: miettinen_nurminen_z(*counts, delta), value, critical, (-1.0, 1.0), alternative
    )
    z = float(miettinen_nurminen_z(*counts, null))
    method = "Miettinen-Nurminen score"
    return Test(
        estimate=Estimate(
            value=value,
            lower=low,
            upper=high,
            level=level,
            unit=_UNIT,
            n=treatment.n + control.n,
            method=method,
        ),
        p_value=p_value(z, None, alternative),
        statistic=z,
        df=None,
        method=method,
        null=null,
    )


def miettinen_nurminen_z(x1: ArrayLike, n1: ArrayLike, x0: ArrayLike, n0: ArrayLike, null: ArrayLike) -> Floats:
    """Score statistic of the difference `null`, for arrays of counts; decreasing in `null`."""
    a1, m1 = np.asarray(x1, dtype=np.float64), np.asarray(n1, dtype=np.float64)
    a0, m0 = np.asarray(x0, dtype=np.float64), np.asarray(n0, dtype=np.float64)
    delta = np.clip(np.asarray(null, dtype=np.float64), -_FURTHEST, _FURTHEST)
    total = m1 + m0
    p0 = _constrained_rate(a1, m1, a0, m0, delta)
    p1 = np.clip(p0 + delta, 0.0, 1.0)
    variance = (p1 * (1 - p1) / m1 + p0 * (1 - p0) / m0) * total / np.maximum(total - 1, 1)
    gap = a1 / m1 - a0 / m0 - delta
    with np.errstate(divide="ignore", invalid="ignore"):
        z = gap / np.sqrt(variance)
    on_the_hypothesis = np.abs(gap) < 1e-15  # noqa: PLR2004 - rounding; there z is 0/0
    return np.asarray(np.where(on_the_hypothesis, 0.0, z), dtype=np.float64)


def constrained_control_rate(treatment_rate: float, control_rate: float, null: float) -> float:
    """Limit, for equal arms, of the control rate that fits best if the difference were `null`; planning needs it."""
    one = np.asarray(1.0)
    return float(
        _constrained_rate(np.asarray(treatment_rate), one, np.asarray(control_rate), one, np.asarray(null, dtype=float))
    )


def _constrained_rate(x1: Floats, n1: Floats, x0: Floats, n0: Floats, delta: Floats) -> Floats:
    """Maximum-likelihood control rate given the difference: the cubic's middle root, in closed form."""
    total, successes = n1 + n0, x1 + x0
    square = ((n1 + 2 * n0) * delta - total - successes) / (3 * total)
    linear = ((n0 * delta - total - 2 * x0) * delta + successes) / (3 * total)
    constant = x0 * delta * (1 - delta) / (2 * total)
    q = square**3 - 1.5 * linear * square + constant
    p = np.where(q >= 0, 1.0, -1.0) * np.sqrt(np.maximum(square**2 - linear, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        cosine = np.where(p == 0, 0.0, q / p**3)
    angle = (math.pi + np.arccos(np.clip(cosine, -1.0, 1.0))) / 3
    root = 2 * p * np.cos(angle) - square
    return np.asarray(np.clip(root, np.maximum(0.0, -delta), np.minimum(1.0, 1.0 - delta)), dtype=np.float64)
