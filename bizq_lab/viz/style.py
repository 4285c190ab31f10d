"""One look for every figure, applied only while a figure is drawn or saved. Must not know what a figure shows.

Matplotlib's object interface only: no pyplot, no current figure. Settings are put in place for the length of a
`with styled():` block and restored after it; a lock keeps two threads of ours from restoring each other's.
"""

from __future__ import annotations

import textwrap
import threading
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bizq_lab.core.display import clip, printable
from bizq_lab.core.money import format_usd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

INK = "#1b1f24"
MUTED = "#6b747d"
LINE = "#d5dae0"
PAPER = "#ffffff"
ACCENT = "#0072b2"
GOOD = "#00815f"
BAD = "#c04f00"
SERIES = (ACCENT, BAD, GOOD, "#a3478a", "#8a6d00", "#4a5568")
"""Okabe and Ito's hues (Color Universal Design, 2008), darkened to 4.5:1 on white."""

MAX_LABEL_COLUMNS = 48
MAX_NAME_COLUMNS = 34
MAX_TITLE_COLUMNS = 120
_TITLE_CHAR_IN, _LABEL_CHAR_IN, _EDGES_IN = 0.104, 0.075, 0.45
"""Width of a letter of a title (bold, 11 points) and of a label, on average, and of what is beside them."""
_TICKS_IN = 2.6
"""About the least width that a figure with names and remarks leaves to its axis."""

_STYLE: dict[str, object] = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.formatter.use_mathtext": False,
    "axes.grid": False,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 9.5,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.unicode_minus": True,
    "figure.facecolor": PAPER,
    "font.family": ["DejaVu Sans"],
    "font.size": 9.5,
    "grid.color": LINE,
    "grid.linewidth": 0.8,
    "hatch.linewidth": 0.8,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "butt",
    "savefig.facecolor": PAPER,
    "svg.fonttype": "none",
    "svg.hashsalt": "bizq_lab",
    "svg.id": None,
    "text.color": INK,
    "text.parse_math": True,
    "text.usetex": False,
    "xtick.color": MUTED,
    "xtick.labelsize": 9,
    "ytick.color": MUTED,
    "ytick.labelsize": 9.5,
}
_lock = threading.RLock()


@contextmanager
def styled() -> Iterator[None]:
    """Matplotlib's defaults plus our style, whatever the user has configured; restored on leaving."""
    from matplotlib import style  # noqa: PLC0415 - heavy

    with _lock, style.context(["default", _STYLE]), warnings.catch_warnings():
        # SVG keeps the text itself, so a letter that the bundled font cannot draw is shown by the reader's fonts.
        warnings.filterwarnings("ignore", r"Glyph .* missing from font", UserWarning)
        yield


def label(text: object, limit: int = MAX_LABEL_COLUMNS) -> str:
    """Text as a figure may show it: printable, on one line, clipped, not stacked high, and never mathematics."""
    flat = unicodedata.normalize("NFC", printable(str(text)).replace("\n", " "))
    calm = "".join(char for i, char in enumerate(flat) if not (_stacks(char) and _stacks(flat[i - 1 : i])))
    return clip(calm, limit).replace("$", r"\$")


def entitle(ax: Axes, text: str, *, pad: float | None = None) -> None:
    """Write the sentence above a figure; what is wider than the figure goes on below, at most on three lines.

    Wrapped here by an estimate of the width, for matplotlib's own wrapping comes after the layout has made room.
    """
    figure = ax.get_figure(root=True)
    width_in = 6.4 if figure is None else float(figure.get_size_inches()[0])
    names_in = _LABEL_CHAR_IN * max((len(name.get_text()) for name in ax.get_yticklabels()), default=0)
    per_line = max(int((width_in - names_in - _EDGES_IN) / _TITLE_CHAR_IN), 20)
    lines = textwrap.wrap(label(text, MAX_TITLE_COLUMNS), per_line, break_on_hyphens=False)[:3]
    ax.set_title("\n".join(lines), pad=pad)


def _stacks(char: str) -> bool:
    """Whether it is a mark above or below a letter; a pile of them would push the axes out of the figure."""
    return bool(char) and unicodedata.combining(char) >= 200  # noqa: PLR2004 - Unicode's classes of attached marks


def money_ticks(axis: Axis, unit: str, *, most: int = 5) -> None:
    """A few ticks spelled as dollars, such as `$0.0020`, when the unit is `usd`; never an offset or a power of ten."""
    if unit != "usd":
        return
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter  # noqa: PLC0415 - heavy

    if axis.get_scale() == "linear":
        longest = max(len(format_usd(float(f"{end:.2g}"))) for end in axis.get_view_interval())
        fitting = int(_TICKS_IN / (_LABEL_CHAR_IN * (longest + 2)))
        axis.set_major_locator(MaxNLocator(min(max(fitting, 2), most)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: label(format_usd(round(value, 12)))))
    axis.set_minor_formatter(NullFormatter())
