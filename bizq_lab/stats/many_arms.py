"""Means of more than two independent arms: against a control, all pairs, and all at once. Knows moments only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
from scipy.special import fdtrc

from bizq_lab.errors import NotEnoughData
from bizq_lab.stats.blocks import Omnibus
from bizq_lab.stats.maxima import quantile, range_probability, root_probability
from bizq_lab.stats.means import mean, satterthwaite
from bizq_lab.stats.tails import check_level, need, wald
from bizq_lab.stats.types import Alternative, Moments, Test

Variances = Literal["unequal", "equal"]


class Pair(NamedTuple):
    """One pairwise comparison: positions of the two arms, and the test of first minus second."""

    first: int
    second: int
    test: Test


def dunnett(
    treatments: Sequence[Moments],
    control: Moments,
    *,
    unit: str = "",
    level: float = 0.95,
    alternative: Alternative = "two-sided",
    variances: Variances = "unequal",
) -> tuple[Test, ...]:
    """Every treatment against one control; intervals and p-values hold for all comparisons together.

    The comparisons share the control and are therefore correlated, which makes this sharper than Holm or Bonferroni.
    The integral is evaluated by quadrature: no random numbers.

    Args:
        treatments: Moments of each treatment.
        control: Moments of the control.
        unit: Unit of the values.
        level: Simultaneous coverage.
        alternative: Direction of all the tests.
        variances: `equal` is the classical procedure; `unequal` estimates each arm's variance.

    Raises:
        NotEnoughData: No treatment, an arm with fewer than two observations, or no spread in a comparison.

    Source:
        Dunnett 1955, JASA 50:1096; unequal variances: Hasler & Hothorn 2008, Biom. J. 50:793.
    """
    need(len(treatments), 1, "treatments")
    arms = (control, *treatments)
    spread, dfs = _spreads(arms, variances)
    ses, sided = [math.sqrt(v + spread[0]) for v in spread[1:]], alternative == "two-sided"
    _need_spread(ses)
    shared = np.array([math.sqrt(spread[0]) / se for se in ses])
    tests = []
    for position, (arm, se) in enumerate(zip(treatments, ses, strict=True), start=1):
        df = _pair_df(spread, dfs, 0, position, variances)
        test = wald(
            arm.mean - control.mean, se, df=df, n=arm.n + control.n, method="", unit=unit, alternative=alternative
        )
        towards = abs(test.statistic) if sided else test.statistic * (1 if alternative == "greater" else -1)
        reaches = partial(root_probability, shared=shared, df=df, two_sided=sided)
        half, method = quantile(reaches, check_level(level)) * se, f"Dunnett, {variances} variances"
        tests.append(_simultaneous(test, half, 1.0 - reaches(towards), level=level, method=method))
    return tuple(tests)


def games_howell(
    arms: Sequence[Moments], *, unit: str = "", level: float = 0.95, variances: Variances = "unequal"
) -> tuple[Pair, ...]:
    """All pairs of arms, first minus second; intervals and p-values hold for all pairs together.

    With `variances="equal"` this is the Tukey-Kramer procedure.

    Raises:
        NotEnoughData: Fewer than two arms, an arm with fewer than two observations, or no spread in a pair.

    Source:
        Games & Howell 1976, J. Educ. Stat. 1:113; Tukey 1953, Kramer 1956.
    """
    need(len(arms), 2, "arms")
    spread, dfs = _spreads(arms, variances)
    name = "Games-Howell" if variances == "unequal" else "Tukey-Kramer"
    pairs = []
    for i in range(len(arms)):
        for j in range(i + 1, len(arms)):
            se = math.sqrt(spread[i] + spread[j])
            _need_spread([se])
            df = _pair_df(spread, dfs, i, j, variances)
            test = wald(arms[i].mean - arms[j].mean, se, df=df, n=arms[i].n + arms[j].n, method="", unit=unit)
            reaches = partial(range_probability, k=len(arms), df=df)
            half = quantile(reaches, check_level(level)) * se / math.sqrt(2)
            adjusted = 1.0 - reaches(abs(test.statistic) * math.sqrt(2))
            pairs.append(Pair(i, j, _simultaneous(test, half, adjusted, level=level, method=name)))
    return tuple(pairs)


def one_way(
    arms: Sequence[Moments], *, unit: str = "", level: float = 0.95, variances: Variances = "unequal"
) -> Omnibus:
    """Do the means of k independent arms differ at all?

    Raises:
        NotEnoughData: Fewer than two arms, an arm with fewer than two observations, or an arm without spread (all
            arms, for equal variances).

    Source:
        Fisher 1925 (equal variances); Welch 1951, Biometrika 38:330.
    """
    need(len(arms), 2, "arms")
    need(min(arm.n for arm in arms), 2, "observations per arm")
    k, n = len(arms), sum(arm.n for arm in arms)
    means = np.array([arm.mean for arm in arms])
    if variances == "equal":
        within = sum((arm.n - 1) * arm.variance for arm in arms) / (n - k)
        _need_spread([within])
        pooled: Moments = sum(arms[1:], start=arms[0])
        between = ((n - 1) * pooled.variance - (n - k) * within) / (k - 1)
        statistic, df = between / within, float(n - k)
    else:
        _need_spread([arm.variance for arm in arms])
        weights = np.array([1.0 / arm.mean_variance for arm in arms])
        grand = (weights * means).sum() / weights.sum()
        lack = sum((1 - w / weights.sum()) ** 2 / (a.n - 1) for w, a in zip(weights, arms, strict=True))
        between = float((weights * (means - grand) ** 2).sum()) / (k - 1)
        statistic = between / (1 + 2 * (k - 2) / (k * k - 1) * lack)
        df = (k * k - 1) / (3 * lack)
    return Omnibus(
        arms=tuple(mean(arm, unit=unit, level=level) for arm in arms),
        p_value=float(fdtrc(k - 1, df, max(statistic, 0.0))),
        statistic=max(float(statistic), 0.0),
        df=float(df),
        effect=None,
        n=n,
        method="one-way analysis of variance" if variances == "equal" else "Welch analysis of variance",
    )


def _spreads(arms: Sequence[Moments], variances: Variances) -> tuple[list[float], list[float]]:
    """Variance of each arm's mean, and its degrees of freedom."""
    need(min(arm.n for arm in arms), 2, "observations per arm")
    if variances == "unequal":
        return [arm.mean_variance for arm in arms], [arm.n - 1.0 for arm in arms]
    df = sum(arm.n - 1 for arm in arms)
    pooled = sum((arm.n - 1) * arm.variance for arm in arms) / df
    return [pooled / arm.n for arm in arms], [float(df)] * len(arms)


def _pair_df(spread: list[float], dfs: list[float], i: int, j: int, variances: Variances) -> float:
    return dfs[0] if variances == "equal" else satterthwaite((spread[i], spread[j]), (dfs[i], dfs[j]))


def _simultaneous(test: Test, half_width: float, p: float, *, level: float, method: str) -> Test:
    """The single test with the family's interval and p-value; a side that was unbounded stays so."""
    single = test.estimate
    estimate = replace(
        single,
        lower=single.value - half_width if math.isfinite(single.lower) else single.lower,
        upper=single.value + half_width if math.isfinite(single.upper) else single.upper,
        level=level,
        method=method,
    )
    return replace(test, estimate=estimate, p_value=min(max(p, 0.0), 1.0), method=method)


def _need_spread(values: Sequence[float]) -> None:
    if not min(values) > 0:
        message = "some arms show no spread at all, so their differences cannot be tested together"
        raise NotEnoughData(message, hint="collect more, or compare the rates by `proportions`")
