"""Sufficient statistics and the answer of a test. Knows no procedure.

Totals are exact: integers and fractions stay integers and fractions, and a float is read as the binary fraction it is.
Two logs, days or strata therefore merge to the last bit, in any order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bizq_lab.core.estimate import Caveat, Estimate
from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.stats.exact import Number, add, as_integers, check_sums, covariance, exactly, quotient

Floats = NDArray[np.float64]
Alternative = Literal["two-sided", "greater", "less"]


@dataclass(frozen=True, slots=True)
class Moments:
    """Count, sum and sum of squares: all that a mean and its variance need.

    Attributes:
        n: Independent observations.
        total: Sum, exact for integers and fractions.
        total_sq: Sum of squares, exact likewise.
    """

    n: int
    total: Number = 0
    total_sq: Number = 0

    def __post_init__(self) -> None:
        """Refuse what no sample can produce."""
        check_sums(self.n, (self.total,), (self.total_sq,))

    @classmethod
    def from_values(cls, values: ArrayLike) -> Self:
        """Moments of an array, exact for integers and floats alike (the NIST StRD variances come out right).

        Args:
            values: Shape (n,), finite.
        """
        exact, unit = as_integers(values)
        return cls(len(exact), sum(exact) * unit, sum(v * v for v in exact) * unit * unit)

    def __add__(self, other: Moments) -> Moments:
        """Moments of the union of two disjoint samples."""
        return Moments(self.n + other.n, add(self.total, other.total), add(self.total_sq, other.total_sq))

    def scaled(self, factor: Number) -> Moments:
        """Moments of every value times `factor`, exactly: `scaled(Fraction(1, 10**9))` turns nano-USD into USD."""
        exact = Fraction(factor)
        return Moments(self.n, Fraction(self.total) * exact, Fraction(self.total_sq) * exact * exact)

    def shifted(self, constant: Number) -> Moments:
        """Moments of every value plus `constant`, exactly."""
        shift = Fraction(constant)
        total_sq = Fraction(self.total_sq) + 2 * shift * Fraction(self.total) + self.n * shift * shift
        return Moments(self.n, Fraction(self.total) + self.n * shift, total_sq)

    @property
    def mean(self) -> float:
        """Arithmetic mean; raises `NotEnoughData` for an empty sample."""
        _need(self.n, 1)
        return quotient(self.total, self.n)

    @property
    def variance(self) -> float:
        """Unbiased sample variance; raises `NotEnoughData` below two observations."""
        _need(self.n, 2)
        return max(covariance(self.n, self.total, self.total, self.total_sq), 0.0)  # floats may have been rounded

    @property
    def sd(self) -> float:
        """Sample standard deviation."""
        return math.sqrt(self.variance)

    @property
    def mean_variance(self) -> float:
        """Estimated variance of the mean."""
        return self.variance / self.n


@dataclass(frozen=True, slots=True)
class CrossMoments:
    """Joint moments of pairs (x, y): all that a covariance, a difference or a ratio of means needs.

    Attributes:
        n: Independent pairs.
        x_total: Sum of x.
        x_total_sq: Sum of x squared.
        y_total: Sum of y.
        y_total_sq: Sum of y squared.
        xy_total: Sum of products.
    """

    n: int
    x_total: Number = 0
    x_total_sq: Number = 0
    y_total: Number = 0
    y_total_sq: Number = 0
    xy_total: Number = 0

    def __post_init__(self) -> None:
        """Refuse what no sample can produce."""
        check_sums(self.n, (self.x_total, self.y_total), (self.x_total_sq, self.y_total_sq))
        if not math.isfinite(self.xy_total):
            message = f"xy_total == {self.xy_total!r}, must be finite"
            raise InputError(message)

    @classmethod
    def from_values(cls, x: ArrayLike, y: ArrayLike) -> Self:
        """Joint moments of two aligned arrays, exactly."""
        xs, x_unit = as_integers(x)
        ys, y_unit = as_integers(y)
        if len(xs) != len(ys):
            message = f"len(x) == {len(xs)} and len(y) == {len(ys)}, must be equal"
            raise InputError(message, hint="pairs are aligned by position")
        products = sum(a * b for a, b in zip(xs, ys, strict=True))
        mx, my = Moments.from_values(x), Moments.from_values(y)
        return cls(len(xs), mx.total, mx.total_sq, my.total, my.total_sq, products * x_unit * y_unit)

    def __add__(self, other: CrossMoments) -> CrossMoments:
        """Joint moments of the union of two disjoint samples."""
        return CrossMoments(
            self.n + other.n,
            add(self.x_total, other.x_total),
            add(self.x_total_sq, other.x_total_sq),
            add(self.y_total, other.y_total),
            add(self.y_total_sq, other.y_total_sq),
            add(self.xy_total, other.xy_total),
        )

    def scaled(self, x_factor: Number, y_factor: Number) -> CrossMoments:
        """Joint moments of (x times `x_factor`, y times `y_factor`), exactly."""
        x, y = self.x.scaled(x_factor), self.y.scaled(y_factor)
        xy = Fraction(self.xy_total) * Fraction(x_factor) * Fraction(y_factor)
        return CrossMoments(self.n, x.total, x.total_sq, y.total, y.total_sq, xy)

    @property
    def x(self) -> Moments:
        """Moments of x alone."""
        return Moments(self.n, self.x_total, self.x_total_sq)

    @property
    def y(self) -> Moments:
        """Moments of y alone."""
        return Moments(self.n, self.y_total, self.y_total_sq)

    @property
    def covariance(self) -> float:
        """Unbiased sample covariance; raises `NotEnoughData` below two pairs."""
        _need(self.n, 2)
        return covariance(self.n, self.x_total, self.y_total, self.xy_total)

    def combined(self, x_weight: Number, y_weight: Number) -> Moments:
        """Moments of `x_weight * x + y_weight * y`, exactly: (1, -1) gives the paired difference x - y."""
        a, b = exactly(x_weight), exactly(y_weight)
        total = a * exactly(self.x_total) + b * exactly(self.y_total)
        squares = (
            a * a * exactly(self.x_total_sq) + b * b * exactly(self.y_total_sq) + 2 * a * b * exactly(self.xy_total)
        )
        if squares * self.n < total * total:  # floats may have been rounded
            squares = Fraction(total * total) / self.n
        return Moments(self.n, total, squares)


class Bounds(NamedTuple):
    """Lower and upper bounds, arrays of one shape."""

    lower: Floats
    upper: Floats


@dataclass(frozen=True, slots=True)
class Tally:
    """Successes among independent trials."""

    successes: int
    n: int

    def __post_init__(self) -> None:
        """Refuse more successes than trials."""
        if not 0 <= self.successes <= self.n:
            message = f"successes == {self.successes!r} of n == {self.n!r}, must satisfy 0 <= successes <= n"
            raise InputError(message)

    def __add__(self, other: Tally) -> Tally:
        """Pool two disjoint samples."""
        return Tally(self.successes + other.successes, self.n + other.n)

    @property
    def rate(self) -> float:
        """Share of successes; raises `NotEnoughData` for no trials."""
        _need(self.n, 1)
        return self.successes / self.n


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedTally:
    """The 2x2 table of paired successes: both arms answered the same task.

    Attributes:
        both: Both succeeded.
        treatment_only: Only the treatment succeeded.
        control_only: Only the control succeeded.
        neither: Both failed.
    """

    both: int
    treatment_only: int
    control_only: int
    neither: int

    def __post_init__(self) -> None:
        """Refuse negative counts."""
        if min(self.both, self.treatment_only, self.control_only, self.neither) < 0:
            message = f"paired counts == {self!r}, must not be negative"
            raise InputError(message)

    def __add__(self, other: PairedTally) -> PairedTally:
        """Pool two disjoint samples of pairs."""
        return PairedTally(
            both=self.both + other.both,
            treatment_only=self.treatment_only + other.treatment_only,
            control_only=self.control_only + other.control_only,
            neither=self.neither + other.neither,
        )

    @property
    def n(self) -> int:
        """Pairs."""
        return self.both + self.treatment_only + self.control_only + self.neither


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """What a hypothesis test says.

    Attributes:
        estimate: The effect with its interval; `estimate.level` is the interval's coverage.
        p_value: Probability of a statistic at least as extreme if the effect were `null`.
        statistic: The test statistic; signed where the test has a sign.
        df: Degrees of freedom; None where the reference distribution has none.
        method: Procedure, as a reader would cite it.
        null: Effect under the null hypothesis.
        caveats: Coded reservations, such as `zero_variance`.
    """

    __test__: ClassVar[bool] = False  # pytest must not take the class for a test case

    estimate: Estimate
    p_value: float
    statistic: float
    df: float | None
    method: str
    null: float = 0.0
    caveats: tuple[Caveat, ...] = ()

    def __post_init__(self) -> None:
        """Refuse NaN and probabilities outside [0, 1]."""
        if not 0.0 <= self.p_value <= 1.0 or math.isnan(self.statistic):
            message = (
                f"p_value == {self.p_value!r}, statistic == {self.statistic!r}, must be a probability and a number"
            )
            raise InputError(message)


def _need(n: int, least: int) -> None:
    if n < least:
        message = f"n == {n}, must be at least {least}"
        raise NotEnoughData(message, hint="collect more observations, or widen the window")
