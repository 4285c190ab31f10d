"""Means and differences when observations come in clusters, from one row of sums a cluster. Knows no rows.

Requests of one workspace resemble each other; a test that takes them for independent finds differences that are not
there. Everything here needs only, for each cluster and arm, a count and a sum.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.stats.cluster_permutation import permutation_difference
from bizq_lab.stats.means import satterthwaite
from bizq_lab.stats.tails import need, wald
from bizq_lab.stats.types import Alternative, Floats, Test

FEW, VERY_FEW = 50, 10
_LARGEST = 1e100
Kind = Literal["auto", "crv1", "crv3", "permutation"]


@dataclass(frozen=True, slots=True, eq=False)
class ClusterSums:
    """One arm's sums, a row for each cluster that has observations in it.

    Attributes:
        ids: Shape (g,). Cluster identifiers, each once; the same cluster may appear in both arms.
        n: Shape (g,). Observations, or any denominator: with successes here, the mean is a cost per success.
        total: Shape (g,). Sum of the metric.
    """

    ids: NDArray[np.generic]
    n: Floats
    total: Floats

    def __post_init__(self) -> None:
        """Refuse ragged, repeated or non-finite rows."""
        shapes = {np.shape(self.ids), np.shape(self.n), np.shape(self.total)}
        if len(shapes) != 1 or len(next(iter(shapes))) != 1:
            message = f"ids, n and total have shapes {sorted(shapes)}, must be one shape (g,)"
            raise InputError(message)
        if not _increasing(self.ids) and np.unique(self.ids).size != self.ids.size:
            message = "a cluster appears twice in one arm"
            raise InputError(message, hint="sum each cluster's observations before calling")
        if not ((np.abs(self.total) < _LARGEST).all() and (self.n >= 0).all() and (self.n < _LARGEST).all()):
            message = "n and total must be finite, below 1e100 in size, and n not negative"
            raise InputError(message)

    @classmethod
    def of(cls, ids: ArrayLike, n: ArrayLike, total: ArrayLike) -> ClusterSums:
        """Build from any array-likes."""
        return cls(np.asarray(ids), np.asarray(n, dtype=np.float64), np.asarray(total, dtype=np.float64))

    @classmethod
    def from_values(cls, ids: ArrayLike, values: ArrayLike) -> ClusterSums:
        """Sum raw observations by their cluster."""
        unique, position = np.unique(np.asarray(ids), return_inverse=True)
        weights = np.asarray(values, dtype=np.float64)
        return cls.of(unique, np.bincount(position), np.bincount(position, weights=weights))

    @property
    def present(self) -> ClusterSums:
        """Only the clusters in which something was observed."""
        used = (self.n > 0) | (self.total != 0)
        if used.all():
            return self
        return ClusterSums(self.ids[used], self.n[used], self.total[used])

    @property
    def mean(self) -> float:
        """Ratio of the sums; raises `NotEnoughData` when nothing was observed."""
        size = float(self.n.sum())
        need(size, math.nextafter(0, 1), "observations in the arm")
        return float(self.total.sum()) / size


class _Aligned(NamedTuple):
    n1: Floats
    t1: Floats
    n0: Floats
    t0: Floats

    @property
    def treated(self) -> NDArray[np.bool_]:
        return np.asarray(
            (self.n1 > 0) | (self.t1 != 0), dtype=np.bool_
        )  # a cluster with costs but no success yet is present all the same

    @property
    def crossed(self) -> bool:
        return bool((self.treated & ((self.n0 > 0) | (self.t0 != 0))).any())


def cluster_mean(sums: ClusterSums, *, unit: str = "", level: float = 0.95) -> Estimate:
    """Mean with a cluster-robust interval.

    Raises:
        NotEnoughData: Fewer than two clusters, or no spread between them.

    Source:
        Liang & Zeger 1986, Biometrika 73:13 (CRV1); below 50 clusters the jackknife CRV3, MacKinnon, Nielsen & Webb
        2023, J. Econometrics 232:272. Student's t with clusters minus one degrees of freedom.
    """
    sums = sums.present
    clusters = sums.n.size
    need(clusters, 2, "clusters")
    few = clusters < FEW
    variance = _jackknife_one(sums) if few else _sandwich_one(sums)
    _need_spread(variance)
    return wald(
        sums.mean,
        math.sqrt(variance),
        df=clusters - 1,
        n=clusters,
        method=f"cluster-robust mean, {'CRV3' if few else 'CRV1'}",
        unit=unit,
        level=level,
    ).estimate


def cluster_difference(
    treatment: ClusterSums,
    control: ClusterSums,
    *,
    null: float = 0.0,
    unit: str = "",
    level: float = 0.95,
    alternative: Alternative = "two-sided",
    kind: Kind = "auto",
) -> Test:
    """Difference of two means with cluster-robust inference; clusters may lie within one arm or cross both.

    `auto` takes CRV1 from 50 clusters on, CRV3 below, and below 10 an exact permutation of the assignment. Clusters
    that lie within one arm count as twice the smaller arm: five treated workspaces are few, whatever the control has.

    Args:
        treatment: Sums by cluster.
        control: Sums by cluster; a shared id means the cluster has observations in both arms.
        null: Difference under the null hypothesis.
        unit: Unit of the metric.
        level: Coverage of the interval.
        alternative: Direction of the test.
        kind: Which inference.

    Raises:
        NotEnoughData: An arm without observations, fewer than two clusters (in each arm, if they do not cross), or
            no spread between clusters.

    Source:
        Liang & Zeger 1986; MacKinnon, Nielsen & Webb 2023 (CRV3); degrees of freedom: clusters minus one, or
        Satterthwaite's over the arms for CRV3 with clusters within arms; permutation: `cluster_permutation`.
    """
    treatment, control = treatment.present, control.present
    data = _aligned(treatment, control)
    value = treatment.mean - control.mean
    clusters = data.n1.size
    per_arm = treatment.n.size, control.n.size
    need(clusters if data.crossed else min(per_arm), 2, "clusters" if data.crossed else "clusters per arm")
    effective = clusters if data.crossed else 2 * min(per_arm)
    if kind == "auto":
        kind = "permutation" if clusters < VERY_FEW else "crv3" if effective < FEW else "crv1"
    if kind == "permutation":
        return permutation_difference(data, null=null, unit=unit, level=level, alternative=alternative)
    variance = _jackknife(data, value) if kind == "crv3" else _sandwich(data)
    _need_spread(variance)
    df: float = clusters - 1
    if kind == "crv3" and not data.crossed:
        df = satterthwaite((_jackknife_one(treatment), _jackknife_one(control)), (per_arm[0] - 1, per_arm[1] - 1))
    return wald(
        value,
        math.sqrt(variance),
        df=df,
        n=clusters,
        method=f"cluster-robust difference, {kind.upper()}",
        unit=unit,
        null=null,
        level=level,
        alternative=alternative,
    )


def design_effect(sizes: ArrayLike, intraclass_correlation: float) -> float:
    """Factor by which clustering inflates the variance of a mean: 1 + ((1 + cv^2) * mean size - 1) * ICC.

    Source:
        Kish 1965; unequal sizes: Eldridge, Ashby & Kerry 2006, Int. J. Epidemiol. 35:1292.
    """
    size = np.asarray(sizes, dtype=np.float64)
    need(size.size, 1, "clusters")
    return float(max(1.0 + ((size**2).sum() / size.sum() - 1.0) * intraclass_correlation, 1e-9))


def intraclass_correlation(n: ArrayLike, total: ArrayLike, total_sq: ArrayLike) -> float:
    """Share of the variance that lies between clusters, by the analysis-of-variance estimator, kept in [0, 1].

    Args:
        n: Shape (g,). Observations by cluster.
        total: Shape (g,). Sums by cluster.
        total_sq: Shape (g,). Sums of squares by cluster.

    Raises:
        NotEnoughData: Fewer than two clusters, or no cluster with two observations.

    Source:
        Donner 1986, Int. Stat. Rev. 54:67.
    """
    size, sums = np.asarray(n, dtype=np.float64), np.asarray(total, dtype=np.float64)
    clusters, count = size.size, size.sum()
    need(clusters, 2, "clusters")
    need(count - clusters, 1, "observations beyond one per cluster")
    within = float((np.asarray(total_sq, dtype=np.float64) - sums**2 / size).sum()) / (count - clusters)
    between = float((sums**2 / size).sum() - sums.sum() ** 2 / count) / (clusters - 1)
    typical = (count - (size**2).sum() / count) / (clusters - 1)
    spread = between + (typical - 1) * within
    return float(np.clip((between - within) / spread, 0.0, 1.0)) if spread > 0 else 0.0


def _increasing(ids: NDArray[np.generic]) -> bool:
    """Whether they are whole numbers in order, each once: what needs no sorting to be seen."""
    return ids.dtype.kind in "iu" and bool(np.greater(ids[1:], ids[:-1]).all())


def _aligned(treatment: ClusterSums, control: ClusterSums) -> _Aligned:
    if _increasing(treatment.ids) and np.array_equal(treatment.ids, control.ids):
        return _Aligned(treatment.n, treatment.total, control.n, control.total)
    ids, position = np.unique(np.concatenate([treatment.ids, control.ids]), return_inverse=True)
    columns = np.zeros((4, ids.size))
    first, second = np.split(position, [treatment.ids.size])
    columns[0, first], columns[1, first] = treatment.n, treatment.total
    columns[2, second], columns[3, second] = control.n, control.total
    return _Aligned(*columns)


def _sandwich(data: _Aligned) -> float:
    size1, size0 = data.n1.sum(), data.n0.sum()
    score1 = (data.t1 - data.n1 * data.t1.sum() / size1) / size1
    score0 = (data.t0 - data.n0 * data.t0.sum() / size0) / size0
    clusters, total = data.n1.size, size1 + size0
    small_sample = clusters / (clusters - 1) * max((total - 1) / max(total - 2, 1), 1.0)
    return float(small_sample * ((score1 - score0) ** 2).sum())


def _sandwich_one(sums: ClusterSums) -> float:
    clusters = sums.n.size
    score = (sums.total - sums.n * sums.mean) / sums.n.sum()
    return float(clusters / (clusters - 1) * (score**2).sum())


def _jackknife(data: _Aligned, value: float) -> float:
    n1, n0 = data.n1.sum() - data.n1, data.n0.sum() - data.n0
    _need_rest(n1, n0)
    without = (data.t1.sum() - data.t1) / n1 - (data.t0.sum() - data.t0) / n0
    clusters = data.n1.size
    return float((clusters - 1) / clusters * ((without - value) ** 2).sum())


def _jackknife_one(sums: ClusterSums) -> float:
    rest = sums.n.sum() - sums.n
    _need_rest(rest)
    without = (sums.total.sum() - sums.total) / rest
    return float((rest.size - 1) / rest.size * ((without - sums.mean) ** 2).sum())


def _need_rest(*rests: Floats) -> None:
    if min(float(rest.min()) for rest in rests) <= 0:
        message = "one cluster holds a whole arm, so its influence cannot be judged"
        raise NotEnoughData(message, hint="collect observations of that arm in other clusters")


def _need_spread(variance: float) -> None:
    if not variance > 0:
        message = "every cluster has the same mean, so the spread between clusters is unknown"
        raise NotEnoughData(message, hint="compare the rates by `proportions`, or collect more")
