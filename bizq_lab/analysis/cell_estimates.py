"""Means, rates and costs of a success with their intervals, of many cells at a time. Knows no SQL and no question.

A mean here is a ratio of totals over clusters. With one decision a cluster this is the ordinary mean; with more it is
honest about what was drawn together. Sums stay integers up to the one division that each result is rounded by.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bizq_lab.analysis.metrics import METRICS, Metric
from bizq_lab.core.estimate import Estimate
from bizq_lab.stats.means import t_bounds
from bizq_lab.stats.proportions import wilson, wilson_bounds
from bizq_lab.stats.ratios import fieller_bounds
from bizq_lab.stats.tails import constant_reach, normal_quantile, t_quantiles
from bizq_lab.stats.types import Tally

if TYPE_CHECKING:
    from bizq_lab.analysis.cells import Cell
    from bizq_lab.stats.types import Floats

FEW = 2  # clusters, below which nothing shows spread
Sums = tuple[int, ...]  # clusters, x, x*x, y, y*y, x*y


def mean(cell: Cell, metric: Metric, level: float = 0.95) -> Estimate | None:
    """Mean of a metric with a cluster-robust interval; None where it was not measured. See `means`."""
    return means([cell], metric, level)[0]


def cost_per_success(cell: Cell, level: float = 0.95) -> Estimate | None:
    """USD per success; None without a success or where a cost is unknown. See `costs_per_success`."""
    return costs_per_success([cell], level)[0]


def share(cell: Cell, column: str, level: float = 0.95) -> Estimate | None:
    """A share of all outcomes, such as `failed_over`, by Wilson's interval."""
    return wilson(Tally(int(cell.row[column]), cell.n), level=level, unit="share") if cell.n else None


def effective_tally(cell: Cell) -> Tally:
    """Successes among as many independent outcomes as would give the same precision, rounded to whole ones."""
    if cell.clusters == cell.n:
        return Tally(int(cell.row["success"]), cell.n)
    effective = max(1, math.floor(_effective_n(cell, 0.95)))
    return Tally(round(cell.row["success"] / cell.n * effective), effective)


def means(cells: Sequence[Cell], metric: Metric, level: float = 0.95) -> list[Estimate | None]:
    """Mean of a metric in each cell, with a cluster-robust interval; None where it was not measured.

    Source:
        Ratio of totals over clusters (Cochran 1977, ch. 6); rates: Wilson at the effective sample size, with
        Student's t for few clusters (Korn & Graubard 1998, Surv. Methodol. 24:193).
    """
    found: list[Estimate | None] = [None] * len(cells)
    alike: dict[_Procedure, list[int]] = {}
    for place, cell in enumerate(cells):
        if cell.has(metric):
            alike.setdefault(_procedure(cell, metric), []).append(place)
    for procedure, places in alike.items():
        for place, estimate in zip(places, procedure([cells[i] for i in places], metric, level), strict=True):
            found[place] = estimate
    return found


def costs_per_success(cells: Sequence[Cell], level: float = 0.95) -> list[Estimate | None]:
    """USD per success, unbounded where successes are not clearly above zero; None without success or price.

    Source:
        Fieller 1954; no interval is shown where neither cost nor success varied.
    """
    found: list[Estimate | None] = [None] * len(cells)
    rows = {i: cell.row for i, cell in enumerate(cells) if cell.row["success"] and cell.row["cost_n"] == cell.n}
    columns = "cost", "cost_cost", "success", "success_success", "success_cost"
    sums = [(cells[i].clusters, *(row[name] for name in columns)) for i, row in rows.items()]
    per_usd = METRICS["cost"].per_unit
    lower, upper = ((bound / per_usd).tolist() for bound in ratio_bounds(sums, level))
    for (i, row), *bounds in zip(rows.items(), lower, upper, strict=True):
        value = row["cost"] / (row["success"] * per_usd)
        kept = _kept(value, bounds, (0.0, math.inf))
        found[i] = _estimate(value, kept, "usd", _independent(cells[i]), level, method="cost per success, Fieller")
    return found


def ratio_bounds(sums: Sequence[Sums], level: float) -> tuple[Floats, Floats]:
    """Shapes (cells,). Fieller's bounds of mean(x) / mean(y) in each cell; unbounded where nothing varied."""
    clusters = np.array([own[0] for own in sums], dtype=np.float64)
    x = np.array([x / n for n, x, *_ in sums], dtype=np.float64)
    y = np.array([y / n for n, _, _, y, *_ in sums], dtype=np.float64)
    xx = np.array([_mean_covariance(n, x, x, xx) for n, x, xx, *_ in sums], dtype=np.float64)
    yy = np.array([_mean_covariance(n, y, y, yy) for n, _, _, y, yy, _ in sums], dtype=np.float64)
    xy = np.array([_mean_covariance(n, x, y, xy) for n, x, _, y, _, xy in sums], dtype=np.float64)
    critical = t_quantiles(0.5 + level / 2, np.maximum(clusters - 1.0, 1.0))
    lower, upper = fieller_bounds((x, y), (xx, yy, xy), critical)
    still = xx + yy == 0.0
    return np.where(still, -np.inf, lower), np.where(still, np.inf, upper)


def _mean_covariance(n: int, x: int, y: int, xy: int) -> float:
    """Of two means of `n` clusters, from their exact sums; 0 for a single one."""
    return (n * xy - x * y) / (n * n * (n - 1)) if n > 1 else 0.0


