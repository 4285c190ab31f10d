"""Importance weights of logged decisions, and whether they can be trusted. Knows no estimator of value."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import InputError, PositivityViolation
from bizq_lab.stats.tails import need
from bizq_lab.stats.types import Floats

_TOLERANCE = 1e-9
_THIN = 0.01
_LARGEST = 1e100


@dataclass(frozen=True, slots=True, eq=False)
class Logged:
    """Logged decisions as off-policy evaluation sees them: an entry a decision, or a group of like decisions.

    Decisions of one cluster that share action, propensity and target weigh the same, so that their sum of rewards and
    their number say all: a log of any length becomes as many entries as it has such groups.

    Attributes:
        reward: Shape (n,). Reward, or a group's sum of rewards.
        propensity: Shape (n,), in (0, 1]: logged probability of the action taken; never refitted.
        target: Shape (n,), in [0, 1]: probability of that same action under the policy to be valued.
        clusters: Shape (n,), assignment units; None when decisions are independent.
        size: Shape (n,). Decisions in each entry; None when each is one.
    """

    reward: Floats
    propensity: Floats
    target: Floats
    clusters: np.ndarray[tuple[int, ...], np.dtype[np.generic]] | None = None
    size: Floats | None = None

    @classmethod
    def of(
        cls,
        reward: ArrayLike,
        propensity: ArrayLike,
        target: ArrayLike,
        clusters: ArrayLike | None = None,
        size: ArrayLike | None = None,
    ) -> Logged:
        """Build from array-likes and check them.

        Raises:
            NotEnoughData: Fewer than two decisions.
            PositivityViolation: A propensity outside (0, 1].
            InputError: Shapes that disagree, a target outside [0, 1], a reward that is not finite, or groups without
                clusters.
        """
        r, p, t = (np.asarray(a, dtype=np.float64) for a in (reward, propensity, target))
        count = None if size is None else np.asarray(size, dtype=np.float64)
        need(r.size if count is None else float(count.sum()), 2, "decisions")
        shapes = {r.shape, p.shape, t.shape} | {np.shape(a) for a in (clusters, size) if a is not None}
        if count is not None and (clusters is None or not (count > 0).all()):
            message = "groups of decisions need a positive size and their clusters"
            raise InputError(message, hint="the spread inside a group is not known, that between clusters is")
        if len(shapes) != 1 or not (np.abs(r) < _LARGEST).all():
            message = f"shapes {sorted(shapes)}, must be equal, and rewards finite"
            raise InputError(message, hint="leave out decisions whose reward is still missing, and report how many")
        if not ((p > 0) & (p <= 1 + _TOLERANCE)).all():
            message = f"{int((~((p > 0) & (p <= 1 + _TOLERANCE))).sum())} logged propensities are not in (0, 1]"
            raise PositivityViolation(
                message, hint="paired rows are excluded; every other decision logs its propensity"
            )
        if not ((t >= -_TOLERANCE) & (t <= 1 + _TOLERANCE)).all():
            message = "target probabilities must be in [0, 1]"
            raise InputError(message)
        return cls(r, p, t, None if clusters is None else np.asarray(clusters), count)

    @property
    def weights(self) -> Floats:
        """Shape (n,). Importance weights."""
        return self.target / self.propensity

    @property
    def counts(self) -> Floats:
        """Shape (n,). Decisions in each entry."""
        return np.ones(self.reward.size) if self.size is None else self.size


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightDiagnostics:
    """Whether the log can speak for the target policy.

    Attributes:
        ess: Kish's effective sample size.
        ess_share: `ess` over the number of decisions.
        largest_share: Share of the total weight on one decision.
        mean_weight: Mean weight with its interval of three standard errors.
        propensities_ok: Whether that interval contains 1: a calibration test of the logged propensities.
        thin_share: Share of the target's weight on decisions whose propensity is below 0.01.
    """

    ess: float
    ess_share: float
    largest_share: float
    mean_weight: Estimate
    propensities_ok: bool
    thin_share: float


def effective_sample_size(weights: ArrayLike, counts: ArrayLike = 1.0) -> float:
    """Kish's effective sample size, (sum w)^2 / sum w^2; 0 if all weights are 0.

    Args:
        weights: Shape (n,).
        counts: Shape (n,). Decisions that have each weight.

    Source:
        Kish 1965; Owen 2013, "Monte Carlo theory, methods and examples", 9.3.
    """
    w, n = np.asarray(weights, dtype=np.float64), np.asarray(counts, dtype=np.float64)
    squares = float((n * w**2).sum())
    return float((n * w).sum()) ** 2 / squares if squares > 0 else 0.0


def weight_diagnostics(log: Logged) -> WeightDiagnostics:
    """Effective sample size, concentration and calibration of the weights; print it beside every value.

    Raises:
        PositivityViolation: The target never takes an action that was logged.

    Source:
        Owen 2013, 9.3; mean weight: Dudik, Langford & Li 2011.
    """
    w, n = log.weights, log.counts
    need_weight(w)
    size, total = float(n.sum()), float((n * w).sum())
    mean = total / size
    reach = 3 * max(clustered_se(n * (w - mean), log.clusters, n=size), _TOLERANCE)
    ess = effective_sample_size(w, n)
    return WeightDiagnostics(
        ess=ess,
        ess_share=ess / size,
        largest_share=float(w.max() / total),
        mean_weight=Estimate(
            value=mean, lower=mean - reach, upper=mean + reach, level=0.9973, n=int(size), method="mean weight"
        ),
        propensities_ok=abs(mean - 1.0) <= reach,
        thin_share=float((n * w)[log.propensity < _THIN].sum() / total),
    )


def switch_weights(weights: ArrayLike, threshold: float) -> Floats:
    """Importance weights up to `threshold`, and 0 beyond, where the reward model alone is trusted.

    Source:
        Wang, Agarwal & Dudik 2017, ICML.
    """
    w = np.asarray(weights, dtype=np.float64)
    return np.where(w <= threshold, w, 0.0)


def shrunken_weights(weights: ArrayLike, strength: float) -> Floats:
    """Weights lambda w / (w^2 + lambda): optimistic shrinkage, from the direct method (0) to DR (infinity).

    Source:
        Su, Dimakopoulou, Krishnamurthy & Dudik 2020, ICML.
    """
    w = np.asarray(weights, dtype=np.float64)
    return w if math.isinf(strength) else np.asarray(strength * w / (w**2 + strength), dtype=np.float64)


def clustered_se(
    influence: Floats, clusters: np.ndarray[tuple[int, ...], np.dtype[np.generic]] | None, *, n: float | None = None
) -> float:
    """Standard error of a mean over `n` decisions from its influence values, which sum to 0; clusters vary together."""
    size = influence.size if n is None else n
    if clusters is None:
        return float(np.sqrt((influence**2).sum() / (size - 1) / size))
    _, position = np.unique(clusters, return_inverse=True)
    sums = np.bincount(position, weights=influence)
    return float(np.sqrt((sums**2).sum() * sums.size / max(sums.size - 1, 1)) / size)


def need_weight(weights: Floats) -> None:
    """Raise `PositivityViolation` when no logged action could have been the target's."""
    if not weights.sum() > 0:
        message = "the target policy never takes an action that was logged"
        raise PositivityViolation(message, hint="explore those actions first, or collect paired data")
