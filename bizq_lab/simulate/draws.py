"""Counter-based randomness: the same parts give the same numbers, on any machine and in any order. Knows no world.

Numbers come from SHA-256, not from a generator with a state: a run that is interrupted, reordered or repeated in
part still sees the same world, and no library's stream guarantee is needed for byte-identical replays.
"""

from __future__ import annotations

import math
from statistics import NormalDist

from bizq_lab.core.ids import digest

_STANDARD = NormalDist()
_WORD = 16  # hexadecimal digits of one 64-bit number
_PER_BLOCK = 4  # 64-bit numbers in one SHA-256 digest
_MANTISSA = 2.0**53


def uniforms(count: int, *parts: object) -> tuple[float, ...]:
    """Independent uniform numbers in the open interval (0, 1).

    Args:
        count: How many.
        parts: What they belong to, such as (seed, task key, model, repeat).
    """
    blocks = [digest(*parts, block) for block in range(-(-count // _PER_BLOCK))]
    words = "".join(blocks)
    return tuple(((int(words[i * _WORD : (i + 1) * _WORD], 16) >> 11) + 0.5) / _MANTISSA for i in range(count))


def normals(count: int, *parts: object) -> tuple[float, ...]:
    """Independent standard normal numbers, by inversion."""
    return tuple(map(_STANDARD.inv_cdf, uniforms(count, *parts)))


def normal_at(uniform: float) -> float:
    """The standard normal quantile of a uniform number."""
    return _STANDARD.inv_cdf(uniform)


def sigmoid(logit: float) -> float:
    """Probability of a logit, without overflow."""
    if logit >= 0:
        return 1.0 / (1.0 + math.exp(-logit))
    odds = math.exp(logit)
    return odds / (1.0 + odds)


def logit(probability: float) -> float:
    """Logit of a probability in (0, 1)."""
    return math.log(probability / (1.0 - probability))


def mean_sigmoid(centre: float, spread: float) -> float:
    """Mean of sigmoid(centre + spread * Z), Z standard normal, by Simpson's rule on +-8 standard deviations."""
    if spread == 0.0:
        return sigmoid(centre)
    steps, reach = 200, 8.0
    width = 2 * reach / steps
    total = 0.0
    for i in range(steps + 1):
        z = -reach + i * width
        weight = 1 if i in (0, steps) else 4 if i % 2 else 2
        total += weight * sigmoid(centre + spread * z) * math.exp(-z * z / 2)
    return total * width / 3 / math.sqrt(2 * math.pi)


def mean_clipped_lognormal(median: float, sigma: float, limit: float) -> float:
    """Mean of min(X, limit) for log X ~ N(log median, sigma**2), in closed form."""
    depth = (math.log(limit / median)) / sigma
    below = median * math.exp(sigma * sigma / 2) * _STANDARD.cdf(depth - sigma)
    return below + limit * (1.0 - _STANDARD.cdf(depth))
