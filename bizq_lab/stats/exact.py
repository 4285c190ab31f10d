"""Exact arithmetic under the sums: integers, fractions, and floats as the fractions they are. Knows no statistic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

from bizq_lab.errors import InputError

Number = int | float | Fraction

LARGEST_SQUARE = 10**250  # far beyond any measurement, and its square root still squares into a double

_MANTISSA_BITS = 53
_ROUNDING = Fraction(1, 10**12)
_CLEARLY = 1.0 - 1e-9


def add(left: Number, right: Number) -> Number:
    """Sum without rounding."""
    if isinstance(left, float) or isinstance(right, float):
        return Fraction(left) + Fraction(right)
    return left + right


def exactly(value: Number) -> int | Fraction:
    """The number itself; a float as the fraction it is."""
    return Fraction(value) if isinstance(value, float) else value


def quotient(total: Number, divisor: int) -> float:
    """`total / divisor`, rounded once."""
    return total / divisor if isinstance(total, int) else float(exactly(total) / divisor)


def covariance(n: int, x: Number, y: Number, xy: Number) -> float:
    """Unbiased covariance from sums, rounded once at the end."""
    return quotient(n * exactly(xy) - exactly(x) * exactly(y), n * (n - 1))


def check_sums(n: int, totals: tuple[Number, ...], squares: tuple[Number, ...]) -> None:
    """Raise `InputError` unless some sample of `n` values has these sums and sums of squares."""
    if n < 0:
        message = f"n == {n!r}, must not be negative"
        raise InputError(message)
    for total, total_sq in zip(totals, squares, strict=True):
        if not (-LARGEST_SQUARE < total < LARGEST_SQUARE and -LARGEST_SQUARE < total_sq < LARGEST_SQUARE):
            message = f"total == {str(total)[:40]}, total_sq == {str(total_sq)[:40]}, must be finite and of sane size"
            raise InputError(message, hint="a missing measurement is left out, never NaN; is the unit right?")
        if float(total) ** 2 < _CLEARLY * n * float(total_sq):
            continue  # no need to be exact about what is far from its bound
        mine, theirs = exactly(total), exactly(total_sq)
        excess = mine * mine - n * theirs  # Cauchy-Schwarz: never positive
        if excess > _ROUNDING * n * theirs:
            message = f"total == {total!r}, total_sq == {total_sq!r} for n == {n}: no sample has these sums"
            raise InputError(message, hint="were the squares summed in another unit, or did they overflow?")


def as_integers(values: ArrayLike) -> tuple[list[int], Fraction]:
    """Every value as an integer multiple of one common unit, without rounding."""
    array = np.asarray(values)
    if array.ndim != 1:
        message = f"values.shape == {array.shape}, must be one-dimensional"
        raise InputError(message)
    if array.dtype.kind in "bui":
        return [int(v) for v in array.tolist()], Fraction(1)
    floats = np.asarray(array, dtype=np.float64)
    if not np.isfinite(floats).all():
        message = "values must be finite, got NaN or infinity"
        raise InputError(message, hint="a missing measurement is left out, never NaN")
    mantissa, exponent = np.frexp(floats)
    exponent = np.where(mantissa == 0, 0, exponent)
    least = int(exponent.min(initial=0))
    whole = np.ldexp(mantissa, _MANTISSA_BITS).astype(np.int64).tolist()
    integers = [m << (e - least) for m, e in zip(whole, exponent.tolist(), strict=True)]
    return integers, Fraction(2) ** (least - _MANTISSA_BITS)
