"""Intervals that stay valid however often they are read. Knows no schedule; planned looks are in `group_sequential`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from scipy.special import ndtr

from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import InputError
from bizq_lab.stats.tails import check_level, need
from bizq_lab.stats.types import Alternative, Test

_METHOD = "asymptotic confidence sequence"


def asymptotic_confidence_sequence(
    value: float,
    se: float,
    n: int,
    *,
    tuning_n: float,
    null: float = 0.0,
    unit: str = "",
    level: float = 0.95,
    alternative: Alternative = "two-sided",
) -> Test:
    """Interval and p-value that hold at every look, for any asymptotically normal estimate.

    It wraps any standard error: delta method, CUPED, clustered. Read it only after a burn-in of about 30 events and
    30 non-events per arm; before that the normal approximation has not set in.

    Args:
        value: Estimate after `n` observations.
        se: Its standard error.
        n: Observations so far, all arms together (clusters, if `se` is clustered).
        tuning_n: Sample size at which the interval is to be tightest, usually the planned total.
        null: Effect under the null hypothesis.
        unit: Unit of the effect.
        level: Coverage over all looks together.
        alternative: A one-sided sequence spends its error on one side.

    Raises:
        NotEnoughData: No observations.
        InputError: `se` or `tuning_n` is not positive.

    Source:
        Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas 2024, Ann. Stat. 52:2380, eq. 9 and its one-sided form.
    """
    need(n, 1, "observations")
    if not (0 < se < math.inf and tuning_n > 0):
        message = f"se == {se!r}, tuning_n == {tuning_n!r}, must be positive and finite"
        raise InputError(message)
    alpha, two_sided = 1 - check_level(level), alternative == "two-sided"
    information = _information(n, tuning_n, alpha, one_sided=not two_sided)
    root = math.sqrt(information + 1)
    width = critical_multiplier(n, tuning_n, level=level, one_sided=not two_sided) * se
    z = (value - null) / se
    towards = abs(z) if two_sided else max(z if alternative == "greater" else -z, 0.0)
    evidence = min(information * towards * towards / (2 * (information + 1)), 700.0)
    p = root * math.exp(-evidence) if two_sided else root / (2 * max(math.expm1(evidence), 1e-300))
    return Test(
        estimate=Estimate(
            value=value,
            lower=-math.inf if alternative == "less" else value - width,
            upper=math.inf if alternative == "greater" else value + width,
            level=level,
            unit=unit,
            n=n,
            method=_METHOD,
        ),
        p_value=min(1.0, p),
        statistic=z,
        df=None,
        method=_METHOD,
        null=null,
    )


def critical_multiplier(n: float, tuning_n: float, *, level: float = 0.95, one_sided: bool = False) -> float:
    """How many standard errors the sequence is wide after `n` observations (a fixed 95 % interval: 1.96).

    Source:
        Waudby-Smith et al. 2024, eq. 9; one-sided: their proposition on one-sided sequences.
    """
    alpha = 1 - check_level(level)
    information = _information(n, tuning_n, alpha, one_sided=one_sided)
    root = math.sqrt(information + 1)
    threshold = math.log1p(root / (2 * alpha)) if one_sided else math.log(root / alpha)
    return math.sqrt(2 * (information + 1) / information * threshold)


def _information(n: float, tuning_n: float, alpha: float, *, one_sided: bool) -> float:
    """`n` times the mixture precision that makes the interval tightest at `tuning_n` (closed form of their eq. 10)."""
    log = -2 * math.log(min(2 * alpha, 0.5) if one_sided else alpha)
    return n * (log + math.log(log + 1)) / tuning_n


def predictive_power(value: float, se: float, fraction: float, *, level: float = 0.95) -> float:
    """Probability that the interval will exclude zero once all the planned information is in.

    Args:
        value: Estimate so far.
        se: Its standard error.
        fraction: Share of the planned information that is in, in (0, 1].
        level: Of the confidence sequence, tuned to the planned information.

    Raises:
        InputError: `se` is not positive, or the fraction is outside (0, 1].

    Source:
        Spiegelhalter, Freedman & Blackburn 1986, Control. Clin. Trials 7:8, with a flat prior: given the data, the
        final estimate is normal about the present one with variance `se**2 (1 - fraction)`.
    """
    if not (0 < se < math.inf and 0 < fraction <= 1):
        message = f"se == {se!r}, fraction == {fraction!r}, must be positive and at most 1"
        raise InputError(message)
    bound = critical_multiplier(1.0, 1.0, level=level) * se * math.sqrt(fraction)
    if fraction == 1:
        return float(abs(value) > bound)
    spread = se * math.sqrt(1 - fraction)
    return float(ndtr((value - bound) / spread) + ndtr((-value - bound) / spread))


def running(looks: Sequence[Test]) -> Test:
    """Everything the looks so far have excluded: the intersection of their intervals and the least p-value.

    The estimate is the last look's value if the intersection contains it, else the nearest end. Should an effect
    that drifts make the intersection empty, the last look alone is returned.

    Raises:
        NotEnoughData: No looks.

    Source:
        Howard, Ramdas, McAuliffe & Sekhon 2021, Ann. Stat. 49:1055 (running intersection).
    """
    need(len(looks), 1, "looks")
    last = looks[-1]
    lower = max(look.estimate.lower for look in looks)
    upper = min(look.estimate.upper for look in looks)
    if lower > upper:
        return last
    value = min(max(last.estimate.value, lower), upper)
    return replace(
        last,
        estimate=replace(last.estimate, value=value, lower=lower, upper=upper),
        p_value=min(look.p_value for look in looks),
    )
