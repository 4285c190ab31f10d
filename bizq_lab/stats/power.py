"""Power, sample size and minimum detectable effect, before anything is spent. Knows designs, not data.

Every design answers the same three questions. Effects are treatment minus control unless the design says otherwise;
`margin` turns each into a non-inferiority design. `design_effect` is the factor by which clustering inflates the
variance (see `clusters.design_effect`); with anytime-valid reading, `sequential` inflates the critical value.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy.special import nctdtr, ndtr

from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.stats.proportions import constrained_control_rate
from bizq_lab.stats.sequential import critical_multiplier
from bizq_lab.stats.tails import check_alpha, normal_quantile, t_quantile

_MOST_N = 1e12
_BISECTIONS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """What all designs share.

    Attributes:
        alpha: Error rate; of the one side when `margin` is set or `one_sided`.
        one_sided: Whether only one direction counts.
        margin: Largest acceptable loss, positive; 0 for a test of superiority or difference.
        design_effect: Variance inflation by clustering, 1 for independent tasks.
        sequential: Whether the interval will be read at will (asymptotic confidence sequence, tuned to n).
    """

    alpha: float = 0.05
    one_sided: bool = False
    margin: float = 0.0
    design_effect: float = 1.0
    sequential: bool = False

    def __post_init__(self) -> None:
        """Refuse rates and factors outside their domain."""
        check_alpha(self.alpha)
        if not (self.margin >= 0 and self.design_effect > 0):
            message = f"margin == {self.margin!r}, design_effect == {self.design_effect!r}, must be >= 0 and > 0"
            raise InputError(message)

    def power(self, n: float, effect: float) -> float:
        """Probability of success with `n` units per arm (pairs, if paired) if the true effect is `effect`."""
        raise NotImplementedError

    def n(self, effect: float, *, power: float = 0.8) -> float:
        """Units per arm (pairs, if paired) for the wanted power; exact, so round up.

        Raises:
            NotEnoughData: No sample size suffices: the effect lies at the null, or beyond the margin.
        """
        _check_power(power)
        return _increasing(lambda n: self.power(n, effect), power, low=self._least_n(), high=_MOST_N, what="n")

    def minimum_detectable_effect(self, n: float, *, power: float = 0.8) -> float:
        """Smallest favourable effect that `n` units per arm detect with the wanted power.

        Raises:
            NotEnoughData: Even the largest possible effect is not detected.
        """
        _check_power(power)
        return _increasing(lambda e: self.power(n, e), power, low=-self.margin, high=self._largest(), what="effect")

    @property
    def _tail(self) -> float:
        return self.alpha if self.one_sided or self.margin > 0 else self.alpha / 2

    def _least_n(self) -> float:
        return 2.0 * max(self.design_effect, 1.0)

    def _largest(self) -> float:
        return 1e9

    def _normal(self, n: float, shift: float, spread_null: float, spread_true: float) -> float:
        """Power of a z test: shift in the metric, standard deviations per unit under null and truth."""
        n = n / self.design_effect
        critical = self._critical(n)
        beyond = (shift * math.sqrt(n) - critical * spread_null) / spread_true
        power = float(ndtr(beyond))
        if self._tail < self.alpha:
            power += float(ndtr((-shift * math.sqrt(n) - critical * spread_null) / spread_true))
        return power

    def _critical(self, n: float) -> float:
        if self.sequential:
            return critical_multiplier(n, n, level=1 - self.alpha, one_sided=self._tail == self.alpha)
        return -normal_quantile(self._tail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Means(Design):
    """Difference of two independent means, Welch's test.

    Attributes:
        sd: Standard deviation of the control.
        treatment_sd: Standard deviation of the treatment; None means the same.

    Source:
        Cohen 1988; noncentral t. For a ratio of sums, use the standard deviation of its linearised values.
    """

    sd: float
    treatment_sd: float | None = None

    def power(self, n: float, effect: float) -> float:
        """See `Design.power`."""
        spread = math.hypot(self.sd, self.sd if self.treatment_sd is None else self.treatment_sd)
        df = 2 * (n / self.design_effect - 1)
        if self.treatment_sd is not None:
            a, b = self.sd**2, self.treatment_sd**2
            df = (n / self.design_effect - 1) * (a + b) ** 2 / (a * a + b * b)
        return _t_power(self, n, effect, spread, df)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedMeans(Design):
    """Mean of paired differences, the paired t test.

    Attributes:
        sd: Standard deviation of the differences.

    Source:
        Cohen 1988; noncentral t.
    """

    sd: float

    def power(self, n: float, effect: float) -> float:
        """See `Design.power`."""
        return _t_power(self, n, effect, self.sd, n / self.design_effect - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proportions(Design):
    """Difference of two independent success rates, score test.

    Attributes:
        control_rate: Success rate of the control, in (0, 1).

    Source:
        Fleiss, Levin & Paik 2003, 4.2 (difference); Farrington & Manning 1990, Stat. Med. 9:1447 (margin).
    """

    control_rate: float

    def __post_init__(self) -> None:
        """Refuse a rate that is certain."""
        super(Proportions, self).__post_init__()  # slots: the zero-argument form would see the undecorated class
        if not 0 < self.control_rate < 1:
            message = f"control_rate == {self.control_rate!r}, must be in (0, 1)"
            raise InputError(message)

    def power(self, n: float, effect: float) -> float:
        """See `Design.power`."""
        p0 = self.control_rate
        p1 = min(max(p0 + effect, 0.0), 1.0)
        true = math.sqrt(max(p1 * (1 - p1) + p0 * (1 - p0), 1e-12))
        q0 = constrained_control_rate(p1, p0, -self.margin)
        q1 = q0 - self.margin
        null = math.sqrt(max(q1 * (1 - q1) + q0 * (1 - q0), 0.0))
        return self._normal(n, p1 - p0 + self.margin, null, true)

    def _largest(self) -> float:
        return 1.0 - self.control_rate


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedProportions(Design):
    """Paired difference of success rates, McNemar's or Tango's test.

    Attributes:
        discordant: Share of tasks on which exactly one arm succeeds, in (0, 1].

    Source:
        Connor 1987, Biometrics 43:207; margin: Nam 1997, Biometrics 53:1422, with the null spread of the true rates.
    """

    discordant: float

    def power(self, n: float, effect: float) -> float:
        """See `Design.power`."""
        if abs(effect) > self.discordant:
            message = f"effect == {effect!r}, cannot exceed the discordant share {self.discordant!r}"
            raise InputError(message)
        true = math.sqrt(max(self.discordant - effect**2, 1e-12))
        null = math.sqrt(self.discordant) if self.margin == 0 else true
        return self._normal(n, effect + self.margin, null, true)

    def _largest(self) -> float:
        return self.discordant


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranks(Design):
    """Rank test of two independent arms; the effect is P(treatment larger) + P(tie) / 2 minus 1/2.

    Source:
        Noether 1987, JASA 82:645.
    """

    def power(self, n: float, effect: float) -> float:
        """See `Design.power`."""
        spread = math.sqrt(1 / 6)  # both arms of n: variance (n + n + 1) / (12 n n), about 1 / (6 n)
        return self._normal(n, effect + self.margin, spread, spread)

    def _largest(self) -> float:
        return 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Survival(Design):
    """Log-rank test; the effect is the log of the hazard ratio (positive: the treatment finishes sooner).

    Attributes:
        finished: Share of calls that finish before the timeout, in (0, 1].

    Source:
        Schoenfeld 1981, Biometrika 68:316.
    """

    finished: float = 1.0

    def power(self, n: float, effect: float) -> float:
        """See `Design.power`."""
        spread = math.sqrt(2 / self.finished)
        return self._normal(n, effect + self.margin, spread, spread)


def _t_power(design: Design, n: float, effect: float, spread: float, df: float) -> float:
    if not spread > 0:
        message = f"standard deviation == {spread!r}, must be positive"
        raise InputError(message)
    units, shift = n / design.design_effect, effect + design.margin
    if df <= 0:
        return 0.0
    centre = shift * math.sqrt(units) / spread
    if design.sequential or df > 1e5:  # noqa: PLR2004 - beyond, t and z agree to all digits and nctdtr loses them
        return design._normal(n, shift, spread, spread)  # noqa: SLF001 - same module, same family
    tail = design._tail  # noqa: SLF001 - same module, same family
    critical = t_quantile(1 - tail, df)
    power = 1.0 - float(nctdtr(df, centre, critical))
    if tail < design.alpha:
        power += float(nctdtr(df, centre, -critical))
    return min(max(power, 0.0), 1.0)


def _check_power(power: float) -> None:
    if not 0 < power < 1:
        message = f"power == {power!r}, must be in (0, 1)"
        raise InputError(message)


def _increasing(curve: Callable[[float], float], target: float, *, low: float, high: float, what: str) -> float:
    """Where an increasing curve reaches the target, searched geometrically from `low`."""
    step, right = 1e-3 if what == "effect" else low, low
    while right < high and curve(right) < target:
        step *= 2
        right = min(low + step, high)
    if curve(right) < target:
        message = f"no {what} up to {high:.3g} reaches power {target}"
        raise NotEnoughData(message, hint="raise n, accept a larger effect or margin, or lower the power")
    left = low
    for _ in range(_BISECTIONS):
        middle = (left + right) / 2
        left, right = (middle, right) if curve(middle) < target else (left, middle)
    return right
