"""Anytime-valid intervals for bounded outcomes that hold from the first observation. Knows no normal approximation.

For success and quality while samples are too small for `sequential`, whose guarantee is asymptotic.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import InputError
from bizq_lab.stats.tails import check_alpha, check_level, need
from bizq_lab.stats.types import Floats

Support = tuple[float, float]

_METHOD = "empirical-Bernstein confidence sequence"
_LARGEST_BET = 0.5


class Sequence(NamedTuple):
    """Bounds after each observation, each the tightest so far; arrays of shape (..., n)."""

    lower: Floats
    upper: Floats


def empirical_bernstein(
    values: ArrayLike, *, support: Support = (0.0, 1.0), unit: str = "", level: float = 0.95
) -> Estimate:
    """Mean of bounded observations, in their order of arrival, with an interval valid at every look.

    Args:
        values: Shape (n,), each inside `support`, in order of arrival.
        support: Least and greatest possible value.
        unit: Unit of the values.
        level: Coverage over all looks together.

    Returns:
        Estimate with the running intersection of all intervals so far; the value is the sample mean, moved to the
        nearest end should the intersection have left it behind.

    Raises:
        NotEnoughData: No observations.
        InputError: A value outside the support.

    Source:
        Waudby-Smith & Ramdas 2024, JRSS B 86:1, theorem 2 (predictable plug-in).
    """
    need(np.size(values), 1, "observations")
    sequence = empirical_bernstein_sequence(values, support=support, alpha=1 - check_level(level))
    lower, upper = float(sequence.lower[-1]), float(sequence.upper[-1])
    value = min(max(float(np.asarray(values, dtype=np.float64).mean()), lower), upper)
    return Estimate(value=value, lower=lower, upper=upper, level=level, unit=unit, n=np.size(values), method=_METHOD)


def empirical_bernstein_difference(
    treatment: ArrayLike,
    control: ArrayLike,
    *,
    support: Support = (0.0, 1.0),
    unit: str = "",
    level: float = 0.95,
) -> Estimate:
    """Difference of two arms' bounded means, valid at every look; each arm takes half of the error (conservative).

    Raises:
        NotEnoughData: An arm without observations.
        InputError: A value outside the support.

    Source:
        Waudby-Smith & Ramdas 2024, with Bonferroni over the arms.
    """
    halved = 0.5 + check_level(level) / 2
    one = empirical_bernstein(treatment, support=support, level=halved)
    zero = empirical_bernstein(control, support=support, level=halved)
    return Estimate(
        value=one.value - zero.value,
        lower=one.lower - zero.upper,
        upper=one.upper - zero.lower,
        level=level,
        unit=unit,
        n=one.n + zero.n,
        method=_METHOD,
    )


def empirical_bernstein_sequence(values: ArrayLike, *, support: Support = (0.0, 1.0), alpha: float = 0.05) -> Sequence:
    """Running bounds after each observation; the last axis is time, earlier axes are independent streams.

    Raises:
        InputError: A value outside the support, or a support without width.
    """
    low, high = support
    raw = np.asarray(values, dtype=np.float64)
    if not low < high or ((raw < low) | (raw > high) | np.isnan(raw)).any():
        message = f"values must lie in the support [{low!r}, {high!r}]"
        raise InputError(message)
    x = (raw - low) / (high - low)
    t = np.arange(1, x.shape[-1] + 1, dtype=np.float64)
    mean = (0.5 + np.cumsum(x, axis=-1)) / (t + 1)
    spread = (0.25 + np.cumsum((x - mean) ** 2, axis=-1)) / (t + 1)
    mean_before, spread_before = _before(mean, 0.5), _before(spread, 0.25)
    log = math.log(2 / check_alpha(alpha))
    bet = np.minimum(np.sqrt(2 * log / (spread_before * t * np.log1p(t))), _LARGEST_BET)
    penalty = 4 * (x - mean_before) ** 2 * (-np.log1p(-bet) - bet) / 4
    staked = np.cumsum(bet, axis=-1)
    centre = np.cumsum(bet * x, axis=-1) / staked
    half = (log + np.cumsum(penalty, axis=-1)) / staked
    lower = np.maximum.accumulate(np.maximum(centre - half, 0.0), axis=-1)
    upper = np.minimum.accumulate(np.minimum(centre + half, 1.0), axis=-1)
    crossed = lower > upper  # an error already made: keep a point, never an empty interval
    middle = (lower + upper) / 2
    lower, upper = np.where(crossed, middle, lower), np.where(crossed, middle, upper)
    return Sequence(low + (high - low) * lower, low + (high - low) * upper)


def _before(running: Floats, start: float) -> Floats:
    """The running value one observation earlier, so that bets never see the future."""
    first = np.full((*running.shape[:-1], 1), start)
    return np.asarray(np.concatenate([first, running[..., :-1]], axis=-1), dtype=np.float64)
