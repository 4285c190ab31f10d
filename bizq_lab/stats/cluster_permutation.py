"""Exact inference with very few clusters: permute the assignment, invert over constant effects. Knows only sums."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bizq_lab.core.estimate import Caveat, Estimate
from bizq_lab.errors import InputError
from bizq_lab.stats.types import Alternative, Floats, Test

_MOST = 200_000
_SLACK = 1e-12

TOO_FEW_CLUSTERS = Caveat(
    code="too_few_clusters",
    message="There are so few clusters that no outcome could have excluded any effect at this level",
)


class Arms(Protocol):
    """Sums by aligned cluster: size and total in the treatment (1) and the control (0)."""

    @property
    def n1(self) -> Floats:
        """Observations in the treatment."""

    @property
    def t1(self) -> Floats:
        """Sum in the treatment."""

    @property
    def n0(self) -> Floats:
        """Observations in the control."""

    @property
    def t0(self) -> Floats:
        """Sum in the control."""

    @property
    def treated(self) -> NDArray[np.bool_]:
        """Whether the cluster has anything in the treatment."""

    @property
    def crossed(self) -> bool:
        """Whether some cluster has observations in both arms."""


def permutation_difference(arms: Arms, *, null: float, unit: str, level: float, alternative: Alternative) -> Test:
    """Difference of means, tested against every other assignment that could have happened.

    Clusters within one arm are re-drawn with the arms' numbers of clusters kept; clusters that cross both arms swap
    their two halves. The interval holds every constant effect that is not rejected; with three clusters an arm
    nothing can be rejected at 5 %, and the interval is the whole line.

    Raises:
        InputError: More than 200,000 assignments.

    Source:
        Fisher 1935; Rosenbaum 2002, Stat. Sci. 17:286 (inversion); Small, Ten Have & Rosenbaum 2008, JASA 103:271.
    """
    size = np.concatenate([arms.n1, arms.n0])
    total = np.concatenate([arms.t1, arms.t0])
    treated = np.repeat([1.0, 0.0], arms.n1.size)
    chosen = _swaps(arms.n1.size) if arms.crossed else _draws(arms)
    here, there = chosen @ size, size.sum() - chosen @ size
    possible = (here > 0) & (there > 0)
    chosen, here, there = chosen[possible], here[possible], there[possible]
    effect = _contrast(chosen, total, here, there)
    slope = _contrast(chosen, size * treated, here, there)  # how a unit effect on the treated shows in each assignment
    value, others = float(effect[0]), slope < 1.0 - _SLACK
    crossing = np.sort((value - effect[others]) / (1.0 - slope[others]))
    count = effect.size
    lower, upper = _inverted(crossing, count, (1 - level) / (2 if alternative == "two-sided" else 1))
    p = _p(crossing, count, null, alternative)
    interval = (-math.inf if alternative == "less" else lower), (math.inf if alternative == "greater" else upper)
    helpless = math.isinf(lower) and math.isinf(upper)
    return Test(
        estimate=Estimate(
            value=value,
            lower=min(interval[0], value),
            upper=max(interval[1], value),
            level=level,
            unit=unit,
            n=arms.n1.size,
            method="cluster permutation",
        ),
        p_value=p,
        statistic=value - null,
        df=None,
        method="cluster permutation",
        null=null,
        caveats=(TOO_FEW_CLUSTERS,) if helpless else (),
    )


def _contrast(chosen: Floats, total: Floats, here: Floats, there: Floats) -> Floats:
    mine = chosen @ total
    return np.asarray(mine / here - (total.sum() - mine) / there, dtype=np.float64)


def _inverted(crossing: Floats, count: int, tail: float) -> tuple[float, float]:
    """Ends of the effects kept: each is the crossing where the one-sided p-value first exceeds `tail`."""
    rank = math.floor(tail * count + _SLACK)
    if rank == 0 or rank > crossing.size:
        return -math.inf, math.inf
    return float(crossing[rank - 1]), float(crossing[-rank])


def _p(crossing: Floats, count: int, null: float, alternative: Alternative) -> float:
    slack = _SLACK * max(1.0, abs(null))
    ties = count - crossing.size  # assignments that look like the observed one whatever the effect
    greater = (ties + int((crossing <= null + slack).sum())) / count
    less = (ties + int((crossing >= null - slack).sum())) / count
    if alternative == "two-sided":
        return min(1.0, 2 * min(greater, less))
    return greater if alternative == "greater" else less


def _swaps(clusters: int) -> Floats:
    """Every way to swap clusters' halves, as rows over (treatment halves, control halves); the first swaps none."""
    _refuse_many(2.0**clusters)
    bits: NDArray[np.int64] = (np.arange(2**clusters)[:, None] >> np.arange(clusters)) & 1
    return np.concatenate([1 - bits, bits], axis=1).astype(np.float64)


def _draws(arms: Arms) -> Floats:
    """Every choice of as many clusters for the treatment as it has; the first row is the observed one."""
    observed = arms.treated
    clusters, treated = observed.size, int(observed.sum())
    _refuse_many(float(math.comb(clusters, treated)))
    order = np.concatenate([np.flatnonzero(observed), np.flatnonzero(~observed)])
    picks = order[np.array(list(combinations(range(clusters), treated)))]
    rows = np.zeros((picks.shape[0], clusters))
    rows[np.arange(picks.shape[0])[:, None], picks] = 1.0
    return np.concatenate([rows, rows], axis=1)


def _refuse_many(assignments: float) -> None:
    if assignments > _MOST:
        message = f"{assignments:.3g} assignments, must be at most {_MOST:,}"
        raise InputError(message, hint="with this many clusters use kind='crv3'")
