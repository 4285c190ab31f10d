"""What a policy would have earned on randomised decisions, by every estimator. Knows arrays: no log, no config.

The reward model of DR is a table of means by (cell, action), cross-fitted by cluster, so decisions that share cell,
action, propensity and cluster can stay one entry: sums are all that any estimator here needs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bizq_lab.stats.cross_fit import cluster_folds, cross_fitted_means
from bizq_lab.stats.importance import Logged, effective_sample_size, shrunken_weights, switch_weights
from bizq_lab.stats.off_policy import PolicyValue, Support, clipping_curve, doubly_robust, ips, snips
from bizq_lab.stats.types import Floats

HEADLINE = "DR"
FOLDS = 5
SWITCH_AT = 10.0
CLIPS = (5.0, 10.0, 20.0)
STRENGTHS = (1.0, 10.0, 100.0, 1_000.0)


class Scale(NamedTuple):
    """How a reward is to be read: its unit, the coverage asked for, and the range of one decision's reward."""

    unit: str = ""
    level: float = 0.95
    support: Support | None = None


PLAIN = Scale()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decided:
    """Randomised decisions, an entry a group of like ones.

    Attributes:
        cell: Shape (n,). Code of the context that the reward model tells apart: task type and segment.
        action: Shape (n,). Code of the action taken.
        actions: How many actions there are.
        propensity: Shape (n,), in (0, 1]. Logged probability of the action taken.
        cluster: Shape (n,). Assignment unit.
        size: Shape (n,). Decisions in each entry.
    """

    cell: NDArray[np.intp]
    action: NDArray[np.intp]
    actions: int
    propensity: Floats
    cluster: NDArray[np.generic]
    size: Floats

    def only(self, kept: NDArray[np.bool_]) -> Decided:
        """The entries in which `kept` holds; codes stay."""
        return Decided(
            cell=self.cell[kept],
            action=self.action[kept],
            actions=self.actions,
            propensity=self.propensity[kept],
            cluster=self.cluster[kept],
            size=self.size[kept],
        )

    def folds(self, seed: int) -> NDArray[np.intp]:
        """Fold of each entry, for cross-fitting; two at least, so that no cluster predicts itself."""
        units = int(np.unique(self.cluster).size)
        return cluster_folds(self.cluster, rng=np.random.default_rng(seed), folds=max(min(FOLDS, units), 2))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Estimators:
    """One metric of one policy.

    Attributes:
        values: By the estimator's name; DR is the one that answers.
        clipped_share: Share of the decisions whose weight was cut or left to the model, by estimator.
    """

    values: Mapping[str, PolicyValue]
    clipped_share: Mapping[str, float]

    @property
    def headline(self) -> PolicyValue:
        """The doubly robust value."""
        return self.values[HEADLINE]


def value_policy(
    decided: Decided, total: Floats, shares: Floats, folds: NDArray[np.intp], scale: Scale = PLAIN
) -> Estimators:
    """Every estimator's value of a policy, from the same decisions.

    Args:
        decided: The decisions.
        total: Shape (n,). Sum of the reward in each entry.
        shares: Shape (n, actions). The policy's probability of every action, in each entry's context.
        folds: From `Decided.folds`.
        scale: Unit, coverage and range.

    Raises:
        NotEnoughData: Fewer than two clusters.
        PositivityViolation: A propensity out of range, or the policy never takes an action that was logged.

    Source:
        Dudik, Langford & Li 2011; cross-fitting by cluster: Chernozhukov et al. 2018; see `stats.off_policy`.
    """
    fit = _Fit(decided, total, shares, folds, scale)
    strength = _strength(fit.log, fit.predicted)
    switch, shrunk = f"switch-DR, model above weight {SWITCH_AT:g}", f"shrunken DR, strength {strength:g}"
    w, counts = fit.log.weights, fit.log.counts
    unit, level, support = scale
    values = {
        HEADLINE: fit.robust("DR, cross-fitted"),
        "SNDR": fit.robust("SNDR, cross-fitted", self_normalised=True),
        "SNIPS": snips(fit.log, unit=unit, level=level, support=support),
        "IPS": ips(fit.log, unit=unit, level=level, support=support),
        switch: fit.robust(switch, switch_weights(w, SWITCH_AT)),
        shrunk: fit.robust(shrunk, shrunken_weights(w, strength)),
    }
    cut = {switch: float(counts[w > SWITCH_AT].sum() / counts.sum())}
    for point in clipping_curve(fit.log, clips=CLIPS, unit=unit, level=level, support=support):
        name = f"IPS, weights up to {point.clip:g}"
        values[name], cut[name] = point.value, point.clipped_share
    return Estimators(values=MappingProxyType(values), clipped_share=MappingProxyType(cut))


def doubly_robust_value(
    decided: Decided, total: Floats, shares: Floats, folds: NDArray[np.intp], scale: Scale = PLAIN
) -> PolicyValue:
    """The answering estimator alone; arguments as in `value_policy`."""
    return _Fit(decided, total, shares, folds, scale).robust("DR, cross-fitted")


def value_as_logged(decided: Decided, total: Floats, scale: Scale = PLAIN) -> PolicyValue:
    """What the decisions really earned, where what ran is not known as a policy: the clustered mean."""
    log = Logged.of(total, decided.propensity, decided.propensity, decided.cluster, decided.size)
    return snips(log, unit=scale.unit, level=scale.level, support=scale.support)


class _Fit:
    """A policy laid over the decisions, and what the cross-fitted model expects of it."""

    def __init__(self, decided: Decided, total: Floats, shares: Floats, folds: NDArray[np.intp], scale: Scale) -> None:
        entries = np.arange(total.size)
        target = np.clip(shares[entries, decided.action], 0.0, 1.0)
        self.log = Logged.of(total, decided.propensity, target, decided.cluster, decided.size)
        model = cross_fitted_means(
            decided.cell, decided.action, total, folds, actions=decided.actions, size=decided.size
        )
        self.expected, self.predicted = (shares * model).sum(axis=1), model[entries, decided.action]
        self.scale = scale

    def robust(self, name: str, weights: Floats | None = None, *, self_normalised: bool = False) -> PolicyValue:
        """The doubly robust value with these weights."""
        return doubly_robust(
            self.log,
            self.expected,
            self.predicted,
            weights=weights,
            self_normalised=self_normalised,
            method=name,
            unit=self.scale.unit,
            level=self.scale.level,
            support=self.scale.support,
        )


def _strength(log: Logged, predicted: Floats) -> float:
    """The shrinkage of least estimated mean squared error: spread of the correction, and the bias of shrinking it.

    Source:
        Su, Dimakopoulou, Krishnamurthy & Dudik 2020, ICML, model selection.
    """
    residual = log.reward - log.counts * predicted
    size = float(log.counts.sum())

    def error(strength: float) -> float:
        weights = shrunken_weights(log.weights, strength)
        scores = weights * residual / log.counts
        spread = float((log.counts * (scores - (log.counts * scores).sum() / size) ** 2).sum()) / size**2
        return spread + float(((weights - log.weights) * residual).sum() / size) ** 2

    if effective_sample_size(log.weights, log.counts) <= 0:
        return math.inf
    return min(STRENGTHS, key=lambda strength: (error(strength), strength))
