"""Did a metric get worse, by more than tasks and days differ anyway? One p-value from two tests. Knows no threshold.

Both must be passed, so it holds wherever either does: the first is exact while all days are alike, the second learns
from the days themselves how much they differ, whatever the reason.
"""

from __future__ import annotations

from collections.abc import Sequence

from bizq_lab.analysis.cell_estimates import effective_tally
from bizq_lab.analysis.cells import Cell
from bizq_lab.analysis.daily import on_scale, value_of
from bizq_lab.analysis.metrics import Metric
from bizq_lab.errors import NotEnoughData
from bizq_lab.stats.drift import latest_against_past
from bizq_lab.stats.fisher import fisher_less
from bizq_lab.stats.ratios import ratio_difference
from bizq_lab.stats.tails import p_value

LEAST_DAYS = 3  # of a baseline: fewer do not show how much days differ


def worsened(metric: Metric, recent: Cell, before: Cell, days: Sequence[Cell]) -> float | None:
    """One-sided p-value, the larger of both tests; None where nothing ever varied.

    Args:
        metric: `success`, or one that is better when lower.
        recent: Sums of the recent window.
        before: Sums of the baseline.
        days: Sums of the baseline's days, in order.
    """
    p = _by_tasks(metric, recent, before)
    return None if p is None else max(p, _by_days(metric, recent, days))


def _by_tasks(metric: Metric, recent: Cell, before: Cell) -> float | None:
    """What tasks differ by chance, robust to clusters.

    Success by Fisher's exact test, for a slot's share of alpha lies far in the tail. The others by the difference of
    means, which is conservative there: of durations, a high mean comes with a high standard error.
    """
    if metric.name == "success":
        return fisher_less(effective_tally(recent), effective_tally(before))
    try:
        return ratio_difference(recent.joint(metric), before.joint(metric), alternative="greater").p_value
    except NotEnoughData:
        return None


def _by_days(metric: Metric, recent: Cell, days: Sequence[Cell]) -> float:
    """What one day differs from the next; 1 where there are too few of them to say."""
    measured = [cell for cell in (*days, recent) if cell.has(metric)]
    if metric.support is None:
        measured = [cell for cell in measured if value_of(cell, metric) > 0]
    if len(measured) <= LEAST_DAYS or measured[-1] is not recent:
        return 1.0
    sizes = [int(cell.row[metric.count]) for cell in measured]
    scaled, least = on_scale([value_of(cell, metric) for cell in measured], sizes, metric)
    z, df = latest_against_past(scaled, sizes, least_sd=least)
    return p_value(z, df, "less" if metric.higher_is_better else "greater")
