"""Cost against gain of one task type's arms: who is dominated, what the next step costs, who is on the frontier.

Knows points and cells, no SQL. Point estimates alone overstate how sure a frontier is, so its membership is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
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


def frontier_shares(cells: Mapping[str, Cell], measure: str, *, seed: int) -> dict[str, float]:
    """How often each arm is on the cost-gain frontier when costs and gains are drawn anew from their joint spread.

    A parametric bootstrap from the cells' sums: an arm's mean gain and cost are jointly normal over its clusters, and
    arms are independent. An arm with fewer than two clusters, or an unknown price, makes the question void.

    Args:
        cells: By arm.
        measure: `quality` or `success`.
        seed: Of the draws.

    Source:
        Efron & Tibshirani 1993, ch. 6 (parametric bootstrap).
    """
    known = [cell for cell in cells.values() if cell.clusters >= FEW and cell.row["cost_n"] == cell.n]
    if len(known) < len(cells) or not known:
        return {}
    cost, gain = _means_and_roots(known, measure)
    noise = _noise(seed, len(known))
    costs = cost[0] + cost[1] * noise[0]
    gains = gain[0] + gain[1] * noise[0] + gain[2] * noise[1]
    return dict(zip(cells, _efficient(costs, gains).mean(axis=0).tolist(), strict=True))


@lru_cache(maxsize=4)
def _noise(seed: int, arms: int) -> Floats:
    """Shape (2, draws, arms). The same for every task type, so drawn once: some have five hundred of them."""
    noise = np.random.default_rng(seed).standard_normal((2, DRAWS, arms))
    noise.setflags(write=False)
    return noise


def _means_and_roots(cells: Sequence[Cell], measure: str) -> tuple[Floats, Floats]:
    """Shapes (2, arms) and (3, arms). Mean cost and gain, each followed by its row of the root of their covariance."""
    costs, gains = [], []
    for cell in cells:
        row, n = cell.row, cell.n
        scale = cell.clusters / ((cell.clusters - 1) * n**4)
        cc, gg, cg = (_residual(row, n, x, y) * scale for x, y in (("cost",) * 2, (measure,) * 2, (measure, "cost")))
        root = math.sqrt(max(cc, 0.0))
        shared = cg / root if root else 0.0
        costs.append((row["cost"] / n, root))
        gains.append((row[measure] / n, shared, math.sqrt(max(gg - shared * shared, 0.0))))
    return np.array(costs).T / METRICS["cost"].per_unit, np.array(gains).T / METRICS[measure].per_unit


def _residual(row: Mapping[str, int], n: int, x: str, y: str) -> int:
    """Over clusters, the sum of products of x and y less their means times the decisions, in n-ths of n-ths."""
    one, two = row[x], row[y]
    return n * n * row[f"{x}_{y}"] - n * (one * row[f"n_{y}"] + two * row[f"n_{x}"]) + one * two * row["n_n"]


def _efficient(cost: Floats, gain: Floats) -> NDArray[np.bool_]:
    """Shape (draws, arms). Whether no arm of the draw costs as little and gives as much, and is better in one."""
    # From the cheapest: an arm is efficient if all before it give less. Equal costs are ordered by their gains.
    order = np.argsort(cost, axis=1)
    price = np.take_along_axis(cost, order, 1)
    if (price[:, 1:] == price[:, :-1]).any():
        return _efficient_with_ties(cost, gain)
    merit = np.take_along_axis(gain, order, 1)
    ahead = np.ones(cost.shape, dtype=np.bool_)
    ahead[:, 1:] = merit[:, 1:] > np.maximum.accumulate(merit, axis=1)[:, :-1]
    found = np.empty_like(ahead)
    np.put_along_axis(found, order, ahead, 1)
    return found


def _efficient_with_ties(cost: Floats, gain: Floats) -> NDArray[np.bool_]:
    """The same by its definition, for prices that do not vary."""
    no_dearer, no_worse = cost[:, None, :] <= cost[:, :, None], gain[:, None, :] >= gain[:, :, None]
    better = (cost[:, None, :] < cost[:, :, None]) | (gain[:, None, :] > gain[:, :, None])
    return np.logical_not((no_dearer & no_worse & better).any(axis=2))
