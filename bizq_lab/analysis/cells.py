"""Sufficient statistics of the log's cells, read in one pass, and what they determine. Knows no question.

A mean here is a ratio of totals over clusters: the tasks with their repeats, or the units that were assigned together.
With one decision a cluster this is the ordinary mean; with more it is honest about what was drawn together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from bizq_lab.analysis.extent import Conditions, Size, Window, groups_of, read_size
from bizq_lab.analysis.metrics import METRICS, Metric
from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import NotEnoughData
from bizq_lab.stats.means import mean as mean_of
from bizq_lab.stats.proportions import wilson, wilson_bounds
from bizq_lab.stats.ratios import ratio
from bizq_lab.stats.tails import normal_quantile, t_quantile
from bizq_lab.stats.types import CrossMoments, Moments, Tally

if TYPE_CHECKING:
    from bizq_lab.store import Log

__all__ = ["Cell", "Window", "read_cells"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell's exact sums, as `cells.sql` returns them."""

    row: Mapping[str, Any]
    size: Size | None = None

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """(task type, arm, model, workspace, day); a key that was not asked for is empty."""
        row = self.row
        return row["task_type"], row["arm"], row["model"], row["workspace_id"], row["day"]

    @property
    def task_type(self) -> str:
        """Task type."""
        return str(self.row["task_type"])

    @property
    def arm(self) -> str:
        """Arm id, or the model's key where the rules chose."""
        return str(self.row["arm"])

    @property
    def model(self) -> str:
        """Model key."""
        return str(self.row["model"])

    @property
    def n(self) -> int:
        """Outcomes."""
        return int(self.row["n"])

    @property
    def clusters(self) -> int:
        """What varies independently in the sums: tasks or assignment units, or random groups of them."""
        return int(self.row["clusters"])

    @property
    def units(self) -> int:
        """Independent units: tasks, or assignment units; estimated where they were read in random groups."""
        return self.clusters if self.size is None else self.size.units_of(self.n)

    def has(self, metric: Metric) -> bool:
        """Whether it was measured; zeros of answers that never came count only beside measurements, or alone."""
        measured = bool(self.row[metric.count])
        if metric.name == "quality" and not self.row["quality_measured"]:
            return measured and self.row["quality_n"] == self.n
        return measured

    def share(self, column: str, level: float = 0.95) -> Estimate | None:
        """A share of all outcomes, such as `failed_over`, by Wilson's interval."""
        return wilson(Tally(int(self.row[column]), self.n), level=level, unit="share") if self.n else None

    def mean(self, metric: Metric, level: float = 0.95) -> Estimate | None:
        """Mean of a metric with a cluster-robust interval; None where it was not measured.

        Source:
            Ratio of totals over clusters (Cochran 1977, ch. 6); rates: Wilson at the effective sample size, with
            Student's t for few clusters (Korn & Graubard 1998, Surv. Methodol. 24:193).
        """
        if not self.has(metric):
            return None
        if metric.name == "success":
            return self._rate(level)
        if self.clusters == self.row[metric.count]:
            return self._iid_mean(metric, level)
        try:
            estimate = ratio(self.joint(metric), level=level).estimate.over(metric.per_unit, unit=metric.unit)
        except NotEnoughData:
            return self._constant(metric, level)
        return self._within(estimate, metric.support, method="cluster-robust mean")

    def joint(self, metric: Metric) -> CrossMoments:
        """Cluster totals of a metric (x, in the log's integers) and of its count (y)."""
        x, y, row = metric.total, metric.count, self.row
        return CrossMoments(self.clusters, row[x], row[f"{x}_{x}"], row[y], row[f"{y}_{y}"], row[f"{y}_{x}"])

    def per_success(self, level: float = 0.95) -> Estimate | None:
        """USD per success by Fieller, unbounded where successes are not clearly above zero; None without success.

        Source:
            Fieller 1954; no interval is shown where neither cost nor success varied.
        """
        row, per_usd = self.row, METRICS["cost"].per_unit
        if not row["success"] or row["cost_n"] != row["n"]:
            return None
        moments = CrossMoments(
            self.clusters, row["cost"], row["cost_cost"], row["success"], row["success_success"], row["success_cost"]
        )
        try:
            estimate = ratio(moments, level=level).estimate.over(per_usd, unit="usd")
        except NotEnoughData:
            value = row["cost"] / (row["success"] * per_usd)
            estimate = Estimate(value=value, lower=-math.inf, upper=math.inf, level=level, unit="usd", n=self.clusters)
        return self._within(estimate, (0.0, math.inf), method="cost per success, Fieller")

    def _rate(self, level: float) -> Estimate:
        row, metric = self.row, METRICS["success"]
        if self.clusters == self.n:
            return wilson(Tally(int(row["success"]), self.n), level=level)
        rate = row["success"] / self.n
        effective = self._effective_n(metric, rate, level)
        low, high = wilson_bounds(rate * effective, effective, level=level)
        return Estimate(
            value=rate,
            lower=min(float(low), rate),
            upper=max(float(high), rate),
            level=level,
            unit=metric.unit,
            n=self.units,
            method="Wilson score, clustered",
        )

    def tally(self) -> Tally:
        """Successes among as many independent outcomes as would give the same precision, rounded to whole ones."""
        if self.clusters == self.n:
            return Tally(int(self.row["success"]), self.n)
        rate = self.row["success"] / self.n
        effective = max(1, math.floor(self._effective_n(METRICS["success"], rate, 0.95)))
        return Tally(round(rate * effective), effective)

    def _effective_n(self, metric: Metric, rate: float, level: float) -> float:
        """Independent decisions that would give the same precision; without spread, each cluster counts once."""
        if self.clusters < 2 or not 0.0 < rate < 1.0:  # noqa: PLR2004 - one cluster has no spread
            return float(self.clusters)
        moments = self.joint(metric)
        # of success less rate times count, a cluster, in n-ths
        variance = moments.combined(self.n, -self.row["success"]).mean_variance / (self.n * moments.y.mean) ** 2
        if variance == 0.0:
            return float(self.clusters)
        few = t_quantile(0.5 + level / 2, self.clusters - 1) / normal_quantile(0.5 + level / 2)
        return min(rate * (1.0 - rate) / variance, float(self.n)) / few**2

    def _iid_mean(self, metric: Metric, level: float) -> Estimate:
        x, n = metric.total, int(self.row[metric.count])
        if n == 1:
            return self._constant(metric, level)
        moments = Moments(n, self.row[x], self.row[f"{x}_{x}"])
        logged = mean_of(moments, level=level, support=metric.logged_support)
        estimate = logged.over(metric.per_unit, unit=metric.unit)
        return self._within(estimate, metric.support or (0.0, math.inf), method=estimate.method)

    def _constant(self, metric: Metric, level: float) -> Estimate:
        """A mean without any spread to judge it by: as wide as the metric allows, narrowing with the clusters."""
        value = self.row[metric.total] / (self.row[metric.count] * metric.per_unit)
        low, high = metric.support or (0.0, math.inf)
        if self.clusters > 1 and metric.support is not None:
            moments = Moments(self.clusters, Fraction(value) * self.clusters, Fraction(value) ** 2 * self.clusters)
            return mean_of(moments, unit=metric.unit, level=level, support=metric.support)
        return Estimate(
            value=value,
            lower=min(low, value),
            upper=max(high, value),
            level=level,
            unit=metric.unit,
            n=self.clusters,
            method="no spread observed",
        )

    def _within(self, estimate: Estimate, support: tuple[float, float] | None, *, method: str) -> Estimate:
        """The same estimate with its interval kept where the metric can be, and its units as n."""
        low, high = support or (0.0, math.inf)
        return replace(
            estimate,
            lower=min(max(estimate.lower, low), estimate.value),
            upper=max(min(estimate.upper, high), estimate.value),
            n=estimate.n if self.size is None else self.units,
            method=method,
        )


