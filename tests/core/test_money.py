"""Money adds up exactly, whatever is added."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizq_lab.core.money import Money, format_usd
from bizq_lab.errors import InputError

nanos = st.integers(min_value=-(10**18), max_value=10**18)


@given(st.lists(nanos, max_size=50))
def test_a_sum_of_amounts_is_exact_in_any_order(parts: list[int]) -> None:
    forwards, backwards = Money(), Money()
    for part in parts:
        forwards = forwards + Money(part)
    for part in reversed(parts):
        backwards = backwards + Money(part)
    assert forwards == backwards == Money(sum(parts))


@given(nanos)
def test_dollars_and_nano_dollars_round_trip(nano: int) -> None:
    assert Money.from_usd(Money(nano).usd) == Money(nano)


@given(st.decimals(min_value=0, max_value=1000, places=15))
def test_a_ceiling_never_undercounts(usd: Decimal) -> None:
    """A budget that rounds down is a budget that is overspent."""
    assert Money.ceil_usd(usd).usd >= usd
    assert Money.ceil_usd(usd).nano_usd - Money.from_usd(usd).nano_usd in {0, 1}


@pytest.mark.parametrize("bad", ["nan", "inf", "-inf", "free", float("nan")])
def test_what_is_not_a_finite_number_is_refused_with_its_value(bad: str | float) -> None:
    with pytest.raises(InputError, match=str(bad)):
        Money.from_usd(bad)


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        (0, "$0"),
        (12.3, "$12.30"),
        (0.25, "$0.25"),
        (0.0042, "$0.0042"),
        (-0.5, "-$0.50"),
        (1203.6, "$1,204"),
        (1.2e-7, "$0.00000012"),
    ],
)
def test_dollars_read_with_two_significant_digits_at_least(usd: float, text: str) -> None:
    assert format_usd(usd) == text
