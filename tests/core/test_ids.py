"""Identifiers repeat when they should and never otherwise."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from bizq_lab.core.ids import derived_id, derived_seed, digest
from bizq_lab.core.seeded import SeededClock, SeededIds

parts = st.lists(st.text(), max_size=4)


@given(parts, parts)
def test_two_lists_share_a_digest_only_if_they_are_equal(first: list[str], second: list[str]) -> None:
    """`("ab", "c")` and `("a", "bc")` are different things."""
    assert (digest(*first) == digest(*second)) == (first == second)


@given(parts)
def test_a_derived_seed_fits_a_signed_64_bit_column(items: list[str]) -> None:
    assert 0 <= derived_seed(*items) < 2**63
    assert derived_id("dec", *items).startswith("dec_")


def test_seeded_identifiers_repeat_for_the_same_seed() -> None:
    first, again, other = SeededIds(7), SeededIds(7), SeededIds(8)
    drawn = [first("dec") for _ in range(5)]
    assert drawn == [again("dec") for _ in range(5)]
    assert len(set(drawn)) == 5
    assert other("dec") not in drawn


def test_a_seeded_clock_moves_only_when_told_or_looked_at() -> None:
    clock = SeededClock(date(2026, 11, 1))
    start = clock.now_us()
    clock.advance(1.5)
    assert clock.now_us() - start == 1_500_001
    assert start == 1_793_491_200_000_001
