"""Curves: a confidence sequence over time, and who is best by what a success is worth. Knows no question."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from bizq_lab.errors import InputError
from bizq_lab.viz import style
from bizq_lab.viz.axes import canvas
from bizq_lab.viz.image import describe
from bizq_lab.viz.rows import AXIS_UNITS, Row, axis_label, estimates, number, span, spoken

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def sequence(
    rows: Sequence[Row],
    *,
    at: str = "n",
    estimate: str = "estimate",
    reference: float = 0.0,
    title: str = "",
    xlabel: str = "",
    ylabel: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw a confidence sequence: the interval after each look, and where it first leaves the reference.

    Args:
        rows: One mapping a look.
        at: Column of the number of tasks (or another increasing number).
        estimate: Column of `Estimate`s that hold at all looks together.
        reference: Value of no effect.
        title: Sentence above.
        xlabel: Label of the `at` axis; by default the column's name.
        ylabel: Label of the value axis; by default the column's name and unit.
        ax: Where to draw; None makes a new figure.

    Raises:
        InputError: No rows, or a cell that is not an Estimate or a number.
    """
    cells = estimates(rows, estimate)
    looks = [number(row, at) for row in rows]
    with style.styled():
        ax = canvas(ax, height_in=3.2)
        low, high = span([reference, *(end for cell in cells for end in (cell.lower, cell.upper))])
        ax.axhline(reference, color=style.MUTED, linewidth=1, zorder=1)
        floor = [max(cell.lower, low) for cell in cells]
        roof = [min(cell.upper, high) for cell in cells]
        ax.fill_between(looks, floor, roof, color=style.ACCENT, alpha=0.2, linewidth=0)
        ax.plot(looks, [cell.value for cell in cells], color=style.ACCENT)
        ax.annotate(
            style.label(spoken(cells[-1])).replace(" [", "\n["),
            (looks[-1], cells[-1].value),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
        decided = next((i for i, c in enumerate(cells) if not c.lower <= reference <= c.upper), None)
        if decided is not None:
            _mark(ax, looks[decided], (floor[decided], roof[decided]))
        ax.set_ylim(low, high)
        ax.set_xlim(*span(looks, pad=0.01))
        ax.set_xlabel(style.label(xlabel or at.replace("_", " ")))
        ax.set_ylabel(style.label(ylabel or axis_label(estimate, cells)))
        style.entitle(ax, title)
        end = f"leaves {reference:g} at {looks[decided]:,.0f}" if decided is not None else f"never leaves {reference:g}"
        describe(ax, f"{title or 'Confidence sequence'}. After {looks[-1]:,.0f}: {spoken(cells[-1])}; {end}.")
    return ax


def _mark(ax: Axes, look: float, interval: tuple[float, float]) -> None:
    ax.plot([look, look], interval, color=style.INK, linewidth=1.4)
    ax.annotate(
        f"decided at {look:,.0f}",
        (look, interval[1]),
        xytext=(4, 3),
        textcoords="offset points",
        fontsize=9,
    )


def acceptability(
    rows: Sequence[Row],
    *,
    label: str = "arm",
    value: str = "value_usd",
    probability: str = "probability",
    title: str = "",
    xlabel: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw each arm's probability of being the best choice, by what a success is worth.

    Args:
        rows: One mapping a point of a curve.
        label: Column that names the arm.
        value: Column of the worth of a success, in USD.
        probability: Column of the probability, in [0, 1]; over arms it sums to 1 at each worth.
        title: Sentence above.
        xlabel: Label of the worth axis.
        ax: Where to draw; None makes a new figure.

    Raises:
        InputError: No rows, a cell that is not a number, or a probability outside [0, 1].

    Source:
        Cost-effectiveness acceptability curves: van Hout et al., Health Economics 1994.
    """
    curves = _curves(rows, label, value, probability)
    with style.styled():
        ax = canvas(ax, height_in=3.2)
        ax.grid(visible=True, axis="y")
        for i, points in enumerate(curves.values()):
            xs, ys = zip(*points, strict=True)
            ax.plot(xs, ys, color=style.SERIES[i % len(style.SERIES)], linestyle=("-", "--", "-.", ":")[i % 4])
        ends = _apart([points[-1][1] for points in curves.values()], gap=0.075)
        for (arm, points), y in zip(curves.items(), ends, strict=True):
            ax.annotate(
                style.label(f"{arm}  {points[-1][1]:.0%}", style.MAX_NAME_COLUMNS),
                (points[-1][0], y),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
                fontsize=9,
            )
        ax.set_ylim(0, 1.02)
        ax.set_yticks([0, 0.25, 0.5, 0.75, 1.0], labels=["0 %", "25 %", "50 %", "75 %", "100 %"])
        ax.set_xlim(*span([x for points in curves.values() for x, _ in points], pad=0.0))
        ax.set_xlabel(style.label(xlabel or f"worth of a success ({AXIS_UNITS['usd']})"))
        ax.set_ylabel("probability of being the best choice")
        style.entitle(ax, title)
        said = "; ".join(f"{arm}: {points[0][1]:.0%} to {points[-1][1]:.0%}" for arm, points in curves.items())
        describe(ax, f"{title or 'Probability of being the best choice by worth of a success'}. {said}.")
    return ax


def _curves(rows: Sequence[Row], label: str, value: str, probability: str) -> dict[str, list[tuple[float, float]]]:
    curves: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        share = number(row, probability)
        if not 0 <= share <= 1:
            message = f"row[{probability!r}] == {share!r}, must be a probability in [0, 1]"
            raise InputError(message)
        curves.setdefault(str(row.get(label, "")), []).append((number(row, value), share))
    if not curves:
        message = "rows == [], must hold at least one point"
        raise InputError(message, hint="compute the curve for at least one arm")
    return {arm: sorted(points) for arm, points in curves.items()}


def _apart(heights: Sequence[float], *, gap: float) -> list[float]:
    """The heights moved as little as keeps their labels `gap` apart, in the same order, inside [0, 1] if they fit."""
    order = sorted(range(len(heights)), key=lambda i: (heights[i], i))
    placed = list(heights)
    for below, above in pairwise(order):
        placed[above] = max(placed[above], placed[below] + gap)
    ceiling = max(1.0, gap * (len(order) - 1))
    for i in reversed(order):
        placed[i] = min(placed[i], ceiling)
        ceiling = placed[i] - gap
    return placed
