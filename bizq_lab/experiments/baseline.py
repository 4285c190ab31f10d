"""What is known of a metric before an experiment: its mean, its spread, its likeness within a workspace. Plans nothing.

From the log where it has enough of the control or of the task type; else from the catalog's priors, and it says which.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bizq_lab.analysis.metrics import Metric
from bizq_lab.stats.types import CrossMoments, Moments
from bizq_lab.store import journal_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bizq_lab.catalog import Catalog
    from bizq_lab.store import Log

ENOUGH = 20
PRIOR_CV = 1.0  # costs and latencies: about as spread as a mean is large, which is more than most are
RATING_PRIOR = (4.0, 1.2)
P95_OVER_MEAN = 2.0  # of a log-normal with sigma 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What a plan takes for granted.

    Attributes:
        mean: Of the control, in the metric's unit.
        sd: Standard deviation of one outcome.
        icc: Correlation of two outcomes of one workspace, in [0, 1].
        source: `log` or `prior`.
        n: Outcomes it rests on.
        workspaces: Distinct workspaces seen; 0 without a log.
        per_minute: Decisions of this task type a minute; 0 where unknown.
        latency_s: Mean seconds of an execution.
    """

    mean: float
    sd: float
    icc: float = 0.0
    source: str = "prior"
    n: int = 0
    workspaces: int = 0
    per_minute: float = 0.0
    latency_s: float

    def design_effect(self, tasks_per_workspace: float) -> float:
        """Variance inflation when a workspace sends so many tasks (Kish 1965): `1 + (m - 1) icc`."""
        return 1.0 + max(tasks_per_workspace - 1.0, 0.0) * self.icc


def baseline(
    log: Log, catalog: Catalog, *, task_type: str, control: str, model: str, metric: Metric, mean_cost_usd: float | None
) -> Baseline:
    """What the log, or else the catalog, says of a metric of the control.

    Args:
        log: May be empty.
        catalog: Priors of quality and latency.
        task_type: What is compared.
        control: Arm id; other arms stand in where it has too little.
        model: The catalog's key of the control's model, for priors.
        metric: Which metric.
        mean_cost_usd: Quoted cost of an execution; None when unknown.
    """
    rows = _rows(log, task_type)
    prior = _prior(catalog, task_type, model, metric, mean_cost_usd)
    total = sum(row["n"] for row in rows)
    if not rows or not total:
        return prior
    span_us = max(row["last_us"] for row in rows) - min(row["first_us"] for row in rows)
    seen = replace(
        prior,
        workspaces=max(row["clusters"] for row in rows),
        per_minute=total / (span_us / 6e7) if span_us > 0 else 0.0,
        latency_s=_mean(rows, "latency", 1e-6) or prior.latency_s,
    )
    own = [
        row
        for row in rows
        if row["arm"] == control and row[metric.count if metric.count != "n" else "success_n"] >= ENOUGH
    ]
    measured = max(own or rows, key=lambda row: row[f"{metric.name}_n"])
    return _measured(measured, metric, seen)


def _rows(log: Log, task_type: str) -> Sequence[Mapping[str, Any]]:
    """None where nothing was ever logged: the first plan comes before the first task, and leaves no file behind."""
    written = log.path.exists() or journal_folder(log.path).exists()
    return log.query("baseline", task_type=task_type, from_us=None) if written else []


def _measured(row: Mapping[str, Any], metric: Metric, prior: Baseline) -> Baseline:
    name, n = metric.name, row[f"{metric.name}_n"]
    if n < ENOUGH:
        return prior
    moments = Moments(n, row[name], row[f"{name}_sq"])
    mean, sd = moments.mean / metric.per_unit, moments.sd / metric.per_unit
    joint = CrossMoments(
        row["clusters"], row[name], row[f"{name}_{name}"], n, row[f"{name}_n_{name}_n"], row[f"{name}_{name}_n"]
    )
    return replace(prior, mean=mean, sd=sd or prior.sd, icc=_icc(joint, moments), source="log", n=n)


def _icc(joint: CrossMoments, rows: Moments) -> float:
    """Intraclass correlation from the inflation that was observed, at the mean size that inflates (Kish 1965)."""
    if joint.n < 2 or rows.variance <= 0 or joint.n == rows.n:  # noqa: PLR2004 - one workspace has no spread
        return 0.0
    spread = float(joint.combined(1, -rows.mean).total_sq) * joint.n / (joint.n - 1)
    inflation = spread / (rows.variance * rows.n)
    size = float(joint.y_total_sq) / rows.n
    return min(max((inflation - 1) / (size - 1), 0.0), 1.0) if size > 1 else 0.0


def _prior(catalog: Catalog, task_type: str, key: str, metric: Metric, cost_usd: float | None) -> Baseline:
    entry, _ = catalog.task_type(task_type)
    model = catalog.models.get(key) or catalog.resolve(entry.model)
    rate, latency_s = min(max(model.quality_prior, 0.02), 0.98), model.latency_prior_s / P95_OVER_MEAN
    mean, sd = {
        "success": (rate, math.sqrt(rate * (1 - rate))),
        "quality": (rate, math.sqrt(rate * (1 - rate))),  # the most that a mean in [0, 1] allows
        "latency": (latency_s, PRIOR_CV * latency_s),
        "cost": (cost_usd or 0.0, PRIOR_CV * (cost_usd or 0.0)),
        "rating": RATING_PRIOR,
    }[metric.name]
    return Baseline(mean=mean, sd=sd, latency_s=latency_s)


def _mean(rows: Sequence[Mapping[str, Any]], name: str, factor: float) -> float | None:
    n = sum(row[f"{name}_n"] for row in rows)
    return float(sum(row[name] for row in rows)) * factor / n if n else None
