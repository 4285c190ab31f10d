"""Where figures are drawn: the Axes given, or new ones that a notebook shows without pyplot. Knows no row."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from bizq_lab.viz.image import figure_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH_IN = 6.4
_CSS_PX_PER_IN = 96


def canvas(ax: Axes | None, *, height_in: float) -> Axes:
    """The Axes given, or new ones on a figure of their own, 6.4 inches wide. Call inside `style.styled()`.

    Args:
        ax: Where to draw; None makes a figure that notebooks show by itself.
        height_in: Height of a new figure in inches.
    """
    if ax is not None:
        return ax
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - heavy
    from matplotlib.figure import Figure  # noqa: PLC0415 - heavy

    figure = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
    FigureCanvasAgg(figure)
    return figure.add_subplot(axes_class=_shown_axes())


@cache
def _shown_axes() -> type[Axes]:
    """A subclass of `matplotlib.axes.Axes` whose notebook display is its whole figure.

    Why a picture and not inline SVG: GitHub, VS Code and JupyterLab all show it, on its own white paper, in any theme.
    """
    from matplotlib.axes import Axes  # noqa: PLC0415 - heavy

    class ShownAxes(Axes):
        def _repr_png_(self) -> tuple[bytes, dict[str, Any]]:
            figure = self.get_figure(root=True)
            width_in, height_in = (0.0, 0.0) if figure is None else figure.get_size_inches()
            size = {"width": round(_CSS_PX_PER_IN * width_in), "height": round(_CSS_PX_PER_IN * height_in)}
            return figure_png(self), size

    return ShownAxes
