"""What another policy would have been worth, from a log with propensities. Knows arrays, no models and no log.

Weights are target probability over logged propensity, both of the action that was taken. Every estimator returns its
influence values, so that two policies valued on one log can be compared with their covariance (`policy_values`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import InputError
from bizq_lab.stats.importance import Logged, clustered_se, effective_sample_size, need_weight
from bizq_lab.stats.skewness import cluster_sums, leaning_bounds
from bizq_lab.stats.tails import check_level, constant_reach, need
from bizq_lab.stats.types import Floats

Support = tuple[float, float]
Clusters = np.ndarray[tuple[int, ...], np.dtype[np.generic]]

_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PolicyValue:
    """A policy's value.

    Attributes:
        estimate: Value with interval; `ess` is Kish's effective sample size.
        se: Standard error, cluster-robust if clusters were given.
        influence: Shape (n,). Each entry's deviation from the value, summed over its decisions; they sum to 0.
        decisions: Decisions behind it.
        clusters: Shape (n,). What varies together; None when decisions are independent.
    """

    estimate: Estimate
    se: float
    influence: Floats
    decisions: float
    clusters: Clusters | None = None


class ClippedValue(NamedTuple):
    """One point of the clipping curve."""

    clip: float
    value: PolicyValue
    clipped_share: float


def ips(
    log: Logged, *, clip: float = math.inf, unit: str = "", level: float = 0.95, support: Support | None = None
) -> PolicyValue:
    """Inverse propensity score: unbiased without clipping, and wild when weights are.

    Args:
        log: Logged decisions.
        clip: Largest weight; finite values trade variance for a bias that `clipping_curve` shows.
        unit: Unit of the reward.
        level: Coverage of the interval.
        support: Range of the reward, for the interval when no spread was observed.

    Raises:
        PositivityViolation: The target never takes an action that was logged.

    Source:
        Horvitz & Thompson 1952, JASA 47:663; clipping: Ionides 2008.
    """
    w, n = np.minimum(log.weights, clip), log.counts
    scores = w * log.reward
    value = float(scores.sum() / n.sum())
    name = "IPS" if math.isinf(clip) else f"IPS, weights clipped at {clip:g}"
    return _valued(value, scores - n * value, w, log, method=name, unit=unit, level=level, support=support)


def snips(log: Logged, *, unit: str = "", level: float = 0.95, support: Support | None = None) -> PolicyValue:
    """Self-normalised inverse propensity score: a bias of order 1/n buys a value inside the range of rewards.

    Raises:
        PositivityViolation: The target never takes an action that was logged.

    Source:
        Swaminathan & Joachims 2015, NeurIPS; interval: delta method for a ratio.
    """
    w, n = log.weights, log.counts
    need_weight(w)
    value = float((w * log.reward).sum() / (w * n).sum())
    influence = w * (log.reward - n * value) * n.sum() / (w * n).sum()
    return _valued(value, influence, w, log, method="SNIPS", unit=unit, level=level, support=support, plain=True)


def direct_method(
    log: Logged, expected: ArrayLike, *, unit: str = "", level: float = 0.95, support: Support | None = None
) -> PolicyValue:
    """Value according to a reward model alone; its interval ignores the model's own error, so never decide on it.

    Args:
        log: Logged decisions.
        expected: Shape (n,). The model's reward under the target policy: sum over actions of probability times q.
        unit: Unit of the reward.
        level: Coverage of the interval.
        support: Range of the reward.

    Source:
        Dudik, Langford & Li 2011, ICML.
    """
    scores, n = _aligned(expected, log), log.counts
    value = float((n * scores).sum() / n.sum())
    return _valued(
        value,
        n * (scores - value),
        np.ones(scores.size),
        log,
        method="direct method",
        unit=unit,
        level=level,
        support=support,
    )


def doubly_robust(
    log: Logged,
    expected: ArrayLike,
    predicted: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    self_normalised: bool = False,
    method: str = "",
    unit: str = "",
    level: float = 0.95,
    support: Support | None = None,
) -> PolicyValue:
    """Reward model, corrected by the weighted residuals of the actions taken: right if either part is.

    Args:
        log: Logged decisions.
        expected: Shape (n,). The model's reward of one decision under the target policy, cross-fitted (see
            `cross_fitted_means`).
        predicted: Shape (n,). The model's reward of one decision for the action taken, cross-fitted.
        weights: Shape (n,). Weights in place of the importance weights: `switch_weights`, `shrunken_weights`.
        self_normalised: Divide the correction by the mean weight.
        method: Name of the estimate, where `weights` make it another than DR or SNDR.
        unit: Unit of the reward.
        level: Coverage of the interval.
        support: Range of the reward.

    Raises:
        PositivityViolation: The target never takes an action that was logged.

    Source:
        Dudik, Langford & Li 2011; switch: Wang, Agarwal & Dudik 2017; shrinkage: Su et al. 2020.
    """
    n = log.counts
    size = n.sum()
    base, residual = n * _aligned(expected, log), log.reward - n * _aligned(predicted, log)
    w = log.weights if weights is None else _aligned(weights, log)
    if self_normalised:
        need_weight(w)
        total, mean = float((n * w).sum()), float(base.sum() / size)
        correction = float((w * residual).sum() / total)
        value = mean + correction
        influence = base - n * mean + w * (residual - n * correction) * size / total
    else:
        scores = base + w * residual
        value = float(scores.sum() / size)
        influence = scores - n * value
    name = method or ("SNDR" if self_normalised else "DR")
    return _valued(value, influence, log.weights, log, method=name, unit=unit, level=level, support=support)


def clipping_curve(
    log: Logged,
    *,
    clips: Sequence[float] = (5.0, 10.0, 20.0, math.inf),
    unit: str = "",
    level: float = 0.95,
    support: Support | None = None,
) -> tuple[ClippedValue, ...]:
    """IPS at several clips: where the curve still moves, the bias of clipping is not hidden but seen.

    Source:
        Ionides 2008, J. Comput. Graph. Stat. 17:295.
    """
    return tuple(
        ClippedValue(
            clip,
            ips(log, clip=clip, unit=unit, level=level, support=support),
            float(log.counts[log.weights > clip].sum() / log.counts.sum()),
        )
        for clip in clips
    )


def _valued(
    value: float,
    influence: Floats,
    weights: Floats,
    log: Logged,
    *,
    method: str,
    unit: str,
    level: float,
    support: Support | None,
    plain: bool = False,
) -> PolicyValue:
    need_weight(weights)
    check_level(level)
    decisions = float(log.counts.sum())
    ess = effective_sample_size(weights, log.counts)
    units = log.reward.size if log.clusters is None else int(np.unique(log.clusters).size)
    need(units, 2, "clusters")
    se = clustered_se(influence, log.clusters, n=decisions)
    if plain:  # the published variance of a ratio has no n / (n - 1)
        se *= math.sqrt((units - 1) / units)
    if se > _TOLERANCE * max(abs(value), 1e-300):
        # no more degrees of freedom than decisions that count
        df = max(min(units, ess) - 1, 1.0)
        lower, upper = leaning_bounds(value, se, cluster_sums(influence, log.clusters), df=df, level=level)
    else:
        lower, upper = constant_reach(value, max(int(min(units, ess)), 1), support, level)
    estimate = Estimate(
        value=value,
        lower=min(lower, value),
        upper=max(upper, value),
        level=level,
        unit=unit,
        n=units,
        method=method,
        ess=ess,
    )
    return PolicyValue(estimate=estimate, se=se, influence=influence, decisions=decisions, clusters=log.clusters)


def _aligned(values: ArrayLike, log: Logged) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.shape != log.reward.shape or not np.isfinite(array).all():
        message = f"model rewards or weights of shape {array.shape}, must be finite and of shape {log.reward.shape}"
        raise InputError(message)
    return array
