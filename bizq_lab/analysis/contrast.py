"""One metric, two arms: which procedure fits the design and the size, and what it says. Knows no verdict and no SQL.

Charged to the assigned arm. Paired: the repeats of a task are averaged first, and only tasks that both arms answered
count. Otherwise observations are clustered by assignment unit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bizq_lab.analysis.extent import Size
from bizq_lab.analysis.metrics import Metric
from bizq_lab.core.decision import Design
from bizq_lab.core.estimate import Caveat, Estimate
from bizq_lab.errors import NotEnoughData
from bizq_lab.stats.clusters import ClusterSums, cluster_difference, cluster_mean
from bizq_lab.stats.means import mean, paired_difference, welch_difference
from bizq_lab.stats.paired import mcnemar
from bizq_lab.stats.proportions import miettinen_nurminen_difference, wilson
from bizq_lab.stats.types import Floats, Moments, PairedTally, Tally, Test

EXACT_FROM, EXACT_BELOW = 6, 10  # pairs; with fewer than 6 no permutation could reject anything at 5 %
TOO_FEW = Caveat(code="too_few", message="Too few independent observations to judge any spread")


@dataclass(frozen=True, eq=False)
class Sample:
    """One metric of one arm, a row for each cluster that has it.

    Attributes:
        ids: Shape (g,). Clusters, each once: tasks, or assignment units.
        n: Shape (g,). Observations in each.
        total: Shape (g,). Sums, in the metric's unit.
        size: How large the log is, where the clusters are random groups of units; None where they are the units.
    """

    ids: NDArray[Any]
    n: Floats
    total: Floats
    size: Size | None = None

    @property
    def units(self) -> int:
        """Independent units: the clusters, or about how many the random groups hold."""
        return self.clusters if self.size is None else self.size.units_of(int(self.n.sum()))

    @property
    def clusters(self) -> int:
        """How many clusters."""
        return int(self.ids.size)

    @property
    def means(self) -> Floats:
        """Each cluster's mean."""
        return np.asarray(self.total / self.n, dtype=np.float64)

    @property
    def singletons(self) -> bool:
        """Whether every cluster is one observation."""
        return bool((self.n == 1).all())

    @cached_property
    def sums(self) -> ClusterSums:
        """As the cluster-robust procedures take them."""
        return ClusterSums(self.ids, self.n, self.total)

    def shares(self, other: Sample) -> bool:
        """Whether some cluster is in both."""
        return bool(np.isin(self.ids, other.ids, assume_unique=True).any())

    def averaged(self, ids: NDArray[Any]) -> Sample:
        """These clusters, in this order, each as its mean and counting once."""
        order = np.argsort(self.ids)
        return Sample(ids, np.ones(ids.size), self.means[order[np.searchsorted(self.ids, ids, sorter=order)]])


def complete_pairs(treatment: Sample, control: Sample) -> tuple[Sample, Sample]:
    """The tasks that both arms answered, each as the mean of its repeats, in one order."""
    both = np.intersect1d(treatment.ids, control.ids, assume_unique=True)
    return treatment.averaged(both), control.averaged(both)


def contrast(metric: Metric, treatment: Sample, control: Sample, *, design: Design, level: float) -> Test:
    """Difference of a metric, treatment minus control, by the procedure that the design and the size ask for.

    Paired success without repeats: McNemar mid-p with Tango's interval. Other paired metrics: exact permutation from 6
    to 9 tasks, else paired t over tasks. Unpaired, one observation a unit: Miettinen-Nurminen for success, Welch for
    the rest. Unpaired with several: cluster-robust (CRV1, CRV3, or permutation, by the number of units).

    Raises:
        NotEnoughData: No task was answered by both arms, or an arm is empty.
    """
    if treatment.size is not None or control.size is not None:
        return _of_groups(metric, treatment, control, level)
    if design == "paired":
        return _paired(metric, treatment, control, level)
    if not (treatment.clusters and control.clusters):
        message = f"an arm has no {metric.name} at all"
        raise NotEnoughData(message, hint="run both arms, or compare another metric")
    if min(treatment.clusters, control.clusters) < 2:  # noqa: PLR2004 - one unit has no spread
        return _uninformed(metric, treatment, control, level)
    if not (treatment.singletons and control.singletons) or treatment.shares(control):
        try:
            return cluster_difference(treatment.sums, control.sums, unit=metric.unit, level=level)
        except NotEnoughData:
            pass  # no spread between clusters, or one cluster is a whole arm: each unit counts once below
        treatment, control = treatment.averaged(treatment.ids), control.averaged(control.ids)
    if metric.name == "success" and _binary(treatment) and _binary(control):
        return miettinen_nurminen_difference(_tally(treatment), _tally(control), level=level)
    moments = Moments.from_values(treatment.total), Moments.from_values(control.total)
    return welch_difference(*moments, unit=metric.unit, level=level, support=metric.support)


