"""The frontier of cost and quality, both with their uncertainty. Knows no question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from bizq_lab.viz import style
from bizq_lab.viz.axes import canvas
from bizq_lab.viz.image import describe
from bizq_lab.viz.rows import Row, axis_label, estimates, span, spoken

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bizq_lab.core.estimate import Estimate

_LOG_FROM_RATIO = 20.0
_BOX_PT = (400.0, 215.0)
"""About the inside of our figure in points; labels are kept apart on this scale before the layout is known."""
_SPILL_PT = 12.0
_LEADER_FROM_PT = 14.0


def frontier(
    rows: Sequence[Row],
    *,
    label: str = "arm",
    cost: str = "cost_usd",
    quality: str = "quality",
    title: str = "",
    xlabel: str = "",
    ylabel: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw each row as a point with both intervals; a step joins those that no other beats on both.

    Dominance is judged by the values, so an arm off the step may still be on it in truth: the crosses show that.
    Cost runs on a logarithmic axis when it spans a factor of 20.

    Args:
        rows: One mapping a row.
        label: Column that names a row.
        cost: Column of `Estimate`s, less is better.
        quality: Column of `Estimate`s, more is better.
        title: Sentence above.
        xlabel: Label of the cost axis; by default the column's name and unit.
        ylabel: Label of the quality axis; by default the column's name and unit.
        ax: Where to draw; None makes a new figure.

    Raises:
        InputError: No rows, or a cell that is not an Estimate.
    """
    costs, qualities = estimates(rows, cost), estimates(rows, quality)
    names = [str(row.get(label, "")) for row in rows]
    best = efficient([cell.value for cell in costs], [cell.value for cell in qualities])
    with style.styled():
        ax = canvas(ax, height_in=3.6)
        _scale(ax, costs, qualities)
        _step(ax, [(costs[i].value, qualities[i].value) for i in best])
        for i, (c, q) in enumerate(zip(costs, qualities, strict=True)):
            _cross(ax, c, q, style.ACCENT if i in best else style.MUTED)
        _name_points(ax, names, costs, qualities)
        ax.set_xlabel(style.label(xlabel or axis_label(cost, costs)))
        ax.set_ylabel(style.label(ylabel or axis_label(quality, qualities)))
        style.entitle(ax, title)
        said = "; ".join(
            f"{name}: cost {spoken(c)}, quality {spoken(q)}{', on the frontier' if i in best else ''}"
            for i, (name, c, q) in enumerate(zip(names, costs, qualities, strict=True))
        )
        describe(ax, f"{title or 'Cost against quality'}. {said}.")
    return ax


def efficient(costs: Sequence[float], qualities: Sequence[float]) -> list[int]:
    """Indices that no other point beats: none is as cheap and as good, and better in one of both. Cheapest first."""
    order = sorted(range(len(costs)), key=lambda i: (costs[i], -qualities[i]))
    kept: list[int] = []
    for i in order:
        same = kept and (costs[i], qualities[i]) == (costs[kept[-1]], qualities[kept[-1]])
        if not kept or qualities[i] > qualities[kept[-1]] or same:
            kept.append(i)
    return kept


def _scale(ax: Axes, costs: Sequence[Estimate], qualities: Sequence[Estimate]) -> None:
    values = [end for cell in costs for end in (cell.lower, cell.value, cell.upper)]
    if min(values) > 0 and max(c.value for c in costs) > _LOG_FROM_RATIO * min(c.value for c in costs):
        ax.set_xscale("log")
        finite = [value for value in values if value != float("inf")]
        ax.set_xlim(min(finite) / 1.5, max(finite) * 1.8)
    else:
        ax.set_xlim(*span(values, pad=0.1))
    ax.set_ylim(*span([end for cell in qualities for end in (cell.lower, cell.value, cell.upper)], pad=0.1))
    style.money_ticks(ax.xaxis, costs[0].unit)
    ax.grid(visible=True, axis="y")


