"""Poisson cluster bootstrap: any statistic of sums, resampled by cluster. Knows no metric; randomness comes in."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.stats.tails import check_level, need, normal_quantile
from bizq_lab.stats.types import Floats

_CHUNK_CELLS = 4_000_000

Statistic = Callable[[Floats], Floats]


def poisson_cluster_bootstrap(
    sums: ArrayLike,
    statistic: Statistic,
    *,
    rng: np.random.Generator,
    replicates: int = 2_000,
    unit: str = "",
    level: float = 0.95,
    kind: Literal["bca", "percentile"] = "bca",
) -> Estimate:
    """Interval for any function of sums over independent clusters.

    Each replicate weighs every cluster by an independent Poisson(1) draw. For a difference of arms give both arms'
    sums as columns (zeros where a cluster is absent) and let the statistic subtract: clusters that cross both arms
    are then resampled together.

    Args:
        sums: Shape (clusters, k), such as columns (cost, successes) of each workspace.
        statistic: Maps shape (m, k) to shape (m,); may return infinities, never NaN in the data itself.
        rng: Seeded generator.
        replicates: Number of replicates.
        unit: Unit of the statistic.
        level: Coverage of the interval.
        kind: `bca` corrects bias and skewness; `percentile` does not.

    Raises:
        NotEnoughData: Fewer than two clusters, or a statistic that is undefined on the data.
        InputError: Fewer than 100 replicates.

    Source:
        Chamandy, Muralidharan, Najmi & Naidu 2012 (Poisson bootstrap); Efron 1987, JASA 82:171 (BCa).
    """
    table = np.asarray(sums, dtype=np.float64)
    if table.ndim != 2 or replicates < 100:  # noqa: PLR2004 - fewer cannot place a 95 % quantile
        message = f"sums of shape {table.shape} and replicates == {replicates}, must be (clusters, k) and at least 100"
        raise InputError(message)
    clusters = table.shape[0]
    need(clusters, 2, "clusters")
    value = float(statistic(table.sum(axis=0, keepdims=True))[0])
    if not math.isfinite(value):
        message = f"the statistic is {value} on the data"
        raise NotEnoughData(message, hint="with no success yet there is no cost per success")
    draws = _replicates(table, statistic, rng, replicates)
    tails = np.array([(1 - check_level(level)) / 2, (1 + level) / 2])
    if kind == "bca":
        tails = _corrected(tails, draws, value, table, statistic)
    lower, upper = np.quantile(draws, tails, method="inverted_cdf")
    return Estimate(
        value=value,
        lower=min(float(lower), value),
        upper=max(float(upper), value),
        level=level,
        unit=unit,
        n=clusters,
        method=f"Poisson cluster bootstrap, {'BCa' if kind == 'bca' else kind}",
    )


def _replicates(table: Floats, statistic: Statistic, rng: np.random.Generator, replicates: int) -> Floats:
    """Sorted replicates, drawn in chunks so that memory stays bounded; undefined ones count as infinite."""
    step = max(1, min(replicates, _CHUNK_CELLS // table.shape[0]))
    chunks = []
    for start in range(0, replicates, step):
        weights = rng.poisson(1.0, size=(min(step, replicates - start), table.shape[0])).astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            chunks.append(statistic(weights @ table))
    draws = np.concatenate(chunks)
    return np.sort(np.where(np.isnan(draws), np.inf, draws))


def _corrected(tails: Floats, draws: Floats, value: float, table: Floats, statistic: Statistic) -> Floats:
    """Efron's quantile levels: z0 from the share below the estimate, acceleration from the jackknife over clusters."""
    below = (np.searchsorted(draws, value, "left") + np.searchsorted(draws, value, "right")) / (2 * draws.size)
    z0 = normal_quantile(float(np.clip(below, 1 / draws.size, 1 - 1 / draws.size)))
    with np.errstate(divide="ignore", invalid="ignore"):
        without = statistic(table.sum(axis=0) - table)
    without = without[np.isfinite(without)]
    gap = without.mean() - without if without.size else np.zeros(1)
    spread = float((gap**2).sum())
    acceleration = float((gap**3).sum()) / (6 * spread**1.5) if spread > 0 else 0.0
    z = np.array([normal_quantile(float(t)) for t in tails])
    shifted = z0 + (z0 + z) / (1 - acceleration * (z0 + z))
    return np.asarray(np.clip(ndtr(shifted), 1 / draws.size, 1 - 1 / draws.size), dtype=np.float64)
