"""Planned looks: error spent a little at each of them. Knows no data but a statistic and its information."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import numpy as np
from scipy.special import ndtr

from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import InputError
from bizq_lab.stats.tails import check_alpha, normal_quantile, p_value
from bizq_lab.stats.types import Alternative, Floats, Test

Spending = Literal["obrien-fleming", "pocock"]

_NODES = 240
_FURTHEST = 9.0
_BISECTIONS = 80


def spent(information: float, alpha: float, spending: Spending = "obrien-fleming") -> float:
    """Error of one side that is spent once a share `information` of the planned information is in.

    Source:
        Lan & DeMets 1983, Biometrika 70:659.
    """
    share = min(max(information, 0.0), 1.0)
    if share == 0.0:
        return 0.0
    if spending == "pocock":
        return alpha * math.log1p((math.e - 1) * share)
    return 2.0 * float(ndtr(normal_quantile(alpha / 2) / math.sqrt(share)))


def group_sequential_bounds(
    information: Sequence[float],
    *,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
    spending: Spending = "obrien-fleming",
) -> tuple[float, ...]:
    """Critical values of the z statistic at each planned look, narrower than an anytime-valid sequence.

    Args:
        information: Share of the planned information at each look so far, increasing, in (0, 1]; 1 spends the rest.
        alpha: Error over all looks; half of it on each side if two-sided.
        alternative: Two-sided bounds are symmetric.
        spending: Shape of the spending function.

    Raises:
        InputError: Shares that do not increase within (0, 1].

    Source:
        Lan & DeMets 1983; recursive integration of Armitage, McPherson & Rowe 1969, JRSS A 132:235.
    """
    shares = list(information)
    if not shares or any(b <= a for a, b in zip([0.0, *shares], shares, strict=False)) or shares[-1] > 1:
        message = f"information == {shares!r}, must increase within (0, 1]"
        raise InputError(message, hint="give the share of the planned n at each look, such as [0.25, 0.5, 1.0]")
    two_sided = alternative == "two-sided"
    side = check_alpha(alpha) / 2 if two_sided else check_alpha(alpha)
    used, previous, bounds = 0.0, 0.0, []
    score, mass = np.zeros(1), np.ones(1)
    for share in shares:
        target, growth = spent(share, side, spending), math.sqrt(share - previous)
        limit = _limit(score, mass, growth, target - used)
        bounds.append(limit / math.sqrt(share))
        floor = -limit if two_sided else -_FURTHEST * math.sqrt(share)
        score, mass = _surviving(score, mass, growth, floor, limit)
        used, previous = target, share
    return tuple(bounds)


def group_sequential(
    value: float,
    se: float,
    information: Sequence[float],
    *,
    n: int = 0,
    null: float = 0.0,
    unit: str = "",
    level: float = 0.95,
    alternative: Alternative = "two-sided",
    spending: Spending = "obrien-fleming",
) -> Test:
    """Interval at the last of the looks so far that is valid although the earlier ones were taken.

    Args:
        value: Estimate at this look.
        se: Its standard error.
        information: Share of the planned information at each look so far, this one last.
        n: Units behind the estimate.
        null: Effect under the null hypothesis.
        unit: Unit of the effect.
        level: Coverage over all looks together.
        alternative: Direction of the test.
        spending: Shape of the spending function.

    Returns:
        Test with the repeated confidence interval; its p-value is the fixed-sample one, to be compared with the
        error of the bound: reject when the interval excludes the null.

    Raises:
        InputError: `se` is not positive, or shares that do not increase.

    Source:
        Jennison & Turnbull 1989, JRSS B 51:305 (repeated confidence intervals).
    """
    if not 0 < se < math.inf:
        message = f"se == {se!r}, must be positive and finite"
        raise InputError(message)
    bound = group_sequential_bounds(information, alpha=1 - level, alternative=alternative, spending=spending)[-1]
    statistic, method = (value - null) / se, f"group sequential, {spending}, look {len(information)}"
    lower = -math.inf if alternative == "less" else value - bound * se
    upper = math.inf if alternative == "greater" else value + bound * se
    return Test(
        estimate=Estimate(value=value, lower=lower, upper=upper, level=level, unit=unit, n=n, method=method),
        p_value=p_value(statistic, None, alternative),
        statistic=statistic,
        df=None,
        method=method,
        null=null,
    )


def _limit(score: Floats, mass: Floats, growth: float, error: float) -> float:
    """Score above which exactly `error` of the mass arrives after independent normal growth, by bisection."""
    low, high = -_FURTHEST, _FURTHEST
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        arriving = float(mass @ ndtr((score - middle) / growth))
        low, high = (middle, high) if arriving > error else (low, middle)
    return high


def _surviving(score: Floats, mass: Floats, growth: float, floor: float, limit: float) -> tuple[Floats, Floats]:
    """Where the mass that stays inside the bounds lies, at Gauss-Legendre nodes between them."""
    node, weight = _legendre()
    place = floor + (limit - floor) * (node + 1) / 2
    gap = (place[:, None] - score[None, :]) / growth
    density = np.exp(-gap * gap / 2) @ mass / (math.sqrt(2 * math.pi) * growth)
    return place, np.asarray(density * weight * (limit - floor) / 2, dtype=np.float64)


@lru_cache(maxsize=1)
def _legendre() -> tuple[Floats, Floats]:
    node, weight = np.polynomial.legendre.leggauss(_NODES)
    return np.asarray(node, dtype=np.float64), np.asarray(weight, dtype=np.float64)
