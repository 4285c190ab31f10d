"""Times that may be cut short by a timeout: Kaplan-Meier, restricted mean, quantiles, log-rank. Knows no clock.

A timeout is an observation of "at least this long". Dropping it makes slow arms look fast.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.stats.means import satterthwaite
from bizq_lab.stats.tails import check_level, need, normal_quantile, wald
from bizq_lab.stats.types import Alternative, Floats, Test


@dataclass(frozen=True, slots=True, eq=False)
class LifeTable:
    """One arm's times as counts: exact times, or the upper edges of histogram bins.

    Attributes:
        time: Shape (t,), ascending.
        events: Shape (t,). Calls that finished at that time.
        censored: Shape (t,). Calls cut short at that time; they were still at risk of finishing then.
    """

    time: Floats
    events: Floats
    censored: Floats

    @classmethod
    def of(cls, finished: ArrayLike, cut_short: ArrayLike = ()) -> LifeTable:
        """Build from the times of finished calls and of calls that timed out.

        Raises:
            InputError: A time is negative or not finite.
        """
        done, cut = np.asarray(finished, dtype=np.float64), np.asarray(cut_short, dtype=np.float64)
        both = np.concatenate([done, cut])
        if not np.isfinite(both).all() or (both < 0).any():
            message = "times must be finite and not negative"
            raise InputError(message)
        time, position = np.unique(both, return_inverse=True)
        events, censored = (
            np.bincount(part, minlength=time.size).astype(np.float64) for part in np.split(position, [done.size])
        )
        return cls(time, events, censored)

    @property
    def n(self) -> int:
        """Calls."""
        return int(self.events.sum() + self.censored.sum())

    @property
    def at_risk(self) -> Floats:
        """Shape (t,). Calls not yet finished or cut short just before each time."""
        leaving = self.events + self.censored
        return np.asarray(leaving[::-1].cumsum()[::-1], dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class SurvivalCurve:
    """Share of calls still running.

    Attributes:
        time: Shape (t,), times of events.
        survival: Shape (t,), share running after each time.
        greenwood: Shape (t,), running sum of d / (r (r - d)): squared relative standard error of `survival`.
    """

    time: Floats
    survival: Floats
    greenwood: Floats


def kaplan_meier(table: LifeTable) -> SurvivalCurve:
    """Product-limit estimate of the share of calls still running.

    Raises:
        NotEnoughData: No calls.

    Source:
        Kaplan & Meier 1958, JASA 53:457; Greenwood 1926.
    """
    need(table.n, 1, "calls")
    happened = table.events > 0
    done, risk = table.events[happened], table.at_risk[happened]
    with np.errstate(divide="ignore"):
        terms = np.where(risk > done, done / (risk * np.maximum(risk - done, 1)), math.inf)
    survival = np.asarray(np.cumprod(1 - done / risk), dtype=np.float64)
    return SurvivalCurve(table.time[happened], survival, np.cumsum(terms))


def restricted_mean(table: LifeTable, horizon: float, *, unit: str = "s", level: float = 0.95) -> Estimate:
    """Mean time up to `horizon`: the time a user waits when told to wait no longer than that.

    Raises:
        NotEnoughData: Fewer than two calls, or follow-up that ends before the horizon.
        InputError: `horizon` is not positive.

    Source:
        Royston & Parmar 2013, BMC Med. Res. Methodol. 13:152; variance with the factor m / (m - 1) of Kaplan & Meier.
    """
    value, variance, df = _restricted(table, horizon)
    if variance <= 0.0:
        unseen = -math.expm1(math.log1p(-check_level(level)) / table.n)
        low, high = value * (1 - unseen), value + unseen * (horizon - value)
        return Estimate(
            value=value,
            lower=low,
            upper=high,
            level=level,
            unit=unit,
            n=table.n,
            method="restricted mean, zero variance",
        )
    estimate = wald(
        value, math.sqrt(variance), df=df, n=table.n, method="restricted mean", unit=unit, level=level
    ).estimate
    return Estimate(
        value=value,
        lower=max(estimate.lower, 0.0),
        upper=min(estimate.upper, horizon),
        level=level,
        unit=unit,
        n=table.n,
        method=estimate.method,
    )


def restricted_mean_difference(
    treatment: LifeTable,
    control: LifeTable,
    horizon: float,
    *,
    null: float = 0.0,
    unit: str = "s",
    level: float = 0.95,
    alternative: Alternative = "two-sided",
) -> Test:
    """Difference of restricted means, treatment minus control.

    Raises:
        NotEnoughData: An arm with fewer than two calls, follow-up that ends before the horizon, or no spread in
            either arm.
        InputError: `horizon` is not positive.

    Source:
        Royston & Parmar 2013, BMC Med. Res. Methodol. 13:152.
    """
    (value1, var1, df1), (value0, var0, df0) = _restricted(treatment, horizon), _restricted(control, horizon)
    if var1 + var0 <= 0.0:
        message = "every call took the same time, so the spread of the restricted means is unknown"
        raise NotEnoughData(message, hint="compare the timeout rates by `proportions`")
    return wald(
        value1 - value0,
        math.sqrt(var1 + var0),
        df=satterthwaite((var1, var0), (df1, df0)),
        n=treatment.n + control.n,
        method="restricted mean difference",
        unit=unit,
        null=null,
        level=level,
        alternative=alternative,
    )


def survival_quantile(table: LifeTable, probability: float, *, unit: str = "s", level: float = 0.95) -> Estimate:
    """Time by which a share `probability` of calls has finished; infinite where timeouts hide it.

    Raises:
        NotEnoughData: No calls.
        InputError: `probability` is not in (0, 1).

    Source:
        Brookmeyer & Crowley 1982, Biometrics 38:29, on the log-log scale.
    """
    if not 0.0 < probability < 1.0:
        message = f"probability == {probability!r}, must be in (0, 1)"
        raise InputError(message)
    curve = kaplan_meier(table)
    running = 1.0 - probability
    if not curve.time.size:
        return _quantile_without_events(table, running, unit=unit, level=level)
    z = normal_quantile(0.5 + check_level(level) / 2)
    survival = np.clip(curve.survival, 1e-12, 1 - 1e-12)
    log = np.log(survival)
    spread = np.where(curve.survival > 0, np.sqrt(np.minimum(curve.greenwood, 1e12)), 0.0) / np.abs(log)
    low_curve, high_curve = (np.exp(log * np.exp(sign * z * spread)) for sign in (1, -1))
    unseen = ((1 - level) / 2) ** (1 / table.n)  # before the first and after the last event no spread was observed
    high_curve = np.where(curve.survival > 0, high_curve, 1.0 - unseen)
    value = _first_below(curve.time, curve.survival, running)
    beyond = float(table.time[-1])
    lower = _first_below(curve.time, low_curve, running) if unseen > running else 0.0
    return Estimate(
        value=value,
        lower=min(lower if math.isfinite(lower) else beyond, value),
        upper=max(_first_below(curve.time, high_curve, running), value),
        level=level,
        unit=unit,
        n=table.n,
        method=f"Kaplan-Meier p{100 * probability:g}",
    )


def _quantile_without_events(table: LifeTable, running: float, *, unit: str, level: float) -> Estimate:
    """Everything timed out: the quantile is beyond the timeout, if enough calls say so (Clopper & Pearson 1934)."""
    surely_running = ((1 - level) / 2) ** (1 / table.n)
    lower = float(table.time[0]) if surely_running > running else 0.0
    return Estimate(
        value=math.inf, lower=lower, upper=math.inf, level=level, unit=unit, n=table.n, method="Kaplan-Meier, no event"
    )


def log_rank(treatment: LifeTable, control: LifeTable, *, level: float = 0.95) -> Test:
    """Do two arms finish at the same rate throughout? The estimate is the hazard ratio (above 1: finishes sooner).

    Raises:
        NotEnoughData: An arm without calls, or no event that both arms could have had.

    Source:
        Mantel 1966; Peto & Peto 1972, JRSS A 135:185 (one-step hazard ratio).
    """
    need(min(treatment.n, control.n), 1, "calls per arm")
    time = np.unique(np.concatenate([treatment.time, control.time]))
    (done1, risk1), (done0, risk0) = _on_grid(treatment, time), _on_grid(control, time)
    done, risk = done1 + done0, risk1 + risk0
    several = risk > 1
    share = risk1[several] / risk[several]
    variance = float(
        (done[several] * share * (1 - share) * (risk[several] - done[several]) / (risk[several] - 1)).sum()
    )
    if variance <= 0.0:
        message = "no call finished while calls of both arms were running"
        raise NotEnoughData(message, hint="collect more calls, or raise the timeout")
    score = float((done1 - np.divide(done * risk1, risk, out=np.zeros_like(done), where=risk > 0)).sum())
    half = normal_quantile(0.5 + check_level(level) / 2) / math.sqrt(variance)
    statistic = score * score / variance
    return Test(
        estimate=Estimate(
            value=math.exp(score / variance),
            lower=math.exp(score / variance - half),
            upper=math.exp(min(score / variance + half, 700.0)),
            level=level,
            unit="ratio",
            n=treatment.n + control.n,
            method="Peto hazard ratio",
        ),
        p_value=float(chdtrc(1, statistic)),
        statistic=statistic,
        df=1.0,
        method="log-rank",
        null=1.0,
    )


def _restricted(table: LifeTable, horizon: float) -> tuple[float, float, float]:
    """Restricted mean, its variance and degrees of freedom."""
    if not 0.0 < horizon < math.inf:
        message = f"horizon == {horizon!r}, must be positive and finite"
        raise InputError(message)
    need(table.n, 2, "calls")
    curve = kaplan_meier(table)
    if table.time[-1] < horizon and table.censored[-1] > 0:
        message = f"calls were cut short at {table.time[-1]:g}, before the horizon {horizon:g}"
        raise NotEnoughData(message, hint="choose a horizon no later than the timeout")
    inside = curve.time <= horizon
    time, survival = curve.time[inside], curve.survival[inside]
    edges = np.concatenate([[0.0], time, [horizon]])
    area = np.concatenate([[1.0], survival]) * np.diff(edges)
    after = area[::-1].cumsum()[::-1][1:]  # time still to be spent beyond each event
    done, risk = table.events[table.events > 0][inside], table.at_risk[table.events > 0][inside]
    rest = risk - done
    terms = np.where(rest > 0, after**2 * done / (risk * np.maximum(rest, 1)), 0.0)
    events = float(done.sum())
    inflation = table.n / (table.n - 1)
    return float(area.sum()), float(terms.sum()) * inflation, float(max(table.n - 1, 1)) if events else 1.0


def _first_below(time: Floats, share: Floats, running: float) -> float:
    reached = np.flatnonzero(share <= running + 1e-12)
    return float(time[reached[0]]) if reached.size else math.inf


def _on_grid(table: LifeTable, time: Floats) -> tuple[Floats, Floats]:
    """Events at, and calls at risk just before, each time of a common grid."""
    events = np.zeros(time.size)
    events[np.searchsorted(time, table.time)] = table.events
    position = np.searchsorted(table.time, time)
    risk = np.append(table.at_risk, 0.0)[position]
    return events, risk
