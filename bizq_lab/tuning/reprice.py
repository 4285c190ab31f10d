"""The same evidence under another price book: logged tokens at today's prices, no new data. Proposes nothing.

Cost is linear in tokens, so an arm's mean cost under new prices is exact; its interval keeps the relative width that
was observed, and net benefit moves by what the cost does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bizq_lab.core.estimate import Estimate
from bizq_lab.core.model import Price
from bizq_lab.errors import PriceMissing

if TYPE_CHECKING:
    from bizq_lab.analysis.cells import Window
    from bizq_lab.catalog import Catalog
    from bizq_lab.store import Log
    from bizq_lab.tuning.options import Measured, TaskEvidence

NANO = 1e9


def repriced(found: Sequence[TaskEvidence], log: Log, catalog: Catalog, window: Window) -> list[TaskEvidence]:
    """Every arm's cost and net benefit at the catalog's prices.

    Args:
        found: As measured.
        log: Holds each call's tokens.
        catalog: Holds the prices.
        window: Which part of the log.

    Raises:
        PriceMissing: A model that was called has no price in the catalog, or an arm's calls are not in the log.
    """
    params = {name: value for name, value in window.params().items() if name != "workspace_id"}
    calls: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in log.query("arm_calls", **params):
        calls.setdefault((row["task_type"], row["arm"]), []).append(row)
    return [
        replace(
            e,
            measured={
                arm: _at(m, e.task_type, calls.get((e.task_type, arm), []), catalog) for arm, m in e.measured.items()
            },
        )
        for e in found
    ]


def _at(measured: Measured, task_type: str, calls: Sequence[Mapping[str, Any]], catalog: Catalog) -> Measured:
    logged = sum(int(row["cost"]) for row in calls)
    if not calls or (logged == 0 and measured.cost_usd.value > 0.0):
        message = f"the log holds no priced call of {measured.arm!r} at {task_type!r}, so it cannot be priced anew"
        raise PriceMissing(message, hint="tune without reprice, or run the arm through this log")
    change = sum(_nano_usd(row, catalog) for row in calls) / NANO / measured.cell.n - measured.cost_usd.value
    factor = 1.0 + change / measured.cost_usd.value if measured.cost_usd.value > 0.0 else 1.0
    worth = measured.worth
    spread = abs(factor - 1.0) * (measured.cost_usd.upper - measured.cost_usd.value)
    return replace(
        measured,
        cost_usd=_scaled(measured.cost_usd, factor, change),
        worth=replace(
            worth,
            estimate=replace(
                worth.estimate,
                value=worth.estimate.value - change,
                lower=worth.estimate.lower - change - spread,
                upper=worth.estimate.upper - change + spread,
                method=f"{worth.estimate.method}, repriced",
            ),
            se=worth.se + spread,
        ),
    )


def _nano_usd(row: Mapping[str, Any], catalog: Catalog) -> float:
    """These calls at the catalog's prices."""
    price: Price = catalog.price(row["model"])
    cost = price.cost_nano_usd(
        row["input_tokens"],
        row["output_tokens"],
        cached_input_tokens=row["cached_tokens"],
        core_seconds=row["core_us"] / 1e6,
    )
    if cost is None:
        message = f"{row['model']!r} has no price, so its calls cannot be priced anew"
        raise PriceMissing(message, hint="give it a price in the catalog: bizq-lab catalog refresh")
    return float(cost)


def _scaled(cost: Estimate, factor: float, change: float) -> Estimate:
    if cost.value <= 0.0:
        return replace(cost, value=max(cost.value + change, 0.0), lower=0.0, upper=max(cost.upper + change, 0.0))
    method = f"{cost.method}, repriced"
    return replace(cost, value=cost.value * factor, lower=cost.lower * factor, upper=cost.upper * factor, method=method)
