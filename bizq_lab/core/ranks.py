"""In which place a cell stands when its column is sorted. Knows no markup and no question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bizq_lab.core.estimate import Estimate
from bizq_lab.core.trend import Trend

if TYPE_CHECKING:
    from bizq_lab.core.result import Cell

FEWEST_ROWS = 3
"""Fewer rows need no sorting: a reader sees them all at once."""

Ranks = list[int | None] | None
"""Of one column: the rank of each of its cells, None for a cell that has none and for a column that is not sorted."""

_Key = tuple[bool, float, str]


def ranks(cells: Sequence[Cell]) -> Ranks:
    """The rank of each cell of a column from 0, lowest first; None for the column if there is nothing to sort.

    Equal cells share a rank. A cell that says nothing (None, NaN, empty text) has none, for it comes last whichever
    way the column is sorted. Numbers and truth values come before text, estimates go by their value, text ignores
    case. Trends have no order, nor have estimates in different units: a second is neither more nor less than a dollar.
    """
    keys = [_key(cell) for cell in cells]
    places = {key: place for place, key in enumerate(sorted({key for key in keys if key is not None}))}
    units = {cell.unit for cell in cells if isinstance(cell, Estimate)}
    if len(keys) < FEWEST_ROWS or len(places) < 2 or len(units) > 1:  # noqa: PLR2004 - one value is in every order
        return None
    return [None if key is None else places[key] for key in keys]


def _key(cell: Cell) -> _Key | None:
    match cell:
        case Estimate():
            return _key(cell.value)
        case None | Trend():
            return None
        case int() | float():
            return (False, cell, "") if cell == cell else None  # noqa: PLR0124 - NaN alone is not itself
        case _:
            return (True, 0.0, cell.casefold()) if cell else None
