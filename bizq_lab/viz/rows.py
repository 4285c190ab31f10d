"""Reading plain rows for a figure, with one clear error for what cannot be drawn. Must not draw."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bizq_lab.core.display import interval_text
from bizq_lab.core.estimate import Estimate, quantity
from bizq_lab.errors import InputError

Row = Mapping[str, Any]
AXIS_UNITS = {"usd": "USD", "s": "seconds", "": ""}


def estimates(rows: Sequence[Row], column: str) -> list[Estimate]:
    """The `Estimate` of each row in `column`.

    Raises:
        InputError: There are no rows, or some cell is not an Estimate with a finite value.
    """
    if not rows:
        message = "rows == [], must hold at least one row"
        raise InputError(message, hint="ask the log for a task type that has outcomes")
    return [_estimate(row, column) for row in rows]


def _estimate(row: Row, column: str) -> Estimate:
    cell = row.get(column)
    if not isinstance(cell, Estimate) or not math.isfinite(cell.value):
        message = f"row[{column!r}] == {cell!r:.80}, must be an Estimate with a finite value"
        raise InputError(message, hint=f"columns of this row: {', '.join(map(str, row))}"[:300])
    return cell


def number(row: Row, column: str) -> float:
    """A finite number of a row.

    Raises:
        InputError: It is missing, or not a finite number.
    """
    cell = row.get(column)
    if isinstance(cell, bool) or not isinstance(cell, (int, float)) or not math.isfinite(cell):
        message = f"row[{column!r}] == {cell!r:.80}, must be a finite number"
        raise InputError(message, hint=f"columns of this row: {', '.join(map(str, row))}"[:300])
    return float(cell)


def axis_label(name: str, cells: Sequence[Estimate]) -> str:
    """`cost per success (USD)`: the column's name with the unit its estimates share."""
    units = {cell.unit for cell in cells}
    unit = AXIS_UNITS.get(only := units.pop(), only) if len(units) == 1 else ""
    words = name.removesuffix("_usd").removesuffix("_s").replace("_", " ")
    return f"{words} ({unit})" if unit and unit.casefold() not in words.casefold().split() else words


def spoken(cell: Estimate) -> str:
    """`0.120 [0.020, 0.220]`, with dollars and seconds where they belong."""
    return f"{quantity(cell.value, cell.unit)} {interval_text(cell)}".replace("-", "\N{MINUS SIGN}")


def span(values: Sequence[float], *, pad: float = 0.06) -> tuple[float, float]:
    """Limits around the finite values with a little room; never of zero width."""
    finite = [value for value in values if math.isfinite(value)]
    low, high = min(finite), max(finite)
    room = pad * (high - low) if high > low else max(abs(high), 1.0) * 0.1
    return low - room, high + room
