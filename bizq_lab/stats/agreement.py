"""Do raters agree beyond chance? Cohen, Fleiss, Krippendorff. Knows ratings, not what they are about."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.stats.tails import check_level, need, t_quantile
from bizq_lab.stats.types import Floats

Weights = Literal["none", "linear", "quadratic"]
Scale = Literal["nominal", "ordinal", "interval"]


def cohen_kappa(first: ArrayLike, second: ArrayLike, *, weights: Weights = "none", level: float = 0.95) -> Estimate:
    """Agreement of two raters on the same items.

    Args:
        first: Shape (items,). Category codes by the first rater; the order of codes matters only when weighted.
        second: The same by the second rater.
        weights: Disagreement by distance between categories.
        level: Coverage of the interval.

    Raises:
        NotEnoughData: Fewer than two items, or both raters used one and the same category throughout.

    Source:
        Cohen 1960, Educ. Psychol. Meas. 20:37; weighted: Cohen 1968. Interval: jackknife over items.
    """
    codes = np.stack([np.asarray(first), np.asarray(second)])
    levels, position = np.unique(codes, return_inverse=True)
    position = position.reshape(codes.shape)
    k = levels.size
    distance = np.abs(np.subtract.outer(np.arange(k), np.arange(k))).astype(np.float64)
    distance = {"none": (distance > 0).astype(np.float64), "linear": distance, "quadratic": distance**2}[weights]
    per_item = np.zeros((codes.shape[1], k * k))
    per_item[np.arange(codes.shape[1]), position[0] * k + position[1]] = 1.0

    def kappa(table: Floats) -> float:
        joint = table.reshape(k, k) / table.sum()
        expected = float((np.outer(joint.sum(axis=1), joint.sum(axis=0)) * distance).sum())
        return 1.0 - float((joint * distance).sum()) / expected if expected > 0 else math.nan

    return _jackknifed(per_item, kappa, level, "Cohen's kappa" if weights == "none" else f"Cohen's kappa, {weights}")


def fleiss_kappa(counts: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Agreement of several raters, the same number for each item.

    Args:
        counts: Shape (items, categories). How many raters chose each category.
        level: Coverage of the interval.

    Raises:
        NotEnoughData: Fewer than two items, or one category throughout.
        InputError: Items with different numbers of raters, or fewer than two.

    Source:
        Fleiss 1971, Psychol. Bull. 76:378. Interval: jackknife over items.
    """
    table = np.asarray(counts, dtype=np.float64)
    raters = table.sum(axis=1)
    if table.ndim != 2 or raters.size == 0 or raters.min() != raters.max() or raters[0] < 2:  # noqa: PLR2004 - agreement takes two
        message = "every item needs the same number of raters, at least two"
        raise InputError(message, hint="use `krippendorff_alpha` for missing ratings")
    m = float(raters[0])
    agreeing = ((table**2).sum(axis=1) - m) / (m * (m - 1))
    per_item = np.column_stack([np.ones(raters.size), agreeing, table / m])

    def kappa(sums: Floats) -> float:
        observed, shares = sums[1] / sums[0], sums[2:] / sums[0]
        chance = float((shares**2).sum())
        return float(observed - chance) / (1 - chance) if chance < 1 - 1e-12 else math.nan

    return _jackknifed(per_item, kappa, level, "Fleiss' kappa")


def krippendorff_alpha(ratings: ArrayLike, *, scale: Scale = "ordinal", level: float = 0.95) -> Estimate:
    """Agreement of any number of raters, with missing ratings, on a scale of any kind.

    Args:
        ratings: Shape (raters, items), NaN where a rater did not rate. Items with fewer than two ratings say nothing.
        scale: How far apart two ratings are.
        level: Coverage of the interval.

    Raises:
        NotEnoughData: Fewer than two items with two ratings, or one value throughout.

    Source:
        Krippendorff 2011, "Computing Krippendorff's alpha-reliability". Interval: jackknife over items.
    """
    table = np.asarray(ratings, dtype=np.float64)
    table = table[:, (~np.isnan(table)).sum(axis=0) > 1]
    need(table.shape[1], 2, "items with two ratings")
    levels = np.unique(table[~np.isnan(table)])
    k = levels.size
    counts = np.stack([(table == value).sum(axis=0) for value in levels], axis=1).astype(np.float64)
    rated = counts.sum(axis=1)
    pairs = np.einsum("ij,il->ijl", counts, counts) - counts[:, :, None] * np.eye(k)
    per_item = (pairs / (rated - 1)[:, None, None]).reshape(-1, k * k)

    def alpha(sums: Floats) -> float:
        coincidence = sums.reshape(k, k)
        margin = coincidence.sum(axis=0)
        distance = _distance(levels, margin, scale)
        expected = float((np.outer(margin, margin) * distance).sum()) / (margin.sum() - 1)
        return 1.0 - float((coincidence * distance).sum()) / expected if expected > 0 else math.nan

    return _jackknifed(per_item, alpha, level, f"Krippendorff's alpha, {scale}")


def _distance(levels: Floats, margin: Floats, scale: Scale) -> Floats:
    """Squared distance between values; ordinal distance counts the ratings that lie between."""
    if scale == "nominal":
        return 1.0 - np.eye(levels.size)
    place = levels if scale == "interval" else np.cumsum(margin) - margin / 2
    return np.asarray(np.subtract.outer(place, place) ** 2, dtype=np.float64)


def _jackknifed(per_item: Floats, statistic: Callable[[Floats], float], level: float, method: str) -> Estimate:
    """Statistic of summed items with its leave-one-out interval, kept at or below 1."""
    items = per_item.shape[0]
    need(items, 2, "items")
    total = per_item.sum(axis=0)
    value = statistic(total)
    if math.isnan(value):
        message = "all ratings are the same, so agreement beyond chance is undefined"
        raise NotEnoughData(message, hint="rate items that differ")
    without = np.array([statistic(total - row) for row in per_item])
    without = np.where(np.isnan(without), value, without)
    spread = math.sqrt((items - 1) / items * float(((without - without.mean()) ** 2).sum()))
    if spread > 0:
        half = t_quantile(0.5 + check_level(level) / 2, items - 1) * spread
        lower, upper = value - half, min(value + half, 1.0)
    else:  # perfect agreement: some of the items never seen may still be disputed
        unseen = -math.expm1(math.log1p(-level) / items)
        lower, upper = value - unseen * (1.0 + abs(value)), 1.0
    return Estimate(
        value=value, lower=lower, upper=max(upper, value), level=level, unit="agreement", n=items, method=method
    )
