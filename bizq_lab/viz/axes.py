"""Axes that a notebook shows without pyplot. Knows nothing of what is drawn on them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from bizq_lab.viz.image import figure_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@cache
def shown_axes() -> type[Axes]:
    """A subclass of `matplotlib.axes.Axes` whose notebook display is its whole figure.

    Why a picture and not inline SVG: GitHub, VS Code and JupyterLab all show it, on its own white paper, in any theme.
    """
    from matplotlib.axes import Axes  # noqa: PLC0415 - heavy

    class ShownAxes(Axes):
        def _repr_png_(self) -> tuple[bytes, dict[str, Any]]:
            figure = self.get_figure(root=True)
            width_in, height_in = figure.get_size_inches() if figure is not None else (1.0, 1.0)
            return figure_png(self), {"width": round(96 * width_in), "height": round(96 * height_in)}

    return ShownAxes
