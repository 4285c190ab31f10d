"""Distribution of the largest of several correlated t statistics, by quadrature. Knows no arms."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from scipy.special import chdtri, ndtr, ndtri

from bizq_lab.stats.types import Floats

_NODES, _REACH, _SCALES = 129, 8.5, 49
_STEPS, _CLOSE, _FURTHEST = 60, 1e-10, 1e6


def root_probability(bound: float, shared: Floats, df: float, *, two_sided: bool) -> float:
    """P(max_i T_i <= bound), or of |T_i|, where T_i = (sqrt(1 - l_i^2) X_i - l_i Z) / S share one normal Z and one S.

    Args:
        bound: Upper limit.
        shared: Shape (k,), the l_i in [0, 1): correlation of i and j is l_i l_j.
        df: Degrees of freedom of S^2; infinite for the normal case.
        two_sided: Whether absolute values are meant.
    """
    z, weight = _normal_nodes()
    own = np.sqrt(1 - np.minimum(shared, 1 - 1e-12) ** 2)
    scale, scale_weight = _scales(df)
    high = (bound * scale[:, None, None] + shared * z[:, None]) / own
    inside = ndtr(high)
    if two_sided:
        inside = inside - ndtr((-bound * scale[:, None, None] + shared * z[:, None]) / own)
    products = np.asarray(np.prod(np.maximum(inside, 0.0), axis=2), dtype=np.float64)
    return float(products @ weight @ scale_weight)


def range_probability(bound: float, k: int, df: float) -> float:
    """P(range of k independent standard normals over S <= bound): the studentised range distribution."""
    z, weight = _normal_nodes()
    scale, scale_weight = _scales(df)
    inside = ndtr(z)[None, :] - ndtr(z[None, :] - bound * scale[:, None])
    powers = np.asarray(np.maximum(inside, 0.0) ** (k - 1), dtype=np.float64)
    return min(float(k * (powers @ weight @ scale_weight)), 1.0)


def quantile(probability: Callable[[float], float], level: float) -> float:
    """Where an increasing probability function reaches `level`: secant steps on the probit scale, kept bracketed."""
    low, high, goal = -1.0, 8.0, float(ndtri(level))
    while probability(high) < level and high < _FURTHEST:
        low, high = high, high * 2
    at_low, at_high = _probit(probability(low)), _probit(probability(high))
    for step in range(_STEPS):
        slope = (at_high - at_low) / (high - low)
        middle = low + (goal - at_low) / slope if slope > 0 and step % 3 < 2 else (low + high) / 2  # noqa: PLR2004 - halve now and then
        middle = min(max(middle, low), high)
        at_middle = _probit(probability(middle))
        if abs(at_middle - goal) < _CLOSE:
            return middle
        if at_middle < goal:
            low, at_low = middle, at_middle
        else:
            high, at_high = middle, at_middle
    return high


def _probit(share: float) -> float:
    return float(ndtri(min(max(share, 1e-15), 1 - 1e-15)))


@lru_cache(maxsize=1)
def _normal_nodes() -> tuple[Floats, Floats]:
    z = np.linspace(-_REACH, _REACH, _NODES)
    density = np.exp(-z * z / 2)
    return z, density / density.sum()


@lru_cache(maxsize=64)
def _scales(df: float) -> tuple[Floats, Floats]:
    """Nodes and weights of S = sqrt(chi2 / df), even in log chi2, where the trapezoid rule converges fastest."""
    if math.isinf(df):
        return np.ones(1), np.ones(1)
    low, high = (math.log(float(chdtri(df, share))) for share in (1 - 1e-13, 1e-13))
    log = np.linspace(low, high, _SCALES)
    exponent = (df * log - np.exp(log)) / 2
    density = np.exp(exponent - exponent.max())
    return np.exp(log / 2) / math.sqrt(df), density / density.sum()
