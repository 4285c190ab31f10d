"""Paired success: both arms answered the same tasks. Knows counts of pairs only; ranks live in `signed_rank`."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import bdtr, chdtrc

from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import InputError
from bizq_lab.stats.inversion import interval_of
from bizq_lab.stats.proportions import wilson_bounds
from bizq_lab.stats.tails import critical_value, need, p_value
from bizq_lab.stats.types import Alternative, Floats, PairedTally, Test

_UNIT = "success"


def mcnemar(
    pairs: PairedTally,
    *,
    kind: Literal["mid-p", "exact", "asymptotic", "yates"] = "mid-p",
    level: float = 0.95,
) -> Test:
    """Do two arms differ in success on the same tasks? Only discordant pairs speak.

    The mid-p test keeps its level without the exact test's conservatism (Fagerland et al. 2013), hence the default.
    The interval is Tango's. Without discordant pairs the p-value is 1.

    Raises:
        NotEnoughData: No pairs.

    Source:
        McNemar 1947, Psychometrika 12:153; Fagerland, Lydersen & Laake 2013, BMC Med. Res. Methodol. 13:91.
    """
    b, c = pairs.treatment_only, pairs.control_only
    discordant = b + c
    shift = 1 if kind == "yates" else 0
    statistic = max(abs(b - c) - shift, 0) ** 2 / discordant if discordant else 0.0
    if not discordant:
        p = 1.0
    elif kind in {"asymptotic", "yates"}:
        p = float(chdtrc(1, statistic))
    else:
        p = _binomial_p(min(b, c), discordant, mid=kind == "mid-p")
    return Test(
        estimate=tango_difference(pairs, level=level).estimate,
        p_value=min(p, 1.0),
        statistic=statistic,
        df=1.0 if kind in {"asymptotic", "yates"} else None,
        method=f"McNemar {kind}",
    )


def _binomial_p(fewer: int, n: int, *, mid: bool) -> float:
    tail = float(bdtr(fewer, n, 0.5))
    at_most = min(1.0, 2.0 * tail)
    if not mid:
        return at_most
    point = tail - (float(bdtr(fewer - 1, n, 0.5)) if fewer else 0.0)
    return 1.0 - point if 2 * fewer == n else 2.0 * tail - point


def tango_difference(
    pairs: PairedTally,
    *,
    null: float = 0.0,
    level: float = 0.95,
    alternative: Alternative = "two-sided",
) -> Test:
    """Paired difference of success rates with the score interval; tests any null difference.

    Args:
        pairs: The 2x2 table of pairs.
        null: Difference under the null hypothesis, in (-1, 1); minus the margin for non-inferiority.
        level: Coverage of the interval.
        alternative: Direction of the test.

    Raises:
        NotEnoughData: No pairs.
        InputError: `null` outside (-1, 1).

    Source:
        Tango 1998, Stat. Med. 17:891.
    """
    need(pairs.n, 1, "pairs")
    if not -1.0 < null < 1.0:
        message = f"null == {null!r}, must be in (-1, 1)"
        raise InputError(message)
    b, c, n = pairs.treatment_only, pairs.control_only, pairs.n
    value = (b - c) / n
    critical = critical_value(level, None, alternative)
    low, high = interval_of(lambda delta: tango_z(b, c, n, delta), value, critical, (-1.0, 1.0), alternative)
    z = float(tango_z(b, c, n, null))
    return Test(
        estimate=Estimate(
            value=value, lower=low, upper=high, level=level, unit=_UNIT, n=n, method="Tango paired score"
        ),
        p_value=p_value(z, None, alternative),
        statistic=z,
        df=None,
        method="Tango paired score",
        null=null,
    )


def tango_z(treatment_only: ArrayLike, control_only: ArrayLike, n: ArrayLike, null: ArrayLike) -> Floats:
    """Tango's score statistic of the difference `null`, for arrays of counts; decreasing in `null`."""
    b, c = np.asarray(treatment_only, dtype=np.float64), np.asarray(control_only, dtype=np.float64)
    m, delta = np.asarray(n, dtype=np.float64), np.asarray(null, dtype=np.float64)
    linear = -b - c + (2 * m - b + c) * delta
    rate = (np.sqrt(np.maximum(linear**2 + 8 * m * c * delta * (1 - delta), 0.0)) - linear) / (4 * m)
    gap = b - c - m * delta
    variance = np.maximum(m * (2 * np.maximum(rate, -np.minimum(delta, 0.0)) + delta * (1 - delta)), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = gap / np.sqrt(variance)
    on_the_hypothesis = np.abs(gap) < 1e-12  # noqa: PLR2004 - rounding; there z is 0/0
    return np.asarray(np.where(on_the_hypothesis, 0.0, z), dtype=np.float64)


def newcombe_paired_difference(pairs: PairedTally, *, level: float = 0.95) -> Estimate:
    """Paired difference of success rates with the hybrid score interval.

    Raises:
        NotEnoughData: No pairs.

    Source:
        Newcombe 1998, Stat. Med. 17:2635, method 10 (with the corrected phi).
    """
    need(pairs.n, 1, "pairs")
    a, b, c, d, n = pairs.both, pairs.treatment_only, pairs.control_only, pairs.neither, pairs.n
    rate1, rate0, value = (a + b) / n, (a + c) / n, (b - c) / n
    (low1, high1), (low0, high0) = (tuple(map(float, wilson_bounds(x, n, level=level))) for x in (a + b, a + c))
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    excess = a * d - b * c
    corrected = max(excess - n / 2, 0.0) if excess > 0 else excess
    phi = corrected / math.sqrt(margins) if margins else 0.0
    below, above = (rate1 - low1, high0 - rate0), (high1 - rate1, rate0 - low0)
    lower, upper = (math.sqrt(max(u * u - 2 * phi * u * v + v * v, 0.0)) for u, v in (below, above))
    return Estimate(
        value=value,
        lower=max(value - lower, -1.0),
        upper=min(value + upper, 1.0),
        level=level,
        unit=_UNIT,
        n=n,
        method="Newcombe paired hybrid score",
    )
