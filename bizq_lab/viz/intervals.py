"""Intervals by row: the forest plot and the cost bars. Knows no question."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from bizq_lab.viz import style
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
    names = [row.get(label, "") for row in rows]
    with style.styled():
        ax = style.canvas(ax, height_in=1.05 + 0.36 * len(rows))
        ends = [end for cell in cells for end in (cell.lower, cell.value, cell.upper)]
        low, high = span([*ends, *([] if reference is None else [reference])])
        if reference is not None:
            ax.axvline(reference, color=style.MUTED, linewidth=1, zorder=1)
        if reference is not None and margin is not None:
            edge = reference + (margin if better == "decrease" else -margin)
            low, high = span([low, high, edge], pad=0.0)
            _margin(ax, edge)
        for y, cell in enumerate(cells):
            _interval(ax, y, cell, (low, high), _tone(cell, reference, better))
        ax.set_xlim(low, high)
        _name_rows(ax, names, cells)
        ax.set_xlabel(style.label(xlabel or axis_label(estimate, cells)))
        ax.set_title(style.label(title, 90), pad=16 if margin is not None else 8)
        describe(ax, _said(title or f"Intervals of {axis_label(estimate, cells)}", names, cells))
    return ax


def _name_rows(ax: Axes, names: Sequence[object], cells: Sequence[Estimate]) -> None:
    """Names at the left, numbers spelled out at the right."""
    for y, cell in enumerate(cells):
        ax.annotate(
            style.label(spoken(cell)),
            (1, y),
            xycoords=("axes fraction", "data"),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    style.money_ticks(ax.xaxis, cells[0].unit)
    ax.set_yticks(range(len(names)), labels=[style.label(name) for name in names])
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0, labelcolor=style.INK)
    ax.spines["left"].set_visible(False)


def _said(title: str, names: Sequence[object], cells: Sequence[Estimate]) -> str:
    return f"{title}. " + "; ".join(f"{name}: {spoken(cell)}" for name, cell in zip(names, cells, strict=True)) + "."


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
    title: str = "",
    xlabel: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw what each row costs as a bar from zero, with its interval.

    Args:
        rows: One mapping a row, top to bottom.
        label: Column that names a row.
        cost: Column of `Estimate`s in one unit, none negative.
        title: Sentence above.
        xlabel: Axis label; by default the column's name and unit.
        ax: Where to draw; None makes a new figure.

    Raises:
        InputError: No rows, or a cell that is not an Estimate.
    """
    cells = estimates(rows, cost)
    with style.styled():
        ax = style.canvas(ax, height_in=1.05 + 0.36 * len(rows))
        ends = [end for cell in cells for end in (cell.value, cell.upper) if math.isfinite(end)]
        limits = (0.0, 1.04 * max(ends) or 1.0)
        ax.barh(range(len(rows)), [cell.value for cell in cells], height=0.5, color=style.ACCENT, alpha=0.28)
        for y, cell in enumerate(cells):
            _interval(ax, y, cell, limits, style.ACCENT)
        ax.set_xlim(*limits)
        _name_rows(ax, [row.get(label, "") for row in rows], cells)
        ax.set_xlabel(style.label(xlabel or axis_label(cost, cells)))
        ax.spines["left"].set_visible(True)
        ax.set_title(style.label(title, 90))
        describe(ax, _said(title or f"Bars of {axis_label(cost, cells)}", [row.get(label, "") for row in rows], cells))
    return ax
