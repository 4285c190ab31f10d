"""Rankings that say how sure they are. Knows estimates and their covariance, no rows; randomness comes in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bizq_lab.errors import InputError
from bizq_lab.stats.tails import check_level, need
from bizq_lab.stats.types import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class RankSet:
    """Ranks that one arm may have; 1 is best.

    Attributes:
        rank: Rank by the point estimates; tied arms share the better rank.
        best: Best rank not excluded.
        worst: Worst rank not excluded.
        p_best: Probability of being best under the estimates' normal distribution; a display, not a test.
        level: Probability that all arms' sets contain their true ranks together.
        method: Procedure.
    """

    rank: int
    best: int
    worst: int
    p_best: float
    level: float
    method: str = "Mogstad-Romano-Shaikh-Wilhelm rank confidence set"


def rank_confidence_sets(
    values: ArrayLike,
    covariance: ArrayLike,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    higher_is_better: bool = True,
    draws: int = 10_000,
) -> tuple[RankSet, ...]:
    """Sets of ranks that contain all true ranks together with probability `level`, ties or not.

    Bootstrapped percentile ranks are inconsistent at ties; this inverts simultaneous pairwise tests instead.

    Args:
        values: Shape (k,). Estimate of each arm.
        covariance: Shape (k, k), of the estimates; or shape (k,), their standard errors if independent. Paired
            designs need the full matrix.
        rng: Seeded generator.
        level: Simultaneous coverage.
        higher_is_better: False for cost and latency.
        draws: Monte-Carlo draws for the critical value.

    Raises:
        NotEnoughData: No arms.
        InputError: Shapes that disagree, or two arms whose difference has no variance.

    Source:
        Mogstad, Romano, Shaikh & Wilhelm 2024, Rev. Econ. Stud. 91:476.
    """
    theta = np.asarray(values, dtype=np.float64) * (1.0 if higher_is_better else -1.0)
    sigma = np.asarray(covariance, dtype=np.float64)
    sigma = np.diag(sigma**2) if sigma.ndim == 1 else sigma
    k = theta.size
    need(k, 1, "arms")
    if theta.ndim != 1 or sigma.shape != (k, k) or not (np.isfinite(theta).all() and np.isfinite(sigma).all()):
        message = (
            f"values of shape {theta.shape} and covariance of shape {sigma.shape}, must be finite, (k,) and (k, k)"
        )
        raise InputError(message)
    scale = np.sqrt(np.maximum(sigma.diagonal()[:, None] + sigma.diagonal()[None, :] - 2 * sigma, 0.0))
    others = ~np.eye(k, dtype=bool)
    if (scale[others] <= 0).any():
        message = "the difference of two arms has no variance"
        raise InputError(message, hint="an arm was passed twice, or an arm shows no spread")
    if np.ndim(covariance) == 1:
        noise = rng.standard_normal((k, draws)) * np.sqrt(sigma.diagonal())[:, None]
    else:
        noise = rng.multivariate_normal(np.zeros(k), sigma, size=draws, method="eigh").T
    critical = _critical(noise, scale, check_level(level)) if k > 1 else 0.0
    gap = theta[None, :] - theta[:, None]  # gap[j, m] > 0: m is ahead of j
    ahead, behind = gap > critical * scale, -gap > critical * scale
    winners = np.bincount((theta[:, None] + noise).argmax(axis=0), minlength=k) / draws
    ranks = 1 + (gap > 0).sum(axis=1)
    best, worst = 1 + (ahead & others).sum(axis=1), k - (behind & others).sum(axis=1)
    places = zip(ranks.tolist(), best.tolist(), worst.tolist(), winners.tolist(), strict=True)
    return tuple(RankSet(rank=r, best=b, worst=w, p_best=p, level=level) for r, b, w, p in places)


def _critical(noise: Floats, scale: Floats, level: float) -> float:
    """Quantile of the largest studentised difference between any two arms; noise of shape (arms, draws)."""
    largest = np.zeros(noise.shape[1])
    for j in range(len(noise) - 1):
        differences = np.abs(noise[j + 1 :] - noise[j])
        differences /= scale[j + 1 :, j, None]
        np.maximum(largest, differences.max(axis=0), out=largest)
    return float(np.quantile(largest, level, method="higher"))
