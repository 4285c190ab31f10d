"""Cost against gain of one task type's arms: who is dominated, what the next step costs, who is on the frontier.

Knows points and cells, no SQL. Point estimates alone overstate how sure a frontier is, so its membership is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bizq_lab.analysis.metrics import METRICS
from bizq_lab.stats.hull import upper_hull
from bizq_lab.stats.types import Floats

if TYPE_CHECKING:
    from bizq_lab.analysis.cells import Cell

DRAWS = 2_000
FEW = 2
_NEAR = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One arm's place on the way from the cheapest arm to the best.

    Attributes:
        icer_usd: Cost of one more unit of gain over the next cheaper efficient arm (incremental cost-effectiveness
            ratio); None for the cheapest, and for dominated arms.
        between: The two arms whose mixture gives more for the money (extended dominance), or empty.
    """

    icer_usd: float | None
    between: str


def steps(points: Mapping[str, tuple[float, float]]) -> dict[str, Step]:
    """Each arm's step, by (cost, gain); plain dominance is `value.dominated_by`.

    Source:
        Drummond et al. 2015, "Methods for the economic evaluation of health care programmes", ch. 4; extended
        dominance: Cantor 1994.
    """
    if not points:
        return {}
    costs, gains = zip(*points.values(), strict=True)
    hull = upper_hull(costs, gains)
    at = {corner: next(arm for arm, point in points.items() if point == corner) for corner in hull}
    before = dict(zip(hull[1:], hull, strict=False))
    found = {}
    for arm, point in points.items():
        if point in at:
            cheaper = before.get(point)
            ratio = None if cheaper is None else (point[0] - cheaper[0]) / (point[1] - cheaper[1])
            found[arm] = Step(icer_usd=ratio, between="")
        else:
            found[arm] = Step(icer_usd=None, between=_between(point, hull, at))
    return found


def _between(point: tuple[float, float], hull: list[tuple[float, float]], at: Mapping[tuple[float, float], str]) -> str:
    for left, right in pairwise(hull):
        if left[0] < point[0] < right[0] and point[1] > left[1] + _NEAR:
            return f"{at[left]} and {at[right]}"
    return ""


def frontier_shares(cells: Mapping[str, Cell], measure: str, *, rng: np.random.Generator) -> dict[str, float]:
    """How often each arm is on the cost-gain frontier when costs and gains are drawn anew from their joint spread.

    A parametric bootstrap from the cells' sums: an arm's mean gain and cost are jointly normal over its clusters, and
    arms are independent. An arm with fewer than two clusters, or an unknown price, makes the question void.

    Args:
        cells: By arm.
        measure: `quality` or `success`.
        rng: Seeded generator.

    Source:
        Efron & Tibshirani 1993, ch. 6 (parametric bootstrap).
    """
    known = {arm: cell for arm, cell in cells.items() if cell.clusters >= FEW and cell.row["cost_n"] == cell.n}
    if len(known) < len(cells) or not known:
        return {}
    draws = np.stack([_drawn(cell, measure, rng) for cell in known.values()], axis=1)  # (draws, arms, cost and gain)
    efficient = _efficient(draws[..., 0], draws[..., 1])
    return dict(zip(known, map(float, efficient.mean(axis=0)), strict=True))


def _efficient(cost: Floats, gain: Floats) -> NDArray[np.bool_]:
    """Shape (draws, arms). Whether no arm of the draw costs as little and gives as much, and is better in one."""
    # From the cheapest, and at one price from the best: an arm is efficient if all before it give less. Twins both are.
    order = np.lexsort((-gain, cost), axis=1)
    cost, gain = np.take_along_axis(cost, order, 1), np.take_along_axis(gain, order, 1)
    best = np.maximum.accumulate(gain, axis=1)
    ahead = np.ones(cost.shape, dtype=np.bool_)
    ahead[:, 1:] = gain[:, 1:] > best[:, :-1]
    for place in range(1, cost.shape[1]):
        twin = (cost[:, place] == cost[:, place - 1]) & (gain[:, place] == gain[:, place - 1])
        ahead[:, place] |= twin & ahead[:, place - 1]
    found = np.empty_like(ahead)
    np.put_along_axis(found, order, ahead, 1)
    return found


def _drawn(cell: Cell, measure: str, rng: np.random.Generator) -> Floats:
    """Shape (draws, 2). Mean cost and mean gain."""
    row, units = cell.row, (METRICS["cost"].per_unit, METRICS[measure].per_unit)
    totals = np.array([float(row["cost"]), float(row[measure])])
    means = totals / cell.n
    squares = np.array(
        [
            [float(row["cost_cost"]), float(row[f"{measure}_cost"])],
            [float(row[f"{measure}_cost"]), float(row[f"{measure}_{measure}"])],
        ]
    )
    joint = np.array([float(row["n_cost"]), float(row[f"n_{measure}"])])
    spread = squares - np.outer(joint, means) - np.outer(means, joint) + float(row["n_n"]) * np.outer(means, means)
    spread *= cell.clusters / (cell.clusters - 1) / cell.n**2
    drawn = rng.multivariate_normal(np.zeros(2), spread, size=DRAWS, method="eigh", check_valid="ignore")
    return np.asarray((means + drawn) / np.array(units), dtype=np.float64)
