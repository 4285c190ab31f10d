"""What an arm is worth: net benefit in USD a task, and orderings shrunk to a prior while data are few. Knows no SQL.

Net benefit is `value_usd * quality - cost` (S7), linear where a ratio of quality to cost is not: means of it behave,
and an arm with a near-zero denominator cannot look best by accident.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bizq_lab.analysis.cell_estimates import Sums, mean, ratio_bounds
from bizq_lab.analysis.metrics import METRICS
from bizq_lab.core.estimate import Estimate
from bizq_lab.core.money import NANO_PER_USD
from bizq_lab.stats.tails import normal_quantile

if TYPE_CHECKING:
    from bizq_lab.analysis.cells import Cell

_MILLION, _UNITS_PER_USD = 10**6, 10**15
PRIOR_N = 20.0  # independent tasks that the hand-made ordering is worth


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """Net benefit of one arm.

    Attributes:
        estimate: USD a task, with a cluster-robust interval.
        se: Its standard error; half the interval's width in normal quantiles where no spread was observed.
        measure: `quality`, or `success` where quality was not measured on every outcome.
    """

    estimate: Estimate
    se: float
    measure: str


def measure_of(cell: Cell) -> str:
    """Which column values a result: quality if every outcome has it, else success."""
    complete = cell.has(METRICS["quality"]) and cell.row["quality_n"] == cell.n
    return "quality" if complete else "success"


def worth(cell: Cell, value_usd: float, *, measure: str | None = None, level: float = 0.95) -> Worth | None:
    """Net benefit of a cell's arm; None where some cost is unknown. See `worths`."""
    return worths([cell], [value_usd], measures=[measure or measure_of(cell)], level=level)[0]


def worths(
    cells: Sequence[Cell], values_usd: Sequence[float], *, measures: Sequence[str], level: float = 0.95
) -> list[Worth | None]:
    """Net benefit of each cell's arm; None where some cost is unknown.

    Args:
        cells: The arms' sums.
        values_usd: What a result of quality 1 is worth in each, to the nano-USD.
        measures: `quality` or `success`, of each.
        level: Coverage of the interval.

    Source:
        Net monetary benefit: Stinnett & Mullahy 1998, Med. Decis. Making 18:S68; ratio of totals over clusters.
    """
    found: list[Worth | None] = [None] * len(cells)
    sums: dict[int, Sums] = {}
    for i, (cell, value_usd, measure) in enumerate(zip(cells, values_usd, measures, strict=True)):
        if cell.n and cell.row["cost_n"] == cell.n:
            own = _net_sums(cell, value_usd, measure)
            if own is None:
                found[i] = _without_spread(cell, value_usd, measure, level)
            else:
                sums[i] = own
    bounds = ratio_bounds(list(sums.values()), level)
    for (i, own), lower, upper in zip(sums.items(), *(bound.tolist() for bound in bounds), strict=True):
        n, net = cells[i].n, own[1]
        estimate = Estimate(
            value=net / (n * _UNITS_PER_USD),
            lower=lower / _UNITS_PER_USD,
            upper=upper / _UNITS_PER_USD,
            level=level,
            unit="usd",
            n=cells[i].clusters,
            method="ratio of means, Fieller",
        )
        found[i] = Worth(estimate=estimate, se=_standard_error(own), measure=measures[i])
    return found


def _net_sums(cell: Cell, value_usd: float, measure: str) -> Sums | None:
    """Net benefits (1e-15 USD: nano-USD times millionths) and decisions over clusters; None if all are alike."""
    row, clusters = cell.row, cell.clusters
    gain, price = round(value_usd * NANO_PER_USD) * (_MILLION // METRICS[measure].per_unit), _MILLION
    cross = row[f"{measure}_cost"]
    net = gain * row[measure] - price * row["cost"]
    square = gain**2 * row[f"{measure}_{measure}"] - 2 * gain * price * cross + price**2 * row["cost_cost"]
    joint = gain * row[f"n_{measure}"] - price * row["n_cost"]
    varies = clusters * square != net * net or clusters * row["n_n"] != cell.n**2
    return (clusters, net, square, cell.n, row["n_n"], joint) if clusters > 1 and varies else None


def _standard_error(sums: Sums) -> float:
    """Of the ratio, in USD: of net benefits less the ratio times the decisions, which sum to zero over the clusters."""
    clusters, net, square, n, n_n, joint = sums
    residual = n * n * square - 2 * n * net * joint + net * net * n_n
    return math.sqrt(max(residual, 0) * clusters / ((clusters - 1) * n**4)) / _UNITS_PER_USD


def _without_spread(cell: Cell, value_usd: float, what: str, level: float) -> Worth | None:
    """Every cluster alike: the interval rests on the range of the measure; a cost that never varied is a price."""
    gain, cost = mean(cell, METRICS[what], level), mean(cell, METRICS["cost"], level)
    if gain is None or cost is None:
        return None
    dear = cost.upper if math.isfinite(cost.upper) else cost.value
    value = value_usd * gain.value - cost.value
    estimate = Estimate(
        value=value,
        lower=min(value, value_usd * gain.lower - dear),
        upper=max(value, value_usd * gain.upper - cost.lower),
        level=level,
        unit="usd",
        n=cell.units,
        method="no spread observed",
    )
    reach = (estimate.upper - estimate.lower) / 2
    return Worth(estimate=estimate, se=reach / normal_quantile(0.5 + level / 2), measure=what)


def shrunk_scores(
    values: Mapping[str, float], sizes: Mapping[str, int], prior: Mapping[str, int], *, prior_n: float = PRIOR_N
) -> dict[str, float]:
    """Scores between what was observed and what the hand-made ordering says, by how much was observed (S17).

    The prior gives the arm of rank r of m the normal score of (m - r + 1/2) / m on the scale of the observed values;
    an arm it does not name gets their mean. An arm's own n against `prior_n` weighs the two.

    Args:
        values: Observed value by arm, more is better; an arm without data is absent.
        sizes: Independent tasks by arm.
        prior: Rank by arm in the hand-made ordering, 0 is best; defines which arms exist, with `values`.
        prior_n: Independent tasks that the ordering is worth.
    """
    centre = sum(values.values()) / len(values) if values else 0.0
    spread = _spread(list(values.values())) or abs(centre) or 1.0
    ranks = sorted(set(prior.values()))
    scores = {}
    for arm in dict.fromkeys([*values, *prior]):
        believed = centre
        if arm in prior and len(ranks) > 1:
            place = (len(ranks) - ranks.index(prior[arm]) - 0.5) / len(ranks)
            believed = centre + spread * normal_quantile(place)
        weight = sizes.get(arm, 0) / (sizes.get(arm, 0) + prior_n)
        scores[arm] = weight * values.get(arm, centre) + (1.0 - weight) * believed
    return scores


def dominated_by(points: Mapping[str, tuple[float, float]]) -> dict[str, str]:
    """Which arm costs no more and gains no less than this one, and is better in one of both: by (cost, gain)."""
    found = {}
    for arm, (cost, gain) in points.items():
        rivals = [
            name
            for name, (price, merit) in points.items()
            if name != arm and price <= cost and merit >= gain and (price, merit) != (cost, gain)
        ]
        if rivals:
            found[arm] = max(rivals, key=lambda name: (points[name][1], -points[name][0], name))
    return found


def _spread(values: Sequence[float]) -> float:
    if len(values) < 2:  # noqa: PLR2004 - one value has no spread
        return 0.0
    centre = sum(values) / len(values)
    return math.sqrt(sum((v - centre) ** 2 for v in values) / (len(values) - 1))
