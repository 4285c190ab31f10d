"""Intervals as the set of hypotheses that a test does not reject. Knows no particular test."""

from __future__ import annotations

import math
from collections.abc import Callable

from bizq_lab.stats.types import Alternative

_STEPS = 200


def interval_of(
    statistic: Callable[[float], object],
    value: float,
    critical: float,
    domain: tuple[float, float],
    alternative: Alternative = "two-sided",
) -> tuple[float, float]:
    """Invert a signed statistic that decreases in the hypothesised effect and is zero at `value`.

    Args:
        statistic: Signed statistic at a hypothesised effect.
        value: Point estimate, inside `domain`.
        critical: Rejection happens beyond this size.
        domain: Least and greatest possible effect.
        alternative: A one-sided test leaves the other side at the end of the domain.

    Returns:
        Lower and upper end.
    """
    low, high = domain
    lower = low if alternative == "less" else _edge(lambda d: _number(statistic(d)) < critical, value, low)
    upper = high if alternative == "greater" else _edge(lambda d: _number(statistic(d)) > -critical, value, high)
    return lower, upper


def _number(value: object) -> float:
    return float(value)  # type: ignore[arg-type]  # numpy scalars and zero-dimensional arrays


def _edge(accepted: Callable[[float], bool], inside: float, outside: float) -> float:
    """Last accepted point on the way from `inside` to `outside`, by bisection."""
    if accepted(outside):
        return outside
    for _ in range(_STEPS):
        middle = (inside + outside) / 2
        if math.isclose(middle, inside, rel_tol=0.0, abs_tol=1e-13) or middle == outside:
            break
        inside, outside = (middle, outside) if accepted(middle) else (inside, middle)
    return inside
