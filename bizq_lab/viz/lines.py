"""Where the rows of a figure go, one under the other, with a heading over each group. Knows no numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from bizq_lab.viz import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HEADING_ROWS = 0.85


class Lines(NamedTuple):
    """Places of rows and headings in units of one row, from the top down.

    Attributes:
        places: Of each row, in the order given.
        headings: Place and text of each group's heading.
        extent: Total height.
    """

    places: list[float]
    headings: list[tuple[float, str]]
    extent: float

    @property
    def height_in(self) -> float:
        """Height of a figure that shows them all, in inches."""
        return 0.95 + 0.31 * max(self.extent, 2.0)


def arrange(groups: Sequence[str]) -> Lines:
    """One place a row; consecutive rows of one group share a heading, and no group name means no heading.

    Args:
        groups: The group of each row, or empty strings.
    """
    places: list[float] = []
    headings: list[tuple[float, str]] = []
    y, current = 0.0, ""
    for group in groups:
        if group and group != current:
            headings.append((y, group))
            y += _HEADING_ROWS
        current = group
        places.append(y)
        y += 1.0
    return Lines(places, headings, y)


def draw(ax: Axes, lines: Lines, names: Sequence[str], remarks: Sequence[str]) -> None:
    """Write names at the left, headings above their groups and remarks at the right; fit the vertical axis."""
    for y, text in lines.headings:
        ax.annotate(
            style.label(text),
            (0, y),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=9,
            fontweight="bold",
            bbox={"facecolor": style.PAPER, "edgecolor": "none", "pad": 1.5},
            zorder=6,
        )
    for y, text in zip(lines.places, remarks, strict=True):
        ax.annotate(
            style.label(text),
            (1, y),
            xycoords=("axes fraction", "data"),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    ax.set_yticks(lines.places, labels=[style.label(name, style.MAX_NAME_COLUMNS) for name in names])
    ax.set_ylim(lines.extent - 0.5, -0.5)
    ax.tick_params(axis="y", length=0, labelcolor=style.INK)
    ax.spines["left"].set_visible(False)
