"""Has a series of daily values changed its level, and when? A sequential test whose false alarms are paid by the month.

Each day is compared with the days before it; while nothing changes, its predictive p-value is uniform and independent
of the earlier ones. Bets against that multiply into evidence, for every day on which the change may have begun.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr

from bizq_lab.errors import InputError
from bizq_lab.stats.tails import need
from bizq_lab.stats.types import Floats

MONTH_DAYS = 30
_POWERS = np.array([0.1, 0.25, 0.4, 0.6])
_LEAST_P = 1e-4  # what one day can say at most, so that no single odd day raises an alarm


@dataclass(frozen=True, slots=True)
class Shift:
    """A change of level.

    Attributes:
        start: Index of the day on which it most likely began.
        detected: Index of the day that decided it.
        up: Whether the level rose.
    """

    start: int
    detected: int
    up: bool


@dataclass(frozen=True, slots=True)
class Series:
    """What a series shows up to its last day.

    Attributes:
        shifts: Every change detected, oldest first.
        evidence: Evidence for a change now, since the last one detected; compare with `needed`.
        needed: Evidence that detects.
        start: Index of the day on which such a change would most likely have begun.
        reference: Index of the first day that is compared with.
    """

    shifts: tuple[Shift, ...]
    evidence: float
    needed: float
    start: int
    reference: int


def detect_shifts(
    values: ArrayLike,
    sizes: ArrayLike,
    *,
    alpha: float,
    burn_in: int = 14,
    least_sd: float = 0.0,
) -> Series:
    """Replay a series day by day; after a change it starts afresh from the day the change began.

    Args:
        values: Shape (days,). Value of each day, transformed so that days are about normal.
        sizes: Shape (days,). Observations behind each; half of a typical day's variance is taken to be theirs.
        alpha: Probability of any false alarm in a month, both directions together.
        burn_in: Days of reference needed before a day is judged; two weeks hold two weekends.
        least_sd: Spread below which days are never taken to lie.

    Raises:
        InputError: Shapes differ, a burn-in below 3, or an alpha outside (0, 1).

    Source:
        e-detectors: Shin, Ramdas & Rinaldo 2024, NEJSDS 2:229, a Shiryaev-Roberts sum of e-processes; here discounted
        by 1/30 a day, so that its expectation stays below 30 and, by Doob's inequality, a threshold of 2 * 30 / alpha
        is passed with probability at most alpha in any month. Bets: power calibrators (Vovk & Wang 2021, Ann. Stat.
        49:1736).
    """
    y, n = np.asarray(values, dtype=np.float64), np.asarray(sizes, dtype=np.float64)
    if y.shape != n.shape or y.ndim != 1 or burn_in < 3 or not 0 < alpha < 1:  # noqa: PLR2004 - a spread needs three
        message = f"values {y.shape}, sizes {n.shape}, burn_in == {burn_in!r}, alpha == {alpha!r}"
        raise InputError(message, hint="one size a value, a burn-in of at least 3 days, alpha in (0, 1)")
    needed = 2 * MONTH_DAYS / (alpha / 2)
    shifts: list[Shift] = []
    book, reference = _Book(), 0
    for day in range(len(y)):
        if day - reference < burn_in:
            continue
        z, df = latest_against_past(y[reference : day + 1], n[reference : day + 1], least_sd=least_sd)
        book.add(np.array([stdtr(df, -z), stdtr(df, z)]), day)
        for side, up in enumerate((True, False)):
            if book.evidence[side] >= needed:
                shifts.append(Shift(start=book.start(side), detected=day, up=up))
                reference, book = shifts[-1].start, _Book()
                break
    best = int(np.argmax(book.evidence))
    return Series(
        shifts=tuple(shifts),
        evidence=float(book.evidence[best]),
        needed=needed,
        start=book.start(best) if book.evidence[best] > 0 else len(y),
        reference=reference,
    )


class _Book:
    """Evidence of both directions, for every power and every possible start."""

    def __init__(self) -> None:
        shape = (2, len(_POWERS))
        self._sums: Floats = np.zeros(shape)
        self._best: Floats = np.ones(shape)  # of the most likely start alone
        self._starts = np.zeros(shape, dtype=np.int64)

    @property
    def evidence(self) -> Floats:
        """Up, down."""
        return np.asarray(self._sums.mean(axis=1), dtype=np.float64)

    def add(self, p: Floats, day: int) -> None:
        """Bet on one more day."""
        gains = _POWERS * np.maximum(p, _LEAST_P)[:, None] ** (_POWERS - 1)
        self._sums = (1 + (1 - 1 / MONTH_DAYS) * self._sums) * gains
        self._starts = np.where(self._best <= 1, day, self._starts)
        self._best = np.maximum(self._best, 1) * gains

    def start(self, side: int) -> int:
        """Where the change most likely began."""
        return int(self._starts[side, int(np.argmax(self._best[side]))])


def latest_against_past(values: ArrayLike, sizes: ArrayLike, *, least_sd: float = 0.0) -> tuple[float, int]:
    """The last value against those before it: standard errors of a prediction, and its degrees of freedom.

    How much one value differs from the next is learnt from the values themselves, whatever makes them differ.

    Args:
        values: Shape (n,), n at least 3; about normal.
        sizes: Shape (n,). Observations behind each; half of a typical value's variance is taken to be theirs.
        least_sd: Spread below which values are never taken to lie.

    Source:
        Recursive residuals: Brown, Durbin & Evans 1975, JRSS B 37:149.
    """
    y, n = np.asarray(values, dtype=np.float64), np.asarray(sizes, dtype=np.float64)
    need(y.size, 3, "values")
    weight = 1 / (1 + n.mean() / n)
    past, w = y[:-1], weight[:-1]
    centre = float(np.average(past, weights=w))
    df = len(past) - 1
    typical = float(weight.mean())
    spread = max(math.sqrt(float((w * (past - centre) ** 2).sum()) / df), least_sd * math.sqrt(typical))
    error = spread * math.sqrt(1 / weight[-1] + 1 / w.sum())
    gap = float(y[-1]) - centre
    return (gap / error if error > 0 else math.copysign(math.inf, gap) if gap else 0.0), df