_Procedure = Callable[[Sequence["Cell"], Metric, float], Iterable[Estimate]]


def _procedure(cell: Cell, metric: Metric) -> _Procedure:
    if metric.name == "success":
        return _rates if cell.clusters == cell.n else _clustered_rates
    if cell.clusters == cell.row[metric.count]:
        return _constants if cell.clusters == 1 else _plain_means
    return _ratios if _varies(cell, metric) else _constants


def _varies(cell: Cell, metric: Metric) -> bool:
    n, row = cell.clusters, cell.row
    totals = (metric.total, metric.count)
    return n >= FEW and any(n * row[f"{x}_{x}"] != row[x] ** 2 for x in totals)


def _rates(cells: Sequence[Cell], metric: Metric, level: float) -> Iterable[Estimate]:
    good, n = [cell.row["success"] for cell in cells], [cell.n for cell in cells]
    low, high = (bound.tolist() for bound in wilson_bounds(good, n, level=level))
    for x, m, *bounds in zip(good, n, low, high, strict=True):
        yield _estimate(x / m, bounds, metric.unit, m, level, method="Wilson score")


def _clustered_rates(cells: Sequence[Cell], metric: Metric, level: float) -> Iterable[Estimate]:
    rates = np.array([cell.row["success"] / cell.n for cell in cells])
    effective = np.array([_effective_n(cell, level) for cell in cells])
    low, high = (bound.tolist() for bound in wilson_bounds(rates * effective, effective, level=level))
    for cell, rate, least, most in zip(cells, rates.tolist(), low, high, strict=True):
        bounds = min(least, rate), max(most, rate)
        yield _estimate(rate, bounds, metric.unit, cell.units, level, method="Wilson score, clustered")


def _effective_n(cell: Cell, level: float) -> float:
    """Independent decisions that would give the same precision; without spread, each cluster counts once."""
    row, n, clusters, good = cell.row, cell.n, cell.clusters, cell.row["success"]
    if clusters < FEW or not 0 < good < n:
        return float(clusters)
    # Each cluster's successes less the rate times its count, in n-ths: these sum to zero.
    squares = n * n * row["success_success"] - 2 * n * good * row["n_success"] + good * good * row["n_n"]
    if squares <= 0:
        return float(clusters)
    variance = squares * clusters / ((clusters - 1) * n**4)
    few = float(t_quantiles(0.5 + level / 2, clusters - 1.0)) / normal_quantile(0.5 + level / 2)
    return float(min(good * (n - good) / (n * n) / variance, n)) / few**2


def _plain_means(cells: Sequence[Cell], metric: Metric, level: float) -> Iterable[Estimate]:
    x, n = metric.total, np.array([cell.row[metric.count] for cell in cells])
    logged = np.array([cell.row[x] / cell.clusters for cell in cells], dtype=np.float64)
    spread = [_mean_covariance(cell.clusters, cell.row[x], cell.row[x], cell.row[f"{x}_{x}"]) for cell in cells]
    bounds = t_bounds(logged, spread, n, level=level, support=metric.logged_support)
    return _in_units(cells, metric, level, bounds, method="Student t")


def _ratios(cells: Sequence[Cell], metric: Metric, level: float) -> Iterable[Estimate]:
    x, y = metric.total, metric.count
    sums = [
        (cell.clusters, row[x], row[f"{x}_{x}"], row[y], row[f"{y}_{y}"], row[f"{y}_{x}"])
        for cell in cells
        for row in [cell.row]
    ]
    return _in_units(cells, metric, level, ratio_bounds(sums, level), method="cluster-robust mean")


def _constants(cells: Sequence[Cell], metric: Metric, level: float) -> Iterable[Estimate]:
    """Means without any spread to judge them by: as wide as the metric allows, narrowing with the clusters."""
    for cell in cells:
        n, value = cell.clusters, cell.row[metric.total] / (cell.row[metric.count] * metric.per_unit)
        if n > 1 and metric.support is not None:
            low, high = constant_reach(value, n, metric.support, level)
            yield _estimate(value, (low, high), metric.unit, n, level, method="Student t")
        else:
            low, high = metric.support or (0.0, math.inf)
            bounds = min(low, value), max(high, value)
            yield _estimate(value, bounds, metric.unit, n, level, method="no spread observed")


def _in_units(
    cells: Sequence[Cell], metric: Metric, level: float, bounds: tuple[Floats, Floats], *, method: str
) -> Iterable[Estimate]:
    """From bounds in the log's integers."""
    lower, upper = ((bound / metric.per_unit).tolist() for bound in bounds)
    for cell, *own in zip(cells, lower, upper, strict=True):
        value = cell.row[metric.total] / (cell.row[metric.count] * metric.per_unit)
        kept = _kept(value, own, metric.support or (0.0, math.inf))
        yield _estimate(value, kept, metric.unit, _independent(cell), level, method=method)


def _independent(cell: Cell) -> int:
    return cell.clusters if cell.size is None else cell.units


def _kept(value: float, bounds: Sequence[float], support: tuple[float, float]) -> tuple[float, float]:
    """An interval kept where the metric can be, and around its value."""
    return min(max(bounds[0], support[0]), value), max(min(bounds[1], support[1]), value)


def _estimate(value: float, bounds: Sequence[float], unit: str, n: int, level: float, *, method: str) -> Estimate:
    lower, upper = bounds
    return Estimate(value=value, lower=lower, upper=upper, level=level, unit=unit, n=n, method=method)
