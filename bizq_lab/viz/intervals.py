"""Intervals by row: the forest plot and the cost bars. Knows no question."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from bizq_lab.viz import lines, style
from bizq_lab.viz.axes import canvas
from bizq_lab.viz.image import describe
from bizq_lab.viz.rows import Row, axis_label, estimates, span, spoken

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bizq_lab.core.estimate import Estimate

Better = Literal["increase", "decrease", ""]


def forest(
    rows: Sequence[Row],
    *,
    label: str = "arm",
    estimate: str = "estimate",
    group: str = "",
    reference: float | None = None,
    margin: float | None = None,
    better: Better = "",
    title: str = "",
    xlabel: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw each row's value and interval on one scale, named at the left and spelled out at the right.

    Args:
        rows: One mapping a row, top to bottom.
        label: Column that names a row.
        estimate: Column of `Estimate`s, all in one unit. A bound at infinity becomes an arrow.
        group: Column that groups consecutive rows under a heading, such as the task type; empty for none.
        reference: Draw a line here, such as 0 for differences.
        margin: Draw a dashed line this far on the unfavourable side of `reference` (non-inferiority).
        better: Which side of `reference` is good; colours intervals that exclude it.
        title: Sentence above.
        xlabel: Axis label; by default the column's name and unit.
        ax: Where to draw; None makes a new figure.

    Raises:
        InputError: No rows, or a cell that is not an Estimate.
    """
    cells = estimates(rows, estimate)
    placed = lines.arrange(_groups(rows, group))
    with style.styled():
        ax = canvas(ax, height_in=placed.height_in)
        ends = [end for cell in cells for end in (cell.lower, cell.value, cell.upper)]
        low, high = span([*ends, *([] if reference is None else [reference])])
        if reference is not None:
            ax.axvline(reference, color=style.MUTED, linewidth=1, zorder=1)
        if reference is not None and margin is not None:
            edge = reference + (margin if better == "decrease" else -margin)
            low, high = span([low, high, edge], pad=0.0)
            _margin(ax, edge)
        for y, cell in zip(placed.places, cells, strict=True):
            _interval(ax, y, cell, (low, high), _tone(cell, reference, better))
        ax.set_xlim(low, high)
        style.money_ticks(ax.xaxis, cells[0].unit)
        lines.draw(ax, placed, [str(row.get(label, "")) for row in rows], [spoken(cell) for cell in cells])
        ax.set_xlabel(style.label(xlabel or axis_label(estimate, cells)))
        style.entitle(ax, title, pad=16 if margin is not None else 8)
        describe(ax, _said(title or f"Intervals of {axis_label(estimate, cells)}", rows, (group, label), cells))
    return ax


def _said(title: str, rows: Sequence[Row], columns: Sequence[str], cells: Sequence[Estimate]) -> str:
    """The figure in words."""
    names = [" ".join(str(row.get(column, "")) for column in columns if column) for row in rows]
    return f"{title}. " + "; ".join(f"{name}: {spoken(cell)}" for name, cell in zip(names, cells, strict=True)) + "."


def _groups(rows: Sequence[Row], group: str) -> list[str]:
    return [str(row.get(group, "")) if group else "" for row in rows]


def _margin(ax: Axes, edge: float) -> None:
    ax.axvline(edge, color=style.MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    ax.annotate(
        "margin",
        (edge, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 2),
        textcoords="offset points",
        color=style.MUTED,
        fontsize=8.5,
        ha="center",
        va="bottom",
    )


def _tone(cell: Estimate, reference: float | None, better: Better) -> str:
    if reference is None or cell.lower <= reference <= cell.upper:
        return style.INK if reference is not None else style.ACCENT
    if not better:
        return style.ACCENT
    return style.GOOD if (cell.value > reference) == (better == "increase") else style.BAD


def _interval(ax: Axes, y: float, cell: Estimate, limits: tuple[float, float], color: str) -> None:
    left, right = max(cell.lower, limits[0]), min(cell.upper, limits[1])
    ax.plot([left, right], [y, y], color=color, linewidth=2.2, zorder=2)
    for end, bound, marker in ((left, cell.lower, "<"), (right, cell.upper, ">")):
        if math.isinf(bound):
            ax.plot([end], [y], marker=marker, color=color, markersize=6, clip_on=False, zorder=3)
    ax.plot([cell.value], [y], marker="o", color=color, markersize=7, markeredgecolor=style.PAPER, zorder=4)


def cost_bars(
    rows: Sequence[Row],
    *,
    label: str = "arm",
    cost: str = "cost_usd",
    group: str = "",
    title: str = "",
    xlabel: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw what each row costs as a bar from zero, with its interval.

    Args:
        rows: One mapping a row, top to bottom.
        label: Column that names a row.
        cost: Column of `Estimate`s in one unit, none negative.
        group: Column that groups consecutive rows under a heading; empty for none.
        title: Sentence above.
        xlabel: Axis label; by default the column's name and unit.
        ax: Where to draw; None makes a new figure.

    Raises:
        InputError: No rows, or a cell that is not an Estimate.
    """
    cells = estimates(rows, cost)
    placed = lines.arrange(_groups(rows, group))
    with style.styled():
        ax = canvas(ax, height_in=placed.height_in)
        ends = [end for cell in cells for end in (cell.value, cell.upper) if math.isfinite(end)]
        limits = (0.0, 1.04 * max(ends) or 1.0)
        ax.barh(placed.places, [cell.value for cell in cells], height=0.5, color=style.ACCENT, alpha=0.28)
        for y, cell in zip(placed.places, cells, strict=True):
            _interval(ax, y, cell, limits, style.ACCENT)
        ax.set_xlim(*limits)
        style.money_ticks(ax.xaxis, cells[0].unit)
        lines.draw(ax, placed, [str(row.get(label, "")) for row in rows], [spoken(cell) for cell in cells])
        ax.set_xlabel(style.label(xlabel or axis_label(cost, cells)))
        ax.spines["left"].set_visible(True)
        style.entitle(ax, title)
        describe(ax, _said(title or f"Bars of {axis_label(cost, cells)}", rows, (group, label), cells))
    return ax