def read_cells(
    log: Log,
    window: Window,
    *,
    by_arm: bool = True,
    by_model: bool = True,
    by_workspace: bool = False,
    by_day: bool = False,
    served: bool = False,
    keep_default: bool = False,
    people: bool = False,
    size: Size | None = None,
    conditions: Conditions | None = None,
) -> list[Cell]:
    """Every cell of the window, in the order of its keys.

    Args:
        log: Where to read.
        window: Which part of it.
        by_arm: Tell arms apart; where the rules chose, the model stands for the arm.
        by_model: Tell models apart.
        by_workspace: Tell workspaces apart.
        by_day: Tell UTC days apart.
        served: Charge the model that answered, not the one that was assigned (S24).
        people: Also what people did with escalated tasks, as the arm `human` (S21).
        keep_default: What the rules chose stays the one arm `default`, whichever models it was.
        size: How large the window is, if the caller knows.
        conditions: Under which conditions it arose, if the caller knows; then it is read faster.
    """
    flags = {"by_arm": by_arm, "by_model": by_model, "by_workspace": by_workspace, "by_day": by_day, "served": served}
    flags |= {"keep_default": keep_default, "people": people}
    with log.held():
        size = size or read_size(log, window)
        groups = groups_of(size, many_cells=by_workspace or by_day)
        rows = log.query(
            "cells",
            **window.params(),
            **flags,
            groups=groups,
            by_rules=conditions is None or conditions.by_rules,
            drawn="both" if conditions is None else conditions.drawn,
        )
    return [Cell(row, size if groups else None) for row in rows]
