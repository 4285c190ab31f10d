"""Values of policies put together: the difference of two on one log, and a mean over parts of the traffic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import InputError
from bizq_lab.stats.importance import clustered_se
from bizq_lab.stats.off_policy import Clusters, PolicyValue
from bizq_lab.stats.skewness import cluster_sums, leaning_bounds
from bizq_lab.stats.tails import need, wald
from bizq_lab.stats.types import Test

_TOLERANCE = 1e-12


def value_difference(
    treatment: PolicyValue,
    control: PolicyValue,
    *,
    null: float = 0.0,
    unit: str = "",
    level: float = 0.95,
) -> Test:
    """Difference of two policies' values on the same log; their covariance makes it sharper than two intervals.

    Raises:
        NotEnoughData: Fewer than two decisions.
        InputError: Values of different logs, or policies that never differ.

    Source:
        Delta method on the difference of influence values.
    """
    if treatment.influence.shape != control.influence.shape:
        message = "the two values come from different logs"
        raise InputError(message)
    groups = treatment.clusters
    influence = treatment.influence - control.influence
    se = clustered_se(influence, groups, n=treatment.decisions)
    if se <= 0:
        message = "the two policies earn the same on every decision, so there is nothing to compare"
        raise InputError(message)
    units = influence.size if groups is None else np.unique(groups).size
    value = treatment.estimate.value - control.estimate.value
    sizes = [value.estimate.ess for value in (treatment, control) if value.estimate.ess is not None]
    df = max(min([float(units), *sizes]) - 1, 1.0)
    test = wald(value, se, df=df, n=units, method="policy value difference", unit=unit, null=null, level=level)
    lower, upper = leaning_bounds(value, se, cluster_sums(influence, groups), df=df, level=level)
    return replace(test, estimate=replace(test.estimate, lower=lower, upper=upper))


def mixture(parts: Sequence[tuple[float, PolicyValue]], *, method: str = "", level: float = 0.95) -> PolicyValue:
    """Weighted sum of values of disjoint parts of the traffic; a cluster that crosses parts varies with all of them.

    Args:
        parts: (share, value); shares sum to 1 for a mean over all traffic.
        method: Name of the estimate; by default the first part's own.
        level: Coverage of the interval.

    Raises:
        NotEnoughData: Fewer than two clusters over all parts.

    Source:
        Delta method; effective size: Kish 1965.
    """
    decisions = sum(value.decisions for _, value in parts)
    influence = np.concatenate([share * decisions / value.decisions * value.influence for share, value in parts])
    clusters = np.concatenate([_labels(position, value) for position, (_, value) in enumerate(parts)])
    units = int(np.unique(clusters).size)
    need(units, 2, "clusters")
    total, low, high = (
        sum(share * float(getattr(value.estimate, end)) for share, value in parts)
        for end in ("value", "lower", "upper")
    )
    sizes = [(share, max(value.estimate.ess or float(value.estimate.n), 1.0)) for share, value in parts if share]
    ess = sum(share for share, _ in sizes) ** 2 / sum(share**2 / size for share, size in sizes)
    se, name, unit = (
        clustered_se(influence, clusters, n=decisions),
        parts[0][1].estimate.method,
        parts[0][1].estimate.unit,
    )
    if se > _TOLERANCE * max(abs(total), _TOLERANCE):
        df = max(min(float(units), ess) - 1, 1.0)
        low, high = leaning_bounds(total, se, cluster_sums(influence, clusters), df=df, level=level)
    found = Estimate(value=total, lower=low, upper=high, level=level, unit=unit, n=units, method=method or name)
    return PolicyValue(
        estimate=replace(found, ess=ess), se=se, influence=influence, decisions=decisions, clusters=clusters
    )


def _labels(position: int, value: PolicyValue) -> Clusters:
    if value.clusters is None:
        return np.array([f"{position}/{entry}" for entry in range(value.influence.size)])
    return np.asarray(value.clusters).astype(str)
