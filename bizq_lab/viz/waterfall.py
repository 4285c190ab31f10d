"""The cost waterfall: from one total to another, reason by reason. Knows no question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bizq_lab.core.money import format_usd
from bizq_lab.errors import InputError
from bizq_lab.viz import style
from bizq_lab.viz.axes import canvas
from bizq_lab.viz.image import describe
from bizq_lab.viz.rows import Row, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW_IN = 0.42


def waterfall(
    rows: Sequence[Row],
    *,
    label: str = "step",
    change: str = "change_usd",
    total: str = "total_usd",
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw totals as bars from zero and changes as bars between the running totals, named and spelled out.

    Args:
        rows: First and last are totals (their `change` is None); those between are changes.
        label: Column that names a step.
        change: Column of the step's size in USD.
        total: Column of the running total in USD.
        title: Sentence above.
        ax: Where to draw; None makes a new figure.

    Raises:
        InputError: Fewer than two rows, or a cell that is not a number.
    """
    if len(rows) < 2:  # noqa: PLR2004 - from somewhere to somewhere
        message = f"rows has {len(rows)} rows, must be at least a start and an end"
        raise InputError(message, hint="compare two windows")
    totals = [number(row, total) for row in rows]
    with style.styled():
        ax = canvas(ax, height_in=0.9 + _ROW_IN * len(rows))
        widest = max(map(abs, totals)) or 1.0
        for y, row in enumerate(rows):
            if row.get(change) is None:
                start, end, color, said = 0.0, totals[y], style.MUTED, format_usd(totals[y])
            else:
                start, end = totals[y - 1], totals[y]
                size = number(row, change)
                color = style.BAD if size > 0 else style.GOOD
                said = "no change" if size == 0 else ("+" if size > 0 else "-") + format_usd(abs(size))
                ax.plot([start, start], [y - 1, y], color=style.LINE, linewidth=1, zorder=1)
            ax.barh(y, end - start, left=start, height=0.55, color=color, zorder=2)
            ax.annotate(
                style.label(said),
                (max(start, end), y),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
                fontsize=9,
            )
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.set_yticks(range(len(rows)), labels=[style.label(str(row.get(label, ""))) for row in rows])
        ax.tick_params(axis="y", length=0)
        ax.set_xlim(min(0.0, *totals), 1.28 * widest)
        ax.spines["left"].set_visible(False)
        ax.set_xlabel("USD")
        style.money_ticks(ax.xaxis, "usd")
        style.entitle(ax, title)
        steps = "; ".join(
            f"{row.get(label)}: {format_usd(number(row, change if row.get(change) is not None else total))}"
            for row in rows
        )
        describe(ax, f"{title or 'Cost waterfall'}. {steps}.")
    return ax
