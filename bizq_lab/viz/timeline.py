"""Figures over days: a strip a series with its intervals, and marks where something happened. Knows no question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

from bizq_lab.core.estimate import quantity
from bizq_lab.errors import InputError
from bizq_lab.viz import style
from bizq_lab.viz.axes import canvas
from bizq_lab.viz.image import describe
from bizq_lab.viz.rows import Row, estimates, span, spoken

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bizq_lab.core.estimate import Estimate

MOST_SERIES = 12
_GAP = 0.25
_LETTERS = 48
"""About how many letters fit beside each other over the days."""
Points = list[tuple[date, "Estimate"]]


def timeline(
    rows: Sequence[Row],
    *,
    day: str = "day",
    estimate: str = "success",
    series: str = "series",
    marks: Mapping[date, str] | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw each series as a strip of its own over the same days: value, interval band, last value spelled out.

    The lowest value is spelled out too where its interval ends below the last one.
    Strips instead of one tangle: with more than three lines nobody can tell whose interval is whose.

    Args:
        rows: One mapping a day and series.
        day: Column of the day: a `date`, or text as `2026-11-26`.
        estimate: Column of `Estimate`s, all in one unit.
        series: Column that names the series.
        marks: What happened on a day, such as an alert or a rollout step.
        title: Sentence above.
        ax: Where to draw; None makes a new figure.

    Raises:
        InputError: No rows, a cell that is not an Estimate or a day, a single day, or more than 12 series.
    """
    cells = estimates(rows, estimate)
    strips = _strips(rows, cells, day, series)
    days = sorted({_x(when) for points in strips.values() for when, _ in points})
    if len(days) == 1:
        message = "all rows are of one day, must be at least two"
        raise InputError(message, hint="a day alone has no trend; draw a forest instead")
    with style.styled():
        ax = canvas(ax, height_in=1.1 + 0.62 * len(strips))
        low, high = span([end for cell in cells for end in (cell.lower, cell.upper)], pad=0.02)
        for number, points in enumerate(strips.values()):
            _strip(ax, len(strips) - 1 - number, points, (low, high))
        above = _mark(ax, marks or {}, len(strips) - _GAP / 2, days)
        ax.set_xlim(days[0] - 0.4, days[-1] + max(1.2, 0.22 * (days[-1] - days[0] + 1)))
        ax.set_ylim(-_GAP / 2, len(strips))
        shown = days if len(days) <= 6 else days[:: -(-len(days) // 6)]  # noqa: PLR2004 - labels that fit
        ax.set_xticks(shown, labels=[date.fromordinal(round(x)).strftime("%d %b").lstrip("0") for x in shown])
        centres = [len(strips) - 0.5 - _GAP / 2 - number for number in range(len(strips))]
        ax.set_yticks(centres, labels=[style.label(name, style.MAX_NAME_COLUMNS) for name in strips])
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        style.entitle(ax, title, pad=10 + 11 * above)
        ends = "; ".join(f"{name}: {spoken(points[-1][1])}" for name, points in strips.items())
        happened = "".join(f" {when.isoformat()}: {what}." for when, what in sorted((marks or {}).items()))
        describe(ax, f"{title or 'Over time'}. Last: {ends}.{happened}")
    return ax


def _mark(ax: Axes, marks: Mapping[date, str], top: float, days: Sequence[float]) -> int:
    """Draw what happened, named above the strips; names that would meet go higher. Returns how many rows they take."""
    ends: list[float] = []
    per_letter = (days[-1] - days[0] + 1) / _LETTERS
    for when, what in sorted(marks.items()):
        text = style.label(what.replace("_", " "), 24)
        row = next((i for i, end in enumerate(ends) if end < _x(when)), len(ends))
        ends[row : row + 1] = [_x(when) + per_letter * (len(text) + 1)]
        ax.axvline(_x(when), color=style.BAD, linewidth=1, linestyle=(0, (3, 2)), zorder=1)
        ax.annotate(
            text, (_x(when), top), xytext=(3, 11 * row), textcoords="offset points",
            fontsize=8.5, color=style.BAD, va="bottom", annotation_clip=False,
        )  # fmt: skip
    return len(ends)


def _strips(rows: Sequence[Row], cells: Sequence[Estimate], day: str, series: str) -> dict[str, Points]:
    strips: dict[str, Points] = {}
    for row, cell in zip(rows, cells, strict=True):
        strips.setdefault(str(row.get(series, "")), []).append((_day(row.get(day)), cell))
    if len(strips) > MOST_SERIES:
        message = f"{len(strips)} series, must be at most {MOST_SERIES}"
        raise InputError(message, hint="choose a task type, or the series that matter")
    return {name: sorted(points, key=lambda point: point[0]) for name, points in strips.items()}


def _strip(ax: Axes, base: int, points: Points, limits: tuple[float, float]) -> None:
    low, high = limits

    def height(value: float) -> float:
        return base + (1 - _GAP) * (min(max(value, low), high) - low) / (high - low)

    xs = [_x(when) for when, _ in points]
    ax.axhline(base, color=style.LINE, linewidth=0.8, zorder=0)
    if len(xs) == 1:
        ax.plot(xs * 2, [height(points[0][1].lower), height(points[0][1].upper)], color=style.ACCENT, alpha=0.5)
    ax.fill_between(
        xs, [height(c.lower) for _, c in points], [height(c.upper) for _, c in points],
        color=style.ACCENT, alpha=0.2, linewidth=0,
    )  # fmt: skip
    ax.plot(xs, [height(c.value) for _, c in points], color=style.ACCENT, marker="o", markersize=3)
    ax.annotate(
        style.label(spoken(points[-1][1])).replace(" [", "\n["), (xs[-1], height(points[-1][1].value)), xytext=(7, 0),
        textcoords="offset points", fontsize=8.5, va="center",
    )  # fmt: skip
    when, least = min(points, key=lambda point: point[1].value)
    if least.upper < points[-1][1].value:  # surely lower than it ended: how low is what a reader asks
        ax.annotate(
            style.label(quantity(least.value, least.unit)), (_x(when), height(least.value)), xytext=(0, 5),
            textcoords="offset points", fontsize=8.5, ha="center", va="bottom",
        )  # fmt: skip


def _day(value: object) -> date:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        message = f"day == {value!r}, must be a date such as 2026-11-26"
        raise InputError(message) from None


def _x(when: date) -> float:
    return float(when.toordinal())
