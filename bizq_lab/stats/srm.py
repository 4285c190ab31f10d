"""Sample-ratio checks: did each arm receive the units that the logged propensities promise? Knows counts only (S29).

Count assignment units, each once, at its first exposure per experiment and ramp stage; never decisions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, gammaln, logsumexp

from bizq_lab.errors import InputError, PositivityViolation
from bizq_lab.stats.tails import need
from bizq_lab.stats.types import Floats

ALARM = 0.0005
CONCENTRATIONS = (10.0, 100.0, 1_000.0, 10_000.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRatio:
    """Result of a sample-ratio check.

    Attributes:
        observed: Units in each arm.
        expected: Units in each arm according to the logged propensities.
        p_value: Of the hypothesis that assignment followed the propensities.
        statistic: Chi-square, or the Bayes factor of a sequential check.
        df: Degrees of freedom; None for a sequential check.
        alarm: Whether `p_value` is below the alarm level: do not read the comparison.
        method: Procedure.
    """

    observed: tuple[int, ...]
    expected: tuple[float, ...]
    p_value: float
    statistic: float
    df: int | None
    alarm: bool
    method: str


def sample_ratio(observed: ArrayLike, propensity: ArrayLike, *, alarm: float = ALARM) -> SampleRatio:
    """Chi-square of unit counts against logged propensities, valid while a rollout ramps.

    Expected counts are sums of each unit's own propensities, and their covariance is the sum over units of
    `diag(p) - p p'`; with one constant propensity this is Pearson's statistic exactly.

    Args:
        observed: Shape (k,), or (stages, k): units per arm, by ramp stage.
        propensity: Same shape: the propensity of each arm at that stage, rows summing to 1.
        alarm: Level below which the comparison is invalid.

    Raises:
        NotEnoughData: No units.
        PositivityViolation: Units in an arm that had no propensity.
        InputError: Propensities do not sum to 1.

    Source:
        Fabijan et al. 2019, KDD (SRM); threshold: Kohavi, Tang & Xu 2020, ch. 21.
    """
    counts, shares = _stages(observed, propensity)
    units = counts.sum(axis=1)
    need(int(units.sum()), 1, "assignment units")
    expected = (units[:, None] * shares).sum(axis=0)
    covariance = np.diag(expected) - (shares.T * units) @ shares
    gap = counts.sum(axis=0) - expected
    possible = expected > 0
    statistic = float(gap @ np.linalg.pinv(covariance, hermitian=True) @ gap)
    df = max(int(possible.sum()) - 1, 0)
    p = float(chdtrc(df, statistic)) if df else 1.0
    return SampleRatio(
        observed=tuple(int(c) for c in counts.sum(axis=0)),
        expected=tuple(float(e) for e in expected),
        p_value=p,
        statistic=statistic,
        df=df,
        alarm=p < alarm,
        method="SRM chi-square, logged propensities",
    )


def sequential_sample_ratio(
    observed: ArrayLike,
    propensity: ArrayLike,
    *,
    concentration: float | Sequence[float] = CONCENTRATIONS,
    alarm: float = ALARM,
) -> SampleRatio:
    """Sample-ratio check that may be read every day: anytime p-value from a Dirichlet-multinomial Bayes factor.

    Args:
        observed: Shape (looks, k): units per arm that arrived since the previous look.
        propensity: Same shape: propensities during that interval.
        concentration: Prior weight on the logged propensities; large values look for small deviations in many units,
            small ones for large deviations in few. Of several the Bayes factors are averaged, which keeps the error
            rate and misses neither.
        alarm: Level below which the comparison is invalid.

    Raises:
        NotEnoughData: No units.
        PositivityViolation: Units in an arm that had no propensity.
        InputError: Propensities do not sum to 1.

    Source:
        Lindon & Malek 2022, NeurIPS, "Anytime-valid inference for multinomial count data".
    """
    counts, shares = _stages(observed, propensity)
    need(int(counts.sum()), 1, "assignment units")
    weights = np.atleast_1d(np.asarray(concentration, dtype=np.float64))
    paths = np.array([_log_bayes_factors(counts, shares, weight) for weight in weights.tolist()])
    path = logsumexp(paths, axis=0) - np.log(weights.size)
    p = float(np.exp(-max(0.0, float(path.max()))))
    return SampleRatio(
        observed=tuple(int(c) for c in counts.sum(axis=0)),
        expected=tuple(float(e) for e in (counts.sum(axis=1, keepdims=True) * shares).sum(axis=0)),
        p_value=p,
        statistic=float(np.exp(min(float(path[-1]), 700.0))),
        df=None,
        alarm=p < alarm,
        method="SRM sequential, Dirichlet-multinomial",
    )


def _log_bayes_factors(counts: Floats, shares: Floats, concentration: float) -> list[float]:
    """Logarithm of the running Bayes factor after each look."""
    path, log_factor, before = [], 0.0, 0.0
    excess = np.zeros(counts.shape[1])  # carried from look to look, so that a ramp does not look like a mismatch
    for batch, share in zip(counts, shares, strict=True):
        prior = np.maximum((concentration + before) * share + excess, concentration * share / 2)
        log_factor += _log_bayes_factor(batch, prior, share)
        path.append(log_factor)
        before += batch.sum()
        excess = excess + batch - batch.sum() * share
    return path


def _log_bayes_factor(batch: Floats, prior: Floats, share: Floats) -> float:
    """Log of Dirichlet-multinomial over multinomial; for any prior fixed before the batch its null mean is 1."""
    possible = share > 0
    new, weight = batch[possible], prior[possible]
    mixture = (
        gammaln(weight.sum()) - gammaln(weight.sum() + new.sum()) + (gammaln(weight + new) - gammaln(weight)).sum()
    )
    return float(mixture - (new * np.log(share[possible])).sum())


def _stages(observed: ArrayLike, propensity: ArrayLike) -> tuple[Floats, Floats]:
    counts = np.atleast_2d(np.asarray(observed, dtype=np.float64))
    shares = np.atleast_2d(np.asarray(propensity, dtype=np.float64))
    if counts.shape != shares.shape or (counts < 0).any():
        message = f"observed of shape {counts.shape} and propensity of shape {shares.shape}, must agree and count units"
        raise InputError(message)
    if not np.allclose(shares.sum(axis=1), 1.0, atol=1e-6) or (shares < 0).any():
        message = f"propensities sum to {shares.sum(axis=1).tolist()}, must sum to 1 at every stage"
        raise InputError(message, hint="pass every arm that could have been assigned")
    if (counts[shares == 0] > 0).any():
        message = "units were observed in an arm whose logged propensity is 0"
        raise PositivityViolation(message, hint="the log and the assignment disagree; do not read this comparison")
    return counts, shares
