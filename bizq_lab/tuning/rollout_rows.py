"""A rollout's rows of the log as the arrays that its guardrails are read from. Decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bizq_lab.core.seeded import US_PER_S
from bizq_lab.tuning.guardrails import Exposures, Metric

if TYPE_CHECKING:
    from bizq_lab.store import Log
    from bizq_lab.tuning.rollout_plan import Rollout

US_PER_DAY = 86_400 * US_PER_S
_SUMS: dict[Metric, tuple[str, str, float]] = {
    "quality": ("quality", "quality_n", 1e-6),
    "failures": ("failures", "n", 1.0),
    "latency": ("latency", "latency_n", 1e-6),
    "cost": ("cost", "cost_n", 1e-9),
}


def read_exposures(log: Log, rollout: Rollout, *, now_us: int) -> Exposures:
    """What every unit met so far, at each stage of this rollout."""
    rows = log.query(
        "rollout",
        task_type=rollout.task_type,
        arm=rollout.arm,
        stage=rollout.label(0).removesuffix("0"),
        overdue_us=now_us - round(rollout.overdue_s * US_PER_S),
    )
    units = {unit: code for code, unit in enumerate(dict.fromkeys(row["unit"] for row in rows))}
    stages = {stage: code for code, stage in enumerate(dict.fromkeys(row["stage"] for row in rows))}
    return Exposures(
        unit=np.array([units[row["unit"]] for row in rows], dtype=np.int64),
        stage=np.array([stages[row["stage"]] for row in rows], dtype=np.int64),
        treated=np.array([row["treated"] for row in rows], dtype=np.bool_),
        totals={
            metric: np.array([float(row[total]) * unit for row in rows]) for metric, (total, _, unit) in _SUMS.items()
        },
        counts={metric: np.array([float(row[count]) for row in rows]) for metric, (_, count, _) in _SUMS.items()},
        first_day=np.array(
            [-1 if row["first_us"] is None else int(row["first_us"]) // US_PER_DAY for row in rows], dtype=np.int64
        ),
        promised=np.array([float(row["promised_ppb"] or 0) / 1e9 for row in rows]),
    )
