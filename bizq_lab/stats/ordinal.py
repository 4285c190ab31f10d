"""Ranked outcomes of two independent arms from counts by level: ratings, scores, histogram bins. Knows no labels."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import InputError
from bizq_lab.stats.clusters import FEW, ClusterSums, cluster_difference
from bizq_lab.stats.means import satterthwaite
from bizq_lab.stats.tails import ZERO_VARIANCE, constant_reach, critical_value, need, p_value
from bizq_lab.stats.types import Alternative, Floats, Test

_METHOD = "Brunner-Munzel"
_EVEN = 0.5


def brunner_munzel(
    treatment: ArrayLike,
    control: ArrayLike,
    *,
    null: float = _EVEN,
    level: float = 0.95,
    alternative: Alternative = "two-sided",
) -> Test:
    """Probability that the treatment's outcome is the larger one, ties counting half, from raw values.

    See `ordinal_superiority`, which it calls on the levels observed.
    """
    a, b = np.asarray(treatment, dtype=np.float64), np.asarray(control, dtype=np.float64)
    levels = np.unique(np.concatenate([a, b]))
    counts = (np.bincount(np.searchsorted(levels, values), minlength=levels.size) for values in (a, b))
    return ordinal_superiority(*counts, null=null, level=level, alternative=alternative)


def ordinal_superiority(
    treatment: ArrayLike,
    control: ArrayLike,
    *,
    null: float = _EVEN,
    level: float = 0.95,
    alternative: Alternative = "two-sided",
) -> Test:
    """Probability that the treatment's outcome is the larger one, ties counting half, from counts.

    It needs no equal spacing of levels, no equal variances and no rows. Fractions of ratings are levels like others.

    Args:
        treatment: Shape (levels,). Observations at each level, in ascending order of the levels.
        control: Shape (levels,), the same levels.
        null: Probability under the null hypothesis.
        level: Coverage of the interval.
        alternative: Direction of the test.

    Raises:
        NotEnoughData: An arm with fewer than two observations.
        InputError: Levels that do not agree, or negative counts.

    Source:
        Brunner & Munzel 2000, Biom. J. 42:17. When the arms do not overlap, or all observations are equal, its
        variance is zero; then the interval is an exact bound (disjoint pairs, or `tails.constant_reach`).
    """
    counts1, counts0 = _counts(treatment), _counts(control)
    if counts1.shape != counts0.shape:
        message = f"levels of shapes {counts1.shape} and {counts0.shape}, must be equal"
        raise InputError(message)
    n1, n0 = int(counts1.sum()), int(counts0.sum())
    need(min(n1, n0), 2, "observations per arm")
    above, below = _placements(counts1, counts0)
    value = float((counts1 * above).sum() / n1)
    variances = _variance(counts1, above) / n1, _variance(counts0, below) / n0
    if sum(variances) <= 0.0:
        return _without_overlap(value, n1, n0, null=null, level=level)
    df = satterthwaite(variances, (n1 - 1, n0 - 1))
    se = math.sqrt(sum(variances))
    half = critical_value(level, df, alternative) * se
    statistic = (value - null) / se
    return Test(
        estimate=Estimate(
            value=value,
            lower=0.0 if alternative == "less" else max(value - half, 0.0),
            upper=1.0 if alternative == "greater" else min(value + half, 1.0),
            level=level,
            unit="probability",
            n=n1 + n0,
            method=_METHOD,
        ),
        p_value=p_value(statistic, df, alternative),
        statistic=statistic,
        df=df,
        method=_METHOD,
        null=null,
    )


class LevelCounts(NamedTuple):
    """One arm's observations by cluster and level, each pair at most once.

    Attributes:
        cluster: Shape (r,). Whose they are.
        value: Shape (r,). The level, such as a rating of 4.5.
        n: Shape (r,). How many.
    """

    cluster: NDArray[np.generic]
    value: Floats
    n: Floats


def clustered_superiority(treatment: LevelCounts, control: LevelCounts, *, level: float = 0.95) -> Test:
    """Probability that the treatment's outcome is the larger one, ties counting half, where observations are clustered.

    The levels are those observed. Clusters may lie within one arm or cross both.

    Args:
        treatment: Observations by cluster and level.
        control: Likewise; a shared cluster has observations in both arms.
        level: Coverage of the interval.

    Raises:
        NotEnoughData: An arm with fewer than two observations, too few clusters, or no spread between them.

    Source:
        Placements summed by cluster: Obuchowski 1997, Biometrics 53:567; their variance as in `clusters` (CRV1, below
        50 clusters CRV3). One observation a cluster: `ordinal_superiority`.
    """
    levels = np.unique(np.concatenate([treatment.value, control.value]))
    need(min(float(treatment.n.sum()), float(control.n.sum())), 2, "observations per arm")
    at1, at0 = np.searchsorted(levels, treatment.value), np.searchsorted(levels, control.value)
    counts1, counts0 = (
        np.asarray(np.bincount(at, weights=arm.n, minlength=levels.size), dtype=np.float64)
        for at, arm in ((at1, treatment), (at0, control))
    )
    clusters = np.concatenate([treatment.cluster, control.cluster])
    if np.unique(clusters).size == counts1.sum() + counts0.sum():
        return ordinal_superiority(counts1, counts0, level=level)
    above, below = _placements(counts1, counts0)
    mine, theirs = _summed(treatment, above[at1]), _summed(control, below[at0])
    value = mine.mean
    crossed = np.intersect1d(mine.ids, theirs.ids).size > 0
    few = np.unique(clusters).size if crossed else 2 * min(mine.ids.size, theirs.ids.size)
    # The difference of the placements has the same spread as the probability: it is its projection (Hajek).
    test = cluster_difference(mine, theirs, null=value - _EVEN, level=level, kind="crv3" if few < FEW else "crv1")
    half, method = test.estimate.upper - test.estimate.value, f"{_METHOD}, clustered"
    estimate = Estimate(
        value=value,
        lower=max(value - half, 0.0),
        upper=min(value + half, 1.0),
        level=level,
        unit="probability",
        n=test.estimate.n,
        method=method,
    )
    return replace(test, estimate=estimate, method=method, null=_EVEN)


def _summed(arm: LevelCounts, placement: Floats) -> ClusterSums:
    ids, at = np.unique(arm.cluster, return_inverse=True)
    return ClusterSums.of(ids, np.bincount(at, weights=arm.n), np.bincount(at, weights=arm.n * placement))


def _placements(counts1: Floats, counts0: Floats) -> tuple[Floats, Floats]:
    """By level, the share of the control below it and that of the treatment, ties counting half."""
    above = (np.cumsum(counts0) - counts0 / 2) / counts0.sum()
    below = (np.cumsum(counts1) - counts1 / 2) / counts1.sum()
    return above, below


def _counts(values: ArrayLike) -> Floats:
    counts = np.asarray(values, dtype=np.float64)
    if counts.ndim != 1 or (counts < 0).any() or not np.isfinite(counts).all():
        message = f"counts == {values!r}, must be counts by level"
        raise InputError(message)
    return counts


def _variance(counts: Floats, placement: Floats) -> float:
    n = counts.sum()
    centre = (counts * placement).sum() / n
    return float((counts * (placement - centre) ** 2).sum() / (n - 1))


def _without_overlap(value: float, n1: int, n0: int, *, null: float, level: float) -> Test:
    """Bounds without any variance: either the arms do not overlap, or every observation is the same."""
    if value in {0.0, 1.0}:
        pairs = min(n1, n0)  # that many disjoint pairs all point the same way
        reach = ((1 - level) / 2) ** (1 / pairs)
        lower, upper = (reach, 1.0) if value else (0.0, 1.0 - reach)
        p = min(1.0, 2.0 * (null if value else 1.0 - null) ** pairs)
    else:
        shares = (constant_reach(1.0, n, (0.0, 1.0), (1 + level) / 2)[0] for n in (n1, n0))
        lower = _EVEN * math.prod(shares)
        upper, p = 1.0 - lower, 1.0
    return Test(
        estimate=Estimate(
            value=value, lower=lower, upper=upper, level=level, unit="probability", n=n1 + n0, method=_METHOD
        ),
        p_value=p,
        statistic=0.0 if value == _EVEN else math.copysign(math.inf, value - null),
        df=None,
        method=_METHOD,
        null=null,
        caveats=(ZERO_VARIANCE,),
    )
