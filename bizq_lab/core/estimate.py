"""A number that says how sure it is. Knows nothing of how it was computed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bizq_lab.core.money import format_usd
from bizq_lab.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Caveat:
    """A reservation about an answer: a stable machine code, and a sentence."""

    code: str
    message: str

    def __str__(self) -> str:
        """The sentence, with its code."""
        return f"{self.message} [{self.code}]"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Estimate:
    """A value with its interval, unit and sample size.

    Attributes:
        value: Point estimate, inside the interval.
        lower: Lower bound; may be `-inf` for a one-sided interval.
        upper: Upper bound; may be `inf`.
        level: Coverage of the interval, in (0, 1).
        unit: `usd`, `s`, `success`, `quality`, `ratio`, …
        n: Independent units behind it.
        method: How it was computed.
        ess: Effective sample size under weighting; None without weights.
    """

    value: float
    lower: float
    upper: float
    level: float = 0.95
    unit: str = ""
    n: int = 0
    method: str = ""
    ess: float | None = None

    def __post_init__(self) -> None:
        """Refuse NaN and a value outside its own interval (rounding noise aside)."""
        if math.isnan(self.value) or math.isnan(self.lower) or math.isnan(self.upper):
            message = f"estimate == {self.value!r} [{self.lower!r}, {self.upper!r}], must not be NaN"
            raise InputError(message)
        slack = 1e-9 * max(1.0, abs(self.value)) if math.isfinite(self.value) else 0.0
        if not self.lower - slack <= self.value <= self.upper + slack:
            message = f"value == {self.value!r}, must lie in [{self.lower!r}, {self.upper!r}]"
            raise InputError(message)

    def over(self, divisor: float, *, unit: str) -> Estimate:
        """The same estimate in a larger unit, `divisor` times as large: nano-USD `over(1e9, unit="usd")`."""
        return Estimate(
            value=self.value / divisor,
            lower=self.lower / divisor,
            upper=self.upper / divisor,
            level=self.level,
            unit=unit,
            n=self.n,
            method=self.method,
            ess=self.ess,
        )

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies on one side of zero."""
        return self.lower > 0 or self.upper < 0

    def __str__(self) -> str:
        """`0.500 [0.402, 0.598] success`."""
        return (
            f"{quantity(self.value, self.unit)} [{quantity(self.lower, self.unit)}, {quantity(self.upper, self.unit)}]"
            + (f" {self.unit}" if self.unit not in _SELF_EXPLAINING else "")
        )

    __repr__ = __str__


_SELF_EXPLAINING = frozenset({"usd", "s", ""})


def quantity(value: float, unit: str = "") -> str:
    """A number as a reader wants it: dollars with a sign, seconds with an s, points whole, the rest to three digits."""
    if math.isinf(value):
        return "-∞" if value < 0 else "∞"
    if unit == "usd":
        return format_usd(value)
    if unit == "s":
        return f"{value:.3g} s" if abs(value) < 100 else f"{value:.0f} s"  # noqa: PLR2004 - minutes need no decimals
    if unit == "points":
        return f"{value:.0f}"
    return f"{value:.3f}" if abs(value) < 1000 else f"{value:,.0f}"  # noqa: PLR2004 - thousands need no decimals
