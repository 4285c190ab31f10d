"""Money as integer nano-USD: exact wherever it is added up. Knows no prices and no models."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal, InvalidOperation
from functools import total_ordering

from bizq_lab.errors import InputError

NANO_PER_USD = 1_000_000_000


@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount of US dollars.

    Attributes:
        nano_usd: Integer billionths of a dollar.
    """

    nano_usd: int = 0

    @classmethod
    def from_usd(cls, usd: Decimal | float | str) -> Money:
        """Round dollars to the nearest nano-dollar.

        Raises:
            InputError: `usd` is not a finite number.
        """
        return cls(_scaled(usd, ROUND_HALF_EVEN))

    @classmethod
    def ceil_usd(cls, usd: Decimal | float | str) -> Money:
        """Round dollars up, for whatever a budget must not undercount."""
        return cls(_scaled(usd, ROUND_CEILING))

    @property
    def usd(self) -> Decimal:
        """The exact amount in dollars."""
        return Decimal(self.nano_usd) / NANO_PER_USD

    def __add__(self, other: Money) -> Money:
        """Add exactly."""
        return Money(self.nano_usd + other.nano_usd)

    def __sub__(self, other: Money) -> Money:
        """Subtract exactly; the difference may be negative."""
        return Money(self.nano_usd - other.nano_usd)

    def __lt__(self, other: Money) -> bool:
        """Order by amount."""
        return self.nano_usd < other.nano_usd

    def __float__(self) -> float:
        """Dollars as a float, for display and statistics only."""
        return self.nano_usd / NANO_PER_USD

    def __str__(self) -> str:
        """Dollars with as many digits as a reader needs."""
        return format_usd(float(self))


def format_usd(usd: float) -> str:
    """Show dollars with at least two significant digits: `$0.0042`, `$12.30`, `$1,204`."""
    if usd == 0:
        return "$0"
    size = abs(usd)
    sign = "-" if usd < 0 else ""
    if size >= 1000:  # noqa: PLR2004 - from here on cents are noise
        return f"{sign}${size:,.0f}"
    if size >= 0.1:  # noqa: PLR2004 - cents
        return f"{sign}${size:.2f}"
    digits = min(12, 1 - Decimal(size).adjusted())
    return f"{sign}${size:.{digits}f}"


def _scaled(usd: Decimal | float | str, rounding: str) -> int:
    try:
        return int((Decimal(str(usd)) * NANO_PER_USD).to_integral_value(rounding))
    except (InvalidOperation, ValueError, OverflowError) as error:
        message = f"amount == {usd!r}, must be a finite number of USD"
        raise InputError(message) from error
