"""Cost against gain of one task type's arms: who is dominated, what the next step costs, who is on the frontier.

Knows points and cells, no SQL. Point estimates alone overstate how sure a frontier is, so its membership is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

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
    draws = np.stack([_drawn(cell, measure, rng) for cell in known.values()])  # (arms, draws, cost and gain)
    cost, gain = draws[..., 0], draws[..., 1]
    no_dearer = cost[None, :, :] <= cost[:, None, :]
    no_worse = gain[None, :, :] >= gain[:, None, :]
    better = (cost[None, :, :] < cost[:, None, :]) | (gain[None, :, :] > gain[:, None, :])
    rivals = np.count_nonzero(no_dearer & no_worse & better, axis=1)
    return {arm: float((rivals[place] == 0).mean()) for place, arm in enumerate(known)}


def _drawn(cell: Cell, measure: str, rng: np.random.Generator) -> Floats:
    """Shape (draws, 2). Mean cost and mean gain."""
    row, units = cell.row, (float(METRICS["cost"].factor), float(METRICS[measure].factor))
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
    return np.asarray((means + drawn) * np.array(units), dtype=np.float64)
