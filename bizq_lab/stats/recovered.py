"""A difference from two intervals alone, where variances say too little. Knows no observations."""

from __future__ import annotations

import math

from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import NotEnoughData
from bizq_lab.stats.tails import normal_quantile, p_value
from bizq_lab.stats.types import Test

METHOD = "difference by recovered variances"


def recovered_difference(treatment: Estimate, control: Estimate) -> Test:
    """Difference of two independent estimates, each as uncertain towards the other as its own interval says.

    For arms whose observations are all the same: their variance of zero is no knowledge, their interval is. An interval
    without a bound on the side that matters leaves the difference unbounded, and p at 1.

    Args:
        treatment: With an interval of the same level as the control's.
        control: See `treatment`.

    Raises:
        NotEnoughData: Both intervals are points.

    Source:
        Zou & Donner 2008, Stat. Med. 27:1693 (MOVER); Newcombe 1998, Stat. Med. 17:873, is its case of shares.
    """
    value = treatment.value - control.value
    below = math.hypot(treatment.value - treatment.lower, control.upper - control.value)
    above = math.hypot(treatment.upper - treatment.value, control.value - control.lower)
    reach = below if value > 0 else above  # of the interval, towards no difference
    if reach == 0.0:
        message = "both intervals are points: nothing is known of how far chance reaches"
        raise NotEnoughData(message, hint="collect more observations")
    statistic = value / reach * normal_quantile(0.5 + treatment.level / 2)
    return Test(
        estimate=Estimate(
            value=value,
            lower=value - below,
            upper=value + above,
            level=treatment.level,
            unit=treatment.unit,
            n=treatment.n + control.n,
            method=METHOD,
        ),
        p_value=p_value(statistic, None, "two-sided"),
        statistic=statistic,
        df=None,
        method=METHOD,
        null=0.0,
    )
