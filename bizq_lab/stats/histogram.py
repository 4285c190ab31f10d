"""Quantiles of durations counted in fixed bins. Knows no log.

A bin is a whole number of microseconds without its last bits, so that every machine and every engine counts the same,
and no logarithm is taken: 32 us wide below 8 ms, from there on at most 1/128 of what is in it, so that a quantile is
known to within 0.4 %.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bizq_lab.core.estimate import Estimate
from bizq_lab.stats.tails import check_level, need, normal_quantile
from bizq_lab.stats.types import Floats

_FINEST = (8_192, 32)
# Bins up to here are this wide, all in microseconds; `durations.sql` says the same.
_WIDTHS = ((131_072, 64), (2_097_152, 1_024), (33_554_432, 16_384), (536_870_912, 262_144))
_WIDEST = 4_194_304
_ENDS_US = np.array([end for end, _ in (_FINEST, *_WIDTHS)])
_WIDTHS_US = np.array([*(width for _, width in (_FINEST, *_WIDTHS)), _WIDEST])


def bin_width_us(duration_us: int) -> int:
    """Width of the bin that a duration is in, both in microseconds."""
    for end, width in (_FINEST, *_WIDTHS):
        if duration_us < end:
            return width
    return _WIDEST


def bin_widths_us(durations_us: ArrayLike) -> NDArray[np.int64]:
    """Widths of the bins that durations are in, of the same shape, all in microseconds."""
    return np.asarray(_WIDTHS_US[np.searchsorted(_ENDS_US, durations_us, side="right")], dtype=np.int64)


def duration_bin_us(duration_us: int) -> int:
    """Lower edge of the bin that a duration is in, both in microseconds."""
    return duration_us & -bin_width_us(duration_us)


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Durations, counted.

    Attributes:
        edges_us: Shape (b,). Lower edges of the bins in microseconds, ascending.
        n: Shape (b,). Durations in each.
        unanswered: Shape (b,). Those of them that ended because time ran out.
    """

    edges_us: NDArray[np.int64]
    n: NDArray[np.int64]
    unanswered: NDArray[np.int64]

    @property
    def middles_s(self) -> Floats:
        """Shape (b,). Middles of the bins in seconds."""
        return np.asarray((self.edges_us + bin_widths_us(self.edges_us) / 2) / 1e6, dtype=np.float64)

    def quantile(self, probability: float, *, level: float = 0.95) -> Estimate:
        """A quantile in seconds, with the interval between order statistics.

        Args:
            probability: Which quantile, in (0, 1).
            level: Coverage of the interval.

        Raises:
            NotEnoughData: No observations.

        Source:
            Order-statistic interval: Hahn & Meeker 1991, "Statistical Intervals", ch. 5, by the normal approximation
            to the binomial; its ends are widened to the edges of their bins.
        """
        seen = np.cumsum(self.n)
        n = int(seen[-1]) if seen.size else 0
        need(n, 1, "observations")
        reach = normal_quantile(0.5 + check_level(level) / 2) * math.sqrt(n * probability * (1 - probability))
        low, middle, high = (
            math.ceil(n * probability - reach),
            math.ceil(n * probability),
            math.ceil(n * probability + reach) + 1,
        )
        inside = self._bin_of(seen, max(middle, 1))
        return Estimate(
            value=(inside[0] + inside[1]) / 2e6,
            lower=self._bin_of(seen, low)[0] / 1e6 if low >= 1 else 0.0,
            upper=self._bin_of(seen, high)[1] / 1e6 if high <= n else math.inf,
            level=level,
            unit="s",
            n=n,
            method="order statistics of a histogram",
        )

    def _bin_of(self, seen: NDArray[np.int64], rank: int) -> tuple[int, int]:
        """Lower and upper edge, in microseconds, of the bin that holds the observation of this rank (from 1)."""
        edge = int(self.edges_us[np.searchsorted(seen, rank)])
        return edge, edge + bin_width_us(edge)
