"""Power by sample size, with the planned size marked. Knows no question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bizq_lab.viz import style
from bizq_lab.viz.axes import canvas
from bizq_lab.viz.image import describe
from bizq_lab.viz.rows import Row, number, span

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def power_curve(rows: Sequence[Row], *, planned: float, wanted: float, title: str = "", ax: Axes | None = None) -> Axes:
    """Draw the chance of finding an effect by tasks per arm.

    Args:
        rows: Mappings with `tasks` per arm and `power` in [0, 1], ascending.
        planned: The planned size, marked.
        wanted: The wanted power, a line.
        title: Sentence above.
        ax: Where to draw; None makes a new figure.

    Raises:
        InputError: A cell that is not a number.
    """
    sizes, powers = [number(row, "tasks") for row in rows], [number(row, "power") for row in rows]
    with style.styled():
        ax = canvas(ax, height_in=3.2)
        ax.axhline(wanted, color=style.MUTED, linewidth=1, linestyle="--", zorder=1)
        ax.plot(sizes, powers, color=style.ACCENT, marker="o", markersize=3)
        if planned in sizes:
            reached = powers[sizes.index(planned)]
            ax.plot([planned], [reached], color=style.INK, marker="o")
            ax.annotate(
                f"planned: {planned:,.0f}, {reached:.0%}",
                (planned, reached),
                xytext=(6, -12),
                textcoords="offset points",
                fontsize=9,
            )
        ax.set_ylim(0, 1.02)
        if sizes:
            ax.set_xlim(*span([0.0, *sizes], pad=0.02))
        ax.set_xlabel("tasks per arm")
        ax.set_ylabel("power")
        style.entitle(ax, title)
        describe(
            ax, f"{title or 'Power'}. " + "; ".join(f"{n:,.0f}: {p:.0%}" for n, p in zip(sizes, powers, strict=True))
        )
    return ax
