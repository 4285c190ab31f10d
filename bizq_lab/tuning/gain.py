"""What a proposal gains over what runs now: paired where the arms did the same tasks. Proposes nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from bizq_lab.analysis.clusters import read_clusters
from bizq_lab.analysis.contrast import Sample
from bizq_lab.analysis.metrics import METRICS
from bizq_lab.core.estimate import Estimate
from bizq_lab.stats.means import paired_difference
from bizq_lab.stats.tails import normal_quantile
from bizq_lab.stats.types import Floats, Moments

if TYPE_CHECKING:
    from bizq_lab.analysis.cells import Window
    from bizq_lab.store import Log
    from bizq_lab.tuning.options import TaskEvidence

FEW = 2
ROUNDING = 1e-12


class PairedSums:
    """The log's paired outcomes by task type, read once."""

    def __init__(self, log: Log, window: Window) -> None:
        """Read every cluster of every paired design in the window."""
        self._clusters = read_clusters(log, window, design="paired", by_rules=True, people=False)

    def samples(self, task_type: str, metric: str) -> dict[str, Sample]:
        """One metric of a task type, by arm."""
        return self._clusters.of(task_type=task_type).samples(METRICS[metric])


def gain(evidence: TaskEvidence, shares: Mapping[str, float], paired: PairedSums, *, level: float = 0.95) -> Estimate:
    """Net benefit in USD a task of `shares` over the reference shares, which are what runs now if that was measured.

    Arms that answered the same tasks are compared task by task: their difference is known better than either. Otherwise
    the arms' standard errors are added as if independent, which is too wide rather than too narrow.

    Args:
        evidence: The arms' net benefits.
        shares: By arm, summing to 1; a share of what was never measured gains nothing.
        paired: The log's paired outcomes.
        level: Coverage of the interval.
    """
    reference = evidence.reference
    moved = 1.0 if evidence.known_present is not None else sum(shares.get(arm, 0.0) for arm in evidence.measured)
    changes = {arm: shares.get(arm, 0.0) - moved * reference.get(arm, 0.0) for arm in evidence.measured}
    weights = {arm: change for arm, change in changes.items() if abs(change) > ROUNDING}
    if not weights:
        return Estimate(value=0.0, lower=0.0, upper=0.0, level=level, unit="usd", method="no change")
    by_task = _by_task(evidence, weights, paired)
    if by_task is not None:
        test = paired_difference(Moments.from_values(by_task), unit="usd", level=level)
        if math.isfinite(test.estimate.lower) or math.isfinite(test.estimate.upper):
            return test.estimate
    value = sum(change * evidence.measured[arm].worth.estimate.value for arm, change in weights.items())
    spread = math.sqrt(sum((change * evidence.measured[arm].worth.se) ** 2 for arm, change in weights.items()))
    reach = normal_quantile(0.5 + level / 2) * spread
    return Estimate(
        value=value,
        lower=value - reach,
        upper=value + reach,
        level=level,
        unit="usd",
        n=min(evidence.measured[arm].cell.clusters for arm in weights),
        method="difference of net benefits, arms independent",
    )


def total(gains: Sequence[tuple[Estimate, float]], *, level: float = 0.95) -> Estimate:
    """Sum of independent gains, each times its volume."""
    value = sum(gain.value * volume for gain, volume in gains)
    reach = math.sqrt(sum(((gain.upper - gain.lower) / 2 * volume) ** 2 for gain, volume in gains))
    return Estimate(
        value=value,
        lower=value - reach,
        upper=value + reach,
        level=level,
        unit="usd",
        n=sum(gain.n for gain, _ in gains),
        method="sum over task types",
    )


def _by_task(evidence: TaskEvidence, weights: Mapping[str, float], paired: PairedSums) -> Floats | None:
    """The change in net benefit on each task that all arms of the change answered; None where there are too few."""
    measure = next(iter(evidence.measured.values())).worth.measure
    gains, costs = paired.samples(evidence.task_type, measure), paired.samples(evidence.task_type, "cost")
    if any(arm not in gains or arm not in costs for arm in weights):
        return None
    common = reduce(np.intersect1d, [known[arm].ids for arm in weights for known in (gains, costs)])
    everything = max(evidence.measured[arm].cell.clusters for arm in weights)
    if common.size < max(FEW, everything // 2):
        return None
    return sum(
        (
            change * (evidence.value_usd * gains[arm].averaged(common).total - costs[arm].averaged(common).total)
            for arm, change in weights.items()
        ),
        start=0.0 * gains[next(iter(weights))].averaged(common).total,
    )
