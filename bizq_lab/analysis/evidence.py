"""What routing may know of the log: history by (task type, segment, model), and orderings by value (S16, S17, S25)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from bizq_lab.analysis.cell_estimates import cost_per_success
from bizq_lab.analysis.cells import read_cells
from bizq_lab.analysis.extent import Window
from bizq_lab.analysis.metrics import METRICS
from bizq_lab.analysis.value import measure_of, shrunk_scores, worth
from bizq_lab.core.ids import digest
from bizq_lab.core.snapshot import Evidence, History
from bizq_lab.errors import InputError
from bizq_lab.stats.types import Moments

if TYPE_CHECKING:
    from bizq_lab.catalog import Catalog
    from bizq_lab.store import Log

DAY_US = 86_400_000_000
HALF_LIFE_DAYS = 30.0


def evidence(
    log: Log,
    *,
    catalog: Catalog | None = None,
    as_of_us: int | None = None,
    half_life_days: float = HALF_LIFE_DAYS,
) -> Evidence:
    """History and orderings as the snapshot of a routing decision holds them.

    Args:
        log: The log.
        catalog: Gives values and hand-made orderings; without it, models are ordered by cost per success.
        as_of_us: Ages count back from here, UTC microseconds; by default from the last decision of the log.
        half_life_days: Age at which an outcome counts half in `effective_n`.

    Raises:
        InputError: `half_life_days` is not positive.
    """
    if not half_life_days > 0:
        message = f"half_life_days == {half_life_days!r}, must be positive"
        raise InputError(message)
    half_life_us = max(1, round(half_life_days * DAY_US))
    rows = log.query("history", as_of_us=0 if as_of_us is None else as_of_us, half_life_us=half_life_us)
    if as_of_us is None and rows:
        rows = log.query("history", as_of_us=max(row["last_us"] for row in rows), half_life_us=half_life_us)
    history = {(row["task_type"], row["segment"], row["model"]): _history(row) for row in rows}
    return Evidence(
        version=digest(*(tuple(row.items()) for row in rows))[:16] if rows else "none",
        history=MappingProxyType(history),
        orderings=MappingProxyType(_orderings(log, catalog)),
    )


def _history(row: Mapping[str, Any]) -> History:
    latency = Moments(row["latency_n"], row["latency"] or 0, row["latency_latency"] or 0)
    rating = Moments(row["rating_n"], row["rating"] or 0, row["rating_rating"] or 0)
    second, star = METRICS["latency"].per_unit, METRICS["rating"].per_unit
    return History(
        n=row["n"],
        successes=row["successes"],
        quality_mean=_mean(row, "quality"),
        quality_n=row["quality_n"],
        latency_mean_s=latency.mean / second if latency.n else None,
        latency_sd_s=latency.sd / second if latency.n > 1 else None,
        latency_p95_s=None if row["latency_p95"] is None else row["latency_p95"] / 1e6,
        rating_mean=rating.mean / star if rating.n else None,
        rating_sd=rating.sd / star if rating.n > 1 else None,
        rating_n=row["rating_n"],
        cost_mean_usd=_mean(row, "cost"),
        input_tokens=_quantiles(row["input_tokens"]),
        output_tokens=_quantiles(row["output_tokens"]),
        effective_n=row["weight_ppm"] / 1e6,
    )


def _mean(row: Mapping[str, Any], name: str) -> float | None:
    metric = METRICS[name]
    return row[metric.total] / (row[metric.count] * metric.per_unit) if row[metric.count] else None


def _quantiles(values: list[int] | None) -> tuple[int, int, int] | None:
    return None if not values else (int(values[0]), int(values[1]), int(values[2]))


def _orderings(log: Log, catalog: Catalog | None) -> dict[str, tuple[str, ...]]:
    """Model keys by value for each task type; with a catalog, models without data take their hand-made place."""
    cells = [cell for cell in read_cells(log, Window(), by_arm=False) if cell.n]
    orderings = {}
    for task_type in dict.fromkeys(cell.task_type for cell in cells):
        own = {cell.model: cell for cell in cells if cell.task_type == task_type}
        if catalog is None:
            dear = {model: cost_per_success(cell) for model, cell in own.items()}
            scores = {model: -math.inf if cost is None else -cost.value for model, cost in dear.items()}
        else:
            entry, _ = catalog.task_type(task_type)
            measure = "quality" if all(measure_of(cell) == "quality" for cell in own.values()) else "success"
            found = {model: worth(cell, entry.value_usd, measure=measure) for model, cell in own.items()}
            scores = shrunk_scores(
                {model: value.estimate.value for model, value in found.items() if value is not None},
                {model: cell.units for model, cell in own.items()},
                {model: rank for rank, model in enumerate(entry.efficiency)},
            )
        orderings[task_type] = tuple(sorted(scores, key=lambda model: (-scores[model], model)))
    return orderings