def arm_mean(metric: Metric, sample: Sample, *, level: float) -> Estimate:
    """One arm's mean, with an interval that respects its clusters.

    Raises:
        NotEnoughData: The arm is empty.
    """
    if metric.name == "success" and sample.singletons and _binary(sample):
        return wilson(_tally(sample), level=level)
    if sample.clusters == 1:
        value = float(sample.total.sum() / sample.n.sum())
        low, high = metric.support or (0.0, math.inf)
        return Estimate(value=value, lower=min(low, value), upper=max(high, value), level=level, unit=metric.unit, n=1)
    try:
        estimate = cluster_mean(sample.sums, unit=metric.unit, level=level)
    except NotEnoughData:
        estimate = mean(Moments.from_values(sample.means), unit=metric.unit, level=level, support=metric.support)
    low, high = metric.support or (0.0, math.inf)
    return Estimate(
        value=estimate.value,
        lower=max(estimate.lower, low),
        upper=min(estimate.upper, high),
        level=level,
        unit=metric.unit,
        n=estimate.n if sample.size is None else sample.units,
        method=estimate.method,
    )


def _of_groups(metric: Metric, treatment: Sample, control: Sample, level: float) -> Test:
    """Thousands of random groups, which vary as clusters do and may hold units of both arms."""
    try:
        test = cluster_difference(treatment.sums, control.sums, unit=metric.unit, level=level)
    except NotEnoughData:  # every group alike: the interval rests on what the metric can be
        moments = Moments.from_values(treatment.means), Moments.from_values(control.means)
        test = welch_difference(*moments, unit=metric.unit, level=level, support=metric.support)
    method, n = f"{test.method}, random groups", treatment.units + control.units
    return replace(test, method=method, estimate=replace(test.estimate, method=method, n=n))


def _paired(metric: Metric, treatment: Sample, control: Sample, level: float) -> Test:
    once = treatment.singletons and control.singletons
    mine, theirs = complete_pairs(treatment, control)
    if not mine.clusters:
        message = f"no task was answered by both arms, so there is no paired {metric.name}"
        raise NotEnoughData(message, hint="run both arms on the same tasks")
    if metric.name == "success" and once:
        return mcnemar(_pairs(mine, theirs), level=level)
    differences = Moments.from_values(mine.total - theirs.total)
    if differences.n < 2:  # noqa: PLR2004 - one pair has no spread
        return _uninformed(metric, mine, theirs, level)
    if EXACT_FROM <= differences.n < EXACT_BELOW and differences.variance > 0.0:
        return cluster_difference(mine.sums, theirs.sums, unit=metric.unit, level=level)
    return paired_difference(differences, unit=metric.unit, level=level, support=metric.difference_support)


def _uninformed(metric: Metric, treatment: Sample, control: Sample, level: float) -> Test:
    """A difference about which nothing is known but what the metric allows."""
    value = float(treatment.total.sum() / treatment.n.sum() - control.total.sum() / control.n.sum())
    low, high = metric.difference_support or (-math.inf, math.inf)
    estimate = Estimate(
        value=value,
        lower=low,
        upper=high,
        level=level,
        unit=metric.unit,
        n=min(treatment.clusters, control.clusters),
        method="none",
    )
    return Test(estimate=estimate, p_value=1.0, statistic=0.0, df=None, method="none", caveats=(TOO_FEW,))


def _binary(sample: Sample) -> bool:
    return bool(np.isin(sample.total, (0.0, 1.0)).all())


def _tally(sample: Sample) -> Tally:
    return Tally(int(sample.total.sum()), sample.clusters)


def _pairs(treatment: Sample, control: Sample) -> PairedTally:
    mine, theirs = treatment.total > 0, control.total > 0
    return PairedTally(
        both=int((mine & theirs).sum()),
        treatment_only=int((mine & ~theirs).sum()),
        control_only=int((~mine & theirs).sum()),
        neither=int((~mine & ~theirs).sum()),
    )