def _step(ax: Axes, points: Sequence[tuple[float, float]]) -> None:
    xs, ys = zip(*points, strict=True)
    ax.step(
        [xs[0], *xs, ax.get_xlim()[1]],
        [ax.get_ylim()[0], *ys, ys[-1]],
        where="post",
        color=style.ACCENT,
        alpha=0.35,
        linewidth=1.4,
        zorder=1,
    )


def _cross(ax: Axes, cost: Estimate, quality: Estimate, color: str) -> None:
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    ax.plot([max(cost.lower, left), min(cost.upper, right)], [quality.value] * 2, color=color, linewidth=1.6, zorder=2)
    ax.plot(
        [cost.value] * 2, [max(quality.lower, bottom), min(quality.upper, top)], color=color, linewidth=1.6, zorder=2
    )
    ax.plot([cost.value], [quality.value], "o", color=color, markersize=7, markeredgecolor=style.PAPER, zorder=3)


_Point = tuple[float, float]


class _Box(NamedTuple):
    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: _Box) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.bottom < other.top and other.bottom < self.top
        )


def _name_points(ax: Axes, names: Sequence[str], costs: Sequence[Estimate], qualities: Sequence[Estimate]) -> None:
    """Put each name beside its point, at the first place that meets no other name and no point."""
    points, taken = _obstacles(ax, costs, qualities)
    for (x, y), name, cost, quality in zip(points, names, costs, qualities, strict=True):
        text = style.label(name)
        dx, dy, box = _place(x, y, 5.6 * len(text), taken)
        taken.append(box)
        far = abs(dy) > _LEADER_FROM_PT
        ax.annotate(
            text,
            (cost.value, quality.value),
            xytext=(dx, dy),
            textcoords="offset points",
            ha="left" if dx > 0 else "right",
            va="center",
            fontsize=9,
            arrowprops={"arrowstyle": "-", "color": style.MUTED, "linewidth": 0.7, "shrinkB": 4} if far else None,
        )


def _obstacles(ax: Axes, costs: Sequence[Estimate], qualities: Sequence[Estimate]) -> tuple[list[_Point], list[_Box]]:
    """Points, and what names must not cover: the dots and both arms of each cross."""
    to_box = ax.transScale + ax.transLimits

    def place(cost: float, quality: float) -> _Point:
        x, y = to_box.transform((min(max(cost, ax.get_xlim()[0]), ax.get_xlim()[1]), quality))
        return float(x) * _BOX_PT[0], min(max(float(y), 0.0), 1.0) * _BOX_PT[1]

    points, taken = [], []
    for c, q in zip(costs, qualities, strict=True):
        x, y = place(c.value, q.value)
        (left, _), (right, _) = place(c.lower, q.value), place(c.upper, q.value)
        (_, bottom), (_, top) = place(c.value, q.lower), place(c.value, q.upper)
        points.append((x, y))
        taken += [_Box(x - 5, y - 5, x + 5, y + 5), _Box(left, y - 1, right, y + 1), _Box(x - 1, bottom, x + 1, top)]
    return points, taken


def _place(x: float, y: float, width: float, taken: Sequence[_Box]) -> tuple[float, float, _Box]:
    places = [(dx, dy) for dy in (8, -9, 20, -21, 32, -33, 46, -47) for dx in (7, -7, 24, -24)]
    boxes = [
        _Box(x + dx - (width if dx < 0 else 0), y + dy - 6, x + dx + (0 if dx < 0 else width), y + dy + 6)
        for dx, dy in places
    ]
    inside = [box.left > -_SPILL_PT and box.right < _BOX_PT[0] + _SPILL_PT for box in boxes]
    free = [not any(box.meets(other) for other in taken) for box in boxes]
    ranked = sorted(range(len(places)), key=lambda i: (not (inside[i] and free[i]), not inside[i], i))
    (dx, dy), box = places[ranked[0]], boxes[ranked[0]]
    return dx, dy, box
