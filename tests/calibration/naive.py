"""What the settings share: the sketch's analysis, and exact moments of simulated values. Knows no setting."""

from __future__ import annotations

import math

from bizq_lab.core.estimate import Estimate
from bizq_lab.stats import Moments
from bizq_lab.stats.types import Floats

Z = 1.959963984540054


def plain_z(x: Floats, y: Floats) -> Estimate:
    """The sketch's analysis: difference of averages, rows taken as independent and normal."""
    value, half = float(x.mean() - y.mean()), Z * math.sqrt(x.var() / x.size + y.var() / y.size)
    return Estimate(value=value, lower=value - half, upper=value + half)


def moments_of(values: Floats) -> Moments:
    """Moments from float sums: fast, and exact enough for a simulation."""
    return Moments(values.size, float(values.sum()), float((values**2).sum()))
