"""Paired differences by rank: Wilcoxon's test with the Hodges-Lehmann estimate. Knows arrays of differences only."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from bizq_lab.core.estimate import Estimate
from bizq_lab.stats.tails import ZERO_VARIANCE, check_level, need
from bizq_lab.stats.types import Alternative, Floats, Test

_EXACT_UP_TO = 50
_BISECTIONS = 60


def wilcoxon(
    differences: ArrayLike,
    *,
    null: float = 0.0,
    unit: str = "",
    level: float = 0.95,
    alternative: Alternative = "two-sided",
) -> Test:
    """Are paired differences centred at `null`? Robust to outliers; the estimate is a pseudo-median, not a mean.

    Zero differences keep their ranks (Pratt). The p-value is exact without ties and zeros up to 50 pairs.

    Args:
        differences: Shape (n,), treatment minus control.
        null: Centre under the null hypothesis.
        unit: Unit of the differences.
        level: Coverage of the interval.
        alternative: Direction of the test.

    Raises:
        NotEnoughData: Fewer than two pairs.

    Source:
        Wilcoxon 1945; Pratt 1959, JASA 54:655; estimate and interval: Hodges & Lehmann 1963, Hollander & Wolfe 1999,
        ch. 3. The p-value is scipy's.
    """
    from scipy import stats  # noqa: PLC0415 - a second of import that only rank tests need

    d = np.sort(np.asarray(differences, dtype=np.float64))
    need(d.size, 2, "pairs")
    method = "Wilcoxon signed-rank, Hodges-Lehmann"
    shifted = d - null
    value = hodges_lehmann(d)
    lower, upper = _interval(d, level, alternative)
    if not shifted.any():
        p, statistic = 1.0, 0.0
    else:
        p = float(stats.wilcoxon(shifted, zero_method="pratt", alternative=alternative).pvalue)
        ranks = stats.rankdata(np.abs(shifted))
        statistic = float(ranks[shifted > 0].sum())
    return Test(
        estimate=Estimate(
            value=value,
            lower=min(lower, value),
            upper=max(upper, value),
            level=level,
            unit=unit,
            n=d.size,
            method=method,
        ),
        p_value=min(p, 1.0),
        statistic=statistic,
        df=None,
        method=method,
        null=null,
        caveats=(ZERO_VARIANCE,) if d[0] == d[-1] else (),
    )


def hodges_lehmann(differences: ArrayLike) -> float:
    """Median of all pairwise averages of the differences, each with itself included, without storing them.

    Raises:
        NotEnoughData: No differences.

    Source:
        Hodges & Lehmann 1963, Ann. Math. Stat. 34:598.
    """
    d = np.sort(np.asarray(differences, dtype=np.float64))
    need(d.size, 1, "pairs")
    count = d.size * (d.size + 1) // 2
    return (_walsh(d, (count + 1) // 2) + _walsh(d, count // 2 + 1)) / 2


def _interval(d: Floats, level: float, alternative: Alternative) -> tuple[float, float]:
    """Walsh averages that the signed-rank test does not reject; unbounded where no rank can be cut off."""
    tail = (1 - check_level(level)) / (2 if alternative == "two-sided" else 1)
    cut = _cut(d.size, tail)
    count = d.size * (d.size + 1) // 2
    lower = _walsh(d, cut) if cut and alternative != "less" else -math.inf
    upper = _walsh(d, count + 1 - cut) if cut and alternative != "greater" else math.inf
    return lower, upper


def _cut(n: int, tail: float) -> int:
    """Rank of the lower bound among the Walsh averages: 1 + the largest w with P(W <= w) <= tail; 0 if none."""
    if n > _EXACT_UP_TO:
        mean, variance = n * (n + 1) / 4, n * (n + 1) * (2 * n + 1) / 24
        return max(0, math.floor(mean + float(ndtri(tail)) * math.sqrt(variance)))
    probability = np.ones(1)
    for rank in range(1, n + 1):
        wider = np.zeros(probability.size + rank)
        wider[: probability.size] += probability / 2
        wider[rank:] += probability / 2
        probability = wider
    return int((np.cumsum(probability) <= tail).sum())


def _walsh(d: Floats, k: int) -> float:
    """The k-th smallest average (d_i + d_j) / 2 with i <= j, of sorted `d`: bisection, then the next average above."""
    low, high = float(d[0]), float(d[-1])
    if _averages_up_to(d, low) >= k:
        return low
    for _ in range(_BISECTIONS):
        middle = low + (high - low) / 2
        low, high = (low, middle) if _averages_up_to(d, middle) >= k else (middle, high)
    partner = np.searchsorted(d, 2 * low - d, side="right")
    within = partner < d.size
    return float(((d[within] + d[partner[within]]) / 2).min(initial=high))


def _averages_up_to(d: Floats, bound: float) -> int:
    ordered = int(np.searchsorted(d, 2 * bound - d, side="right").sum())  # counts i < j twice, and i = j once
    return (ordered + int((d <= bound).sum())) // 2
