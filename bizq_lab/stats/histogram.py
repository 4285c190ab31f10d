"""Quantiles of durations counted between fixed integer edges. Knows no log; a histogram of two logs is the sum.

Edges are integers, so that every machine and every engine counts the same; bins are 1 % wide, so that a quantile is
known to within 0.5 %.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping
from functools import lru_cache

from bizq_lab.core.estimate import Estimate
from bizq_lab.stats.tails import check_level, need, normal_quantile

_FIRST_US = 1_000
_LAST_US = 86_400_000_000
_WIDTH = 1.01


@lru_cache(maxsize=1)
def duration_edges_us() -> tuple[int, ...]:
    """Upper edges of the bins in microseconds: from a millisecond to a day, each 1 % above the one before."""
    edges = [_FIRST_US]
    while edges[-1] < _LAST_US:
        edges.append(max(edges[-1] + 1, round(edges[-1] * _WIDTH)))
    return tuple(edges)


def histogram_quantile(counts: Mapping[int, int], probability: float, *, level: float = 0.95) -> Estimate:
    """A quantile in seconds, with the interval between order statistics.

    Args:
        counts: Observations by the upper edge of their bin, in microseconds; an edge above the last means beyond it.
        probability: Which quantile, in (0, 1).
        level: Coverage of the interval.

    Raises:
        NotEnoughData: No observations.

    Source:
        Order-statistic interval: Hahn & Meeker 1991, "Statistical Intervals", ch. 5, by the normal approximation to the
        binomial; its ends are widened to the edges of their bins.
    """
    n = sum(counts.values())
    need(n, 1, "observations")
    reach = normal_quantile(0.5 + check_level(level) / 2) * math.sqrt(n * probability * (1 - probability))
    low, middle, high = (
        math.ceil(n * probability - reach),
        math.ceil(n * probability),
        math.ceil(n * probability + reach) + 1,
    )
    value = _between(*_bin_of(counts, max(middle, 1)))
    return Estimate(
        value=value,
        lower=_bin_of(counts, low)[0] / 1e6 if low >= 1 else 0.0,
        upper=_bin_of(counts, high)[1] / 1e6 if high <= n else math.inf,
        level=level,
        unit="s",
        n=n,
        method="order statistics of a 1 % histogram",
    )


def _bin_of(counts: Mapping[int, int], rank: int) -> tuple[float, float]:
    """Lower and upper edge, in microseconds, of the bin that holds the observation of this rank (from 1)."""
    seen = 0
    for edge in sorted(counts):
        seen += counts[edge]
        if seen >= rank:
            return _edges_around(edge)
    return _edges_around(max(counts))


def _edges_around(edge: int) -> tuple[float, float]:
    edges = duration_edges_us()
    if edge <= edges[0]:
        return 0.0, float(edges[0])
    if edge > edges[-1]:
        return float(edges[-1]), math.inf
    return float(edges[bisect_left(edges, edge) - 1]), float(edge)


def _between(lower_us: float, upper_us: float) -> float:
    """The bin's middle in seconds, geometric as the bins are; its only finite edge at the ends."""
    if lower_us == 0.0:
        return upper_us / 2e6
    return (lower_us if math.isinf(upper_us) else math.sqrt(lower_us * upper_us)) / 1e6
