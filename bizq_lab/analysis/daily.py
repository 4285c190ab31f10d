"""Days as they can be compared with each other: a cell's mean, on the scale on which days are about normal. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bizq_lab.analysis.metrics import Metric

if TYPE_CHECKING:
    from bizq_lab.analysis.cells import Cell

LEAST_LOG_SD = 0.01  # of latency and cost: days are never taken to agree better than within one percent


def value_of(cell: Cell, metric: Metric) -> float:
    """Mean of a metric that was measured, in its unit."""
    return float(cell.row[metric.total] / (cell.row[metric.count] * metric.per_unit))


def on_scale(values: Sequence[float], sizes: Sequence[int], metric: Metric) -> tuple[list[float], float]:
    """Arcsine of shares, logarithm of the others; with the least spread that days are taken to have there.

    Args:
        values: Mean of each day, in the metric's unit; positive unless a share.
        sizes: Outcomes of each day.
        metric: Which.
    """
    if metric.support != (0.0, 1.0):
        return [math.log(value) for value in values], LEAST_LOG_SD
    typical = sum(sizes) / len(sizes)
    # A day that has been perfect so far is not perfect: half a failure is added, and a quarter of a coin's spread.
    kept = [(value * n + 0.5) / (n + 1) for value, n in zip(values, sizes, strict=True)]
    scaled = [math.asin(math.sqrt(min(max(value, 0.0), 1.0))) for value in kept]
    return scaled, max(0.005, 0.125 / math.sqrt(typical))
