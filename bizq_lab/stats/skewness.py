"""Intervals that lean with the data: the mean of a few heavy weights is skewed, and a symmetric interval misses it.

A policy's value rests on few decisions that count for many. Where almost all of them succeed, a log without a failure
among them has both a high value and a small standard error, so that misses pile up on one side.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bizq_lab.stats.tails import critical_value
from bizq_lab.stats.types import Floats


def cluster_sums(influence: Floats, clusters: NDArray[np.generic] | None) -> Floats:
    """Shape (clusters,). Influence summed over what varies together; the entries themselves without clusters."""
    if clusters is None:
        return influence
    _, position = np.unique(clusters, return_inverse=True)
    return np.asarray(np.bincount(position, weights=influence), dtype=np.float64)


def leaning_bounds(value: float, se: float, sums: Floats, *, df: float, level: float) -> tuple[float, float]:
    """Each end the farther of the symmetric t interval and the skewness-corrected one.

    The correction transforms the studentised mean so that its skewness vanishes; the wider end is kept because the
    skewness itself is estimated from as few decisions.

    Args:
        value: Estimate of the mean.
        se: Its standard error, positive.
        sums: Shape (clusters,). Influence values by cluster, summing to 0.
        df: Degrees of freedom.
        level: Coverage.

    Source:
        Hall 1992, JRSS B 54:221 (cubic transformation).
    """
    critical = critical_value(level, df, "two-sided")
    spread = float((sums**2).sum())
    skew = float((sums**3).sum()) / spread**1.5 if spread > 0.0 else 0.0

    def back(x: float) -> float:
        return x if abs(skew) < 1e-9 else 3.0 / skew * (float(np.cbrt(1.0 + skew * (x - skew / 6.0))) - 1.0)  # noqa: PLR2004 - no skew

    low, high = max(critical, back(critical)), min(-critical, back(-critical))
    return value - low * se, value - high * se
