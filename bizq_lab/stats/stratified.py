"""Treated against the rest within strata, clustered by unit: what a rollout whose shares change is read by.

Knows no rollout. Strata are ramp stages: comparing within them keeps a change of the world between two stages from
looking like an effect (Simpson's paradox). A unit may appear in several strata, even on both sides; its rows are one
cluster.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.stats.sequential import critical_multiplier
from bizq_lab.stats.types import Floats

Codes = NDArray[np.int64]
Flags = NDArray[np.bool_]
Scale = Literal["difference", "log_ratio"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """Treated minus the rest.

    Attributes:
        value: Difference of means, or of their logarithms.
        se: Cluster-robust standard error.
        clusters: Units behind it.
    """

    value: float
    se: float
    clusters: int


def stratified_contrast(
    unit: Codes, stratum: Codes, treated: Flags, total: Floats, count: Floats, *, scale: Scale = "difference"
) -> Contrast:
    """Difference of ratio means within strata, pooled with Mantel-Haenszel weights `N1 N0 / (N1 + N0)`.

    The weights depend on counts alone, so pooling never selects on outcomes. Strata without both sides drop out.

    Args:
        unit: Shape (n,). Code of each row's unit, from 0.
        stratum: Shape (n,). Code of each row's stratum, from 0.
        treated: Shape (n,). Which side the row is on.
        total: Shape (n,). Sum of the metric over the row.
        count: Shape (n,). Observations in the row.
        scale: `log_ratio` contrasts the logarithms of the means, so that its exponential is a relative change.

    Raises:
        NotEnoughData: No stratum has both sides, or there are fewer than two units.
        InputError: A mean is not positive, and has no logarithm.

    Source:
        Linearised (influence function) variance of a stratified ratio estimator, summed by cluster: Cochran 1977,
        ch. 6; Mantel-Haenszel weights: Greenland & Robins 1985, Biometrics 41:55.
    """
    cell = stratum * 2 + treated
    cells = 2 * (int(stratum.max()) + 1) if len(stratum) else 0
    n = np.bincount(cell, weights=count, minlength=cells).reshape(-1, 2)
    sums = np.bincount(cell, weights=total, minlength=cells).reshape(-1, 2)
    harmonic = np.divide(n[:, 0] * n[:, 1], n.sum(axis=1), out=np.zeros(len(n)), where=n.sum(axis=1) > 0)
    if not harmonic.sum() > 0:
        message = "no stratum has observations on both sides"
        raise NotEnoughData(message, hint="a comparison needs treated and untreated units at the same time")
    weight = harmonic / harmonic.sum()
    mean = np.divide(sums, n, out=np.ones_like(sums), where=(n > 0) & (weight > 0)[:, None])
    slope = np.ones_like(mean)
    level = mean
    if scale == "log_ratio":
        if not (mean[weight > 0] > 0).all():
            message = "a mean is not positive, so that no ratio can be formed"
            raise InputError(message)
        level, slope = np.log(mean), 1.0 / mean
    side = np.array([-1.0, 1.0])
    # What a unit of residual in a cell does to the estimate.
    lever = np.divide(weight[:, None] * slope * side, n, out=np.zeros_like(n), where=n > 0).ravel()
    influence = np.bincount(unit, weights=lever[cell] * (total - mean.ravel()[cell] * count))
    clusters = int((np.bincount(unit, weights=count) > 0).sum())
    if clusters < 2:  # noqa: PLR2004 - one cluster has no spread
        message = f"{clusters} units, must be at least 2"
        raise NotEnoughData(message)
    variance = float(influence @ influence) * clusters / (clusters - 1)
    return Contrast(value=float(weight @ (level[:, 1] - level[:, 0])), se=math.sqrt(variance), clusters=clusters)


def anytime_bounds(contrast: Contrast, *, tuning_se: float, level: float, unit: str = "") -> Estimate:
    """Both one-sided bounds of a contrast that hold at every look, each at `level`.

    Time is counted in information, `1 / se**2`: a contrast whose units are observed ever longer gains less than its
    number of rows says, and in information time it still moves like Brownian motion.

    Args:
        contrast: As of this look.
        tuning_se: Standard error at which the bounds are to be tightest, fixed before the first look.
        level: Coverage of each bound over all looks together.
        unit: Unit of the effect.

    Raises:
        InputError: `tuning_se` is not positive.
        NotEnoughData: Nothing varied, so that there is no standard error.

    Source:
        Waudby-Smith et al. 2024, Ann. Stat. 52:2380 (one-sided asymptotic confidence sequence); information time:
        Jennison & Turnbull 2000, ch. 11.
    """
    if not 0.0 < tuning_se < math.inf:
        message = f"tuning_se == {tuning_se!r}, must be positive and finite"
        raise InputError(message)
    if not contrast.se > 0.0:
        raise NotEnoughData("nothing varied, so that no bound can be given", hint="collect more")
    information = (tuning_se / contrast.se) ** 2
    width = critical_multiplier(information, 1.0, level=level, one_sided=True) * contrast.se
    return Estimate(
        value=contrast.value,
        lower=contrast.value - width,
        upper=contrast.value + width,
        level=level,
        unit=unit,
        n=contrast.clusters,
        method="one-sided asymptotic confidence sequence, clustered by unit",
    )
