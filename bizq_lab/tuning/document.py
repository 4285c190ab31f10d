"""A proposal as the next routing config: weights, salts, arms, evidence rows (S32). Decides nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bizq_lab import __version__
from bizq_lab.config import EvidenceRow, RoutingConfig, TaskRouting
from bizq_lab.core.ids import derived_id

if TYPE_CHECKING:
    from datetime import date

    from bizq_lab.catalog import Catalog
    from bizq_lab.config import ArmSpec
    from bizq_lab.core.estimate import Estimate
    from bizq_lab.tuning.options import Measured, TaskEvidence

PRODUCER = f"bizq_lab {__version__} tune"


def write_config(
    present: RoutingConfig | None,
    catalog: Catalog,
    *,
    arms: Mapping[str, ArmSpec],
    plan: Mapping[str, Mapping[str, int]],
    evidence: Sequence[TaskEvidence],
    as_of: date,
) -> RoutingConfig:
    """The next version of what runs now.

    Args:
        present: What runs now; its task routings stay where the plan says nothing.
        catalog: Its versions are recorded.
        arms: Arm specifications.
        plan: New integer percent by arm, for the task types that move.
        evidence: What was measured.
        as_of: The date the config carries.
    """
    base = (
        present if present is not None else RoutingConfig.start(catalog, arms=arms, as_of=as_of, produced_by=PRODUCER)
    )
    tasks = {**base.tasks, **{name: _routing(base.tasks.get(name), name, weights) for name, weights in plan.items()}}
    rows = tuple(row for e in evidence for m in e.measured.values() for row in _evidence_rows(e, m))
    last = max((int(m.cell.row["last_us"]) for e in evidence for m in e.measured.values()), default=0)
    count = sum(m.cell.n for e in evidence for m in e.measured.values())
    changes = {
        "catalog": catalog.name,
        "catalog_version": catalog.version,
        "price_version": catalog.price_version,
        "produced_by": PRODUCER,
        "as_of": as_of,
        "log_snapshot": f"{count} outcomes to {last}" if count else "",
        "arms": dict(arms) or dict(base.arms),
        "tasks": tasks,
        "evidence": rows,
    }
    changes["parent"] = present.hash if present is not None else ""
    return base.evolve(**changes)


def _routing(present: TaskRouting | None, task_type: str, weights: Mapping[str, int]) -> TaskRouting:
    """New weights; the salt stays, so that raising a weight moves no unit out of its arm."""
    routing = present if present is not None else TaskRouting()
    salt = routing.salt or derived_id("salt", task_type)
    return routing.model_copy(update={"weights": dict(weights), "salt": salt})


def _evidence_rows(e: TaskEvidence, measured: Measured) -> list[EvidenceRow]:
    figures = {
        "success": measured.success,
        "quality": measured.quality,
        "cost_usd": measured.cost_usd,
        "net_benefit_usd": measured.worth.estimate,
        "latency_s": measured.latency_s,
    }
    design = "paired" if measured.cell.row["paired"] == measured.cell.n else ""
    return [_evidence_row(e.task_type, measured.arm, name, value, design) for name, value in figures.items() if value]


def _evidence_row(task_type: str, arm: str, metric: str, estimate: Estimate, design: str) -> EvidenceRow:
    return EvidenceRow(
        task_type=task_type,
        arm=arm,
        metric=metric,
        value=estimate.value,
        lower=estimate.lower if math.isfinite(estimate.lower) else None,
        upper=estimate.upper if math.isfinite(estimate.upper) else None,
        n=estimate.n,
        method=f"{estimate.method}, {estimate.level:.0%} interval",
        design=design,
    )
