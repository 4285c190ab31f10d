"""A column's ranks order it as `sorted` would, either way, with equal cells as they came and missing ones last."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizq_lab.core.estimate import Estimate
from bizq_lab.core.ranks import ranks
from bizq_lab.core.result import Cell
from bizq_lab.core.trend import Trend

MISSING = [None, math.nan, ""]
NUMBERS = st.integers(-5, 5) | st.floats(allow_nan=False) | st.booleans()


def usd(value: float) -> Estimate:
    return Estimate(value=value, lower=value, upper=value, unit="usd")


def ordered(cells: list[Cell], places: list[int | None], *, falling: bool) -> list[int]:
    """The rows as the style sheet orders them: those without a rank at the end, equal ones as they came."""
    last = len(cells)

    def order(row: int) -> int:
        place = places[row]
        return last if place is None else -place if falling else place

    return sorted(range(len(cells)), key=order)


@given(cells=st.lists(NUMBERS, min_size=3), falling=st.booleans())
def test_numbers_come_as_sorted_would_have_them(cells: list[Cell], *, falling: bool) -> None:
    if (places := ranks(cells)) is not None:
        by_hand = sorted(range(len(cells)), key=lambda row: cells[row], reverse=falling)  # type: ignore[arg-type, return-value] # numbers alone
        assert ordered(cells, places, falling=falling) == by_hand


@given(cells=st.lists(st.text(), min_size=3), falling=st.booleans())
def test_text_comes_by_letters_whatever_their_case(cells: list[str], *, falling: bool) -> None:
    if (places := ranks(cells)) is not None:
        said = [row for row in range(len(cells)) if cells[row]]
        blank = [row for row in range(len(cells)) if not cells[row]]
        by_hand = sorted(said, key=lambda row: cells[row].casefold(), reverse=falling)
        assert ordered([*cells], places, falling=falling) == by_hand + blank


@given(cells=st.lists(NUMBERS | st.sampled_from(MISSING), min_size=3), falling=st.booleans())
def test_what_is_missing_is_last_in_both_directions(cells: list[Cell], *, falling: bool) -> None:
    if (places := ranks(cells)) is not None:
        lacks = [row for row in range(len(cells)) if places[row] is None]
        assert all(cells[row] in (None, "") or cells[row] != cells[row] for row in lacks)
        assert ordered(cells, places, falling=falling)[len(cells) - len(lacks) :] == lacks


def test_equal_cells_share_their_rank() -> None:
    assert ranks([2, 1.0, 1, True, 3]) == [1, 0, 0, 0, 2]
    assert ranks(["b", "A", "a", None]) == [1, 0, 0, None]


def test_estimates_go_by_their_value_and_a_number_among_them_is_one_of_them() -> None:
    assert ranks([usd(0.02), usd(-math.inf), 0.01, None]) == [2, 0, 1, None]


def test_an_integer_larger_than_any_float_is_a_number_too() -> None:
    assert ranks([10**400, 1, math.inf]) == [1, 0, 2]


def test_numbers_come_before_text() -> None:
    assert ranks(["10", 9, "a", False]) == [2, 1, 3, 0]


def test_dates_as_text_come_by_the_calendar() -> None:
    assert ranks(["2026-11-02", "2026-02-11", "2025-12-31"]) == [2, 1, 0]


@pytest.mark.parametrize(
    "cells",
    [
        [],
        [2, 1],
        [1, 1, 1.0],
        [None, None, 1],
        [Trend((1.0,)), Trend((2.0,)), Trend((3.0,))],
        [usd(1), usd(2), Estimate(value=1, lower=1, upper=1, unit="s")],
    ],
    ids=["empty", "two rows", "all alike", "one value", "trends", "dollars and seconds"],
)
def test_nothing_to_sort_is_said(cells: list[Cell]) -> None:
    assert ranks(cells) is None
