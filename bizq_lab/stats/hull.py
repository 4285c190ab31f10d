"""Cost and quality of whole policies: the upper hull, its area, and the cost at a given quality. Knows no policy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from bizq_lab.stats.tails import need
from bizq_lab.stats.types import Floats

Point = tuple[float, float]


def upper_hull(costs: ArrayLike, qualities: ArrayLike) -> list[Point]:
    """Corners of the non-decreasing concave hull of (cost, quality), cheapest first.

    Between two corners lies every random mixture of the two policies; beyond the last, the best stays the best.

    Raises:
        NotEnoughData: No points.

    Source:
        Andrew 1979 (monotone chain); Hu et al. 2024 (RouterBench).
    """
    points = sorted(
        zip(np.asarray(costs, dtype=float).tolist(), np.asarray(qualities, dtype=float).tolist(), strict=True),
        key=lambda point: (point[0], -point[1]),
    )
    need(len(points), 1, "points")
    hull: list[Point] = []
    for cost, quality in points:
        if hull and quality <= hull[-1][1]:
            continue
        while len(hull) > 1 and _slope(hull[-2], (cost, quality)) >= _slope(hull[-2], hull[-1]):
            hull.pop()
        hull.append((cost, quality))
    return hull


def quality_at(hull: Sequence[Point], costs: ArrayLike) -> Floats:
    """Best quality of a mixture of the hull's policies at each cost; flat beyond its ends."""
    x, y = zip(*hull, strict=True)
    return np.asarray(np.interp(np.asarray(costs, dtype=np.float64), x, y), dtype=np.float64)


def cost_at(hull: Sequence[Point], quality: float) -> float:
    """Least cost of a mixture that reaches `quality`; infinite where none does."""
    x, y = zip(*hull, strict=True)
    if quality > y[-1]:
        return float("inf")
    return float(np.interp(quality, y, x)) if quality > y[0] else float(x[0])


def area_under_hull(
    costs: ArrayLike, qualities: ArrayLike, *, low: float | None = None, high: float | None = None
) -> float:
    """Mean quality over costs drawn evenly from [low, high]: average improvement in quality (AIQ).

    Args:
        costs: Shape (n,). Mean cost of each policy.
        qualities: Shape (n,). Mean quality of each.
        low: Least cost; that of the cheapest policy by default.
        high: Greatest cost; that of the dearest by default.

    Raises:
        NotEnoughData: No points.

    Source:
        Hu et al. 2024, "RouterBench", section 3.
    """
    hull = upper_hull(costs, qualities)
    spent = np.asarray(costs, dtype=np.float64)
    start, stop = float(spent.min() if low is None else low), float(spent.max() if high is None else high)
    if stop <= start:
        return hull[-1][1]
    inner = [cost for cost, _ in hull if start < cost < stop]
    grid = np.array([start, *inner, stop])
    return float(np.trapezoid(quality_at(hull, grid), grid) / (stop - start))


def _slope(first: Point, second: Point) -> float:
    run = second[0] - first[0]
    return float("inf") if run <= 0 else (second[1] - first[1]) / run
