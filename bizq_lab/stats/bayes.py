"""Posteriors of one arm, and which of several is best. Knows no allocation policy; randomness comes in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from scipy.special import betainccinv, betaincinv

from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import InputError
from bizq_lab.stats.tails import check_level, need, t_quantile
from bizq_lab.stats.types import Floats, Moments, Tally


class Posterior(Protocol):
    """Belief about one arm's mean."""

    def draw(self, rng: np.random.Generator, size: int) -> Floats:
        """Independent draws."""


@dataclass(frozen=True, slots=True)
class BetaPosterior:
    """Belief about a success rate.

    Attributes:
        a: Prior successes plus successes.
        b: Prior failures plus failures.

    Source:
        Beta-binomial conjugacy; the default prior is Jeffreys' Beta(1/2, 1/2).
    """

    a: float
    b: float

    def __post_init__(self) -> None:
        """Refuse an improper belief."""
        if not (0 < self.a < math.inf and 0 < self.b < math.inf):
            message = f"a == {self.a!r}, b == {self.b!r}, must be positive"
            raise InputError(message)

    @classmethod
    def of(cls, tally: Tally, *, prior: tuple[float, float] = (0.5, 0.5)) -> Self:
        """Update a prior (successes, failures) with a tally; with no trials the prior stands."""
        return cls(prior[0] + tally.successes, prior[1] + tally.n - tally.successes)

    def estimate(self, *, level: float = 0.95, unit: str = "success") -> Estimate:
        """Posterior mean with the equal-tailed credible interval."""
        tail = (1 - check_level(level)) / 2
        mean = self.a / (self.a + self.b)
        low, high = float(betaincinv(self.a, self.b, tail)), float(betainccinv(self.a, self.b, tail))
        return Estimate(
            value=mean,
            lower=min(low, mean),  # a belief piled up at an end can have its mean outside the equal tails
            upper=max(high, mean),
            level=level,
            unit=unit,
            n=int(self.a + self.b),
            method="beta-binomial posterior",
        )

    def draw(self, rng: np.random.Generator, size: int) -> Floats:
        """See `Posterior.draw`."""
        return np.asarray(rng.beta(self.a, self.b, size), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class NormalPosterior:
    """Belief about a mean with unknown variance, the marginal t of a normal-inverse-gamma.

    Attributes:
        location: Posterior mean.
        scale: Posterior scale of the mean.
        df: Degrees of freedom.
        n: Observations behind it.

    Source:
        Gelman et al. 2013, "Bayesian data analysis", 3.3.
    """

    location: float
    scale: float
    df: float
    n: int

    @classmethod
    def of(cls, moments: Moments, *, prior_mean: float = 0.0, prior_n: float = 0.0, prior_sd: float = 0.0) -> Self:
        """Update a prior worth `prior_n` observations of mean `prior_mean` and spread `prior_sd`; 0 is the flat prior.

        Raises:
            NotEnoughData: Without a prior, fewer than two observations.
            InputError: A prior without spread behind data without spread.
        """
        n = moments.n
        need(n + prior_n, 2, "observations, the prior's included")
        mean = moments.mean if n else prior_mean
        squares = (n - 1) * moments.variance if n > 1 else 0.0
        total, df = n + prior_n, n + prior_n - 1
        between = n * prior_n / total * (mean - prior_mean) ** 2
        scale = math.sqrt((squares + prior_n * prior_sd**2 + between) / df / total)
        if scale <= 0:
            message = f"{n} observations without spread and prior_sd == {prior_sd!r} leave no uncertainty"
            raise InputError(message, hint="give a prior: prior_n >= 1 and a positive prior_sd")
        return cls((n * mean + prior_n * prior_mean) / total, scale, df, n)

    def estimate(self, *, level: float = 0.95, unit: str = "") -> Estimate:
        """Posterior mean with the credible interval."""
        half = t_quantile(0.5 + check_level(level) / 2, self.df) * self.scale
        return Estimate(
            value=self.location,
            lower=self.location - half,
            upper=self.location + half,
            level=level,
            unit=unit,
            n=self.n,
            method="normal posterior",
        )

    def draw(self, rng: np.random.Generator, size: int) -> Floats:
        """See `Posterior.draw`."""
        return np.asarray(self.location + self.scale * rng.standard_t(self.df, size), dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class BestArm:
    """Which arm is best, and what it costs to be wrong.

    Attributes:
        p_best: Probability that each arm is the best; they sum to 1.
        expected_loss: Expected shortfall of each arm behind the best one, in the metric's unit.
        draws: Monte-Carlo draws.
        method: Procedure.
    """

    p_best: tuple[float, ...]
    expected_loss: tuple[float, ...]
    draws: int
    method: str = "posterior Monte Carlo"


def best_arm(
    posteriors: Sequence[Posterior],
    *,
    rng: np.random.Generator,
    draws: int = 20_000,
    higher_is_better: bool = True,
) -> BestArm:
    """Probability of being best and expected loss of each arm.

    Args:
        posteriors: One for each arm.
        rng: Seeded generator.
        draws: Monte-Carlo draws; the error of a probability is below 0.5 / sqrt(draws).
        higher_is_better: False for cost and latency.

    Raises:
        NotEnoughData: No arms.

    Source:
        Scott 2010, Appl. Stoch. Models Bus. Ind. 26:639; expected loss: Stucchio 2015 (VWO).
    """
    need(len(posteriors), 1, "arms")
    sample = np.stack([p.draw(rng, draws) for p in posteriors]) * (1.0 if higher_is_better else -1.0)
    wins = np.bincount(sample.argmax(axis=0), minlength=len(posteriors)) / draws
    loss = (sample.max(axis=0) - sample).mean(axis=1)
    return BestArm(p_best=tuple(map(float, wins)), expected_loss=tuple(map(float, loss)), draws=draws)
