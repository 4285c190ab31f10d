"""Many estimates of one kind, each drawn towards their common mean by how little it knows. Knows no segment.

The best of twenty segments is mostly the luckiest; shrinking says by how much.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import InputError
from bizq_lab.stats.tails import check_level, need, normal_quantile

FEW = 3


def between_variance(values: ArrayLike, ses: ArrayLike) -> float:
    """Variance of the true values, by moments; 0 where the estimates differ no more than their errors explain.

    Args:
        values: Shape (k,). Estimates.
        ses: Shape (k,). Their standard errors, positive.

    Source:
        DerSimonian & Laird 1986, Control. Clin. Trials 7:177.
    """
    x, weight = np.asarray(values, dtype=np.float64), 1.0 / np.asarray(ses, dtype=np.float64) ** 2
    need(x.size, 2, "estimates")
    centre = float((weight * x).sum() / weight.sum())
    excess = float((weight * (x - centre) ** 2).sum()) - (x.size - 1)
    return max(excess / float(weight.sum() - (weight**2).sum() / weight.sum()), 0.0)


def shrink(values: Sequence[float], ses: Sequence[float], *, unit: str = "", level: float = 0.95) -> list[Estimate]:
    """Each estimate drawn towards the common mean.

    Args:
        values: Estimates, such as one difference a segment.
        ses: Their standard errors, positive.
        unit: Unit of the estimates.
        level: Coverage of the intervals on average over the estimates; less with three estimates or fewer, whose
            spread nobody knows.

    Raises:
        NotEnoughData: Fewer than two estimates.
        InputError: A standard error that is not positive and finite.

    Source:
        Morris 1983, JASA 78:47 (empirical Bayes; the interval carries the doubt about the common mean and the spread).
    """
    x, se = np.asarray(values, dtype=np.float64), np.asarray(ses, dtype=np.float64)
    if not (np.isfinite(x).all() and np.isfinite(se).all() and (se > 0).all()):
        message = f"ses == {list(ses)!r}, must be positive and finite"
        raise InputError(message)
    spread = between_variance(x, se)
    precision = 1.0 / (se**2 + spread)
    centre, z = float((precision * x).sum() / precision.sum()), normal_quantile(0.5 + check_level(level) / 2)
    kept = spread / (spread + se**2)
    variance = kept * se**2 + (1 - kept) ** 2 / precision.sum()
    if x.size > FEW:  # the spread itself was estimated
        variance += 2 / (x.size - FEW) * (1 - kept) ** 2 * (x - centre) ** 2
    return [
        Estimate(
            value=float(v), lower=float(v - h), upper=float(v + h), level=level, unit=unit, n=x.size,
            method="shrunk towards the common mean (Morris)",
        )
        for v, h in zip(centre + kept * (x - centre), z * np.sqrt(variance), strict=True)
    ]  # fmt: skip


def standard_error(estimate: Estimate) -> float:
    """Of a normal interval; infinite where the interval is."""
    return (estimate.upper - estimate.lower) / 2 / normal_quantile(0.5 + estimate.level / 2)
