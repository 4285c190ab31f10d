"""How long each of several things lasted: a bar a row over one calendar. Knows no question."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bizq_lab.errors import InputError
from bizq_lab.viz import lines, style
from bizq_lab.viz.axes import canvas
from bizq_lab.viz.image import describe
from bizq_lab.viz.rows import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DAY_S = 86_400.0
_SHORT_S = 2 * _DAY_S  # below, hours tell more than days


def spans(
    rows: Sequence[Row],
    *,
    label: str = "name",
    start: str = "since",
    end: str = "until",
    group: str = "",
    remark: str = "",
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw each row as a bar from its start to its end, named at the left and remarked upon at the right.

    Args:
        rows: One mapping a row, top to bottom.
        label: Column that names a row.
        start: Column of the first instant: text such as `2026-11-26` or `2026-11-26 14:00:00`, in UTC.
        end: Column of the last instant, likewise.
        group: Column that groups consecutive rows under a heading; empty for none.
        remark: Column of what is written at the right; empty for nothing.
        title: Sentence above.
        ax: Where to draw; None makes a new figure.

    Raises:
        InputError: No rows, or a cell that is not an instant.
    """
    if not rows:
        message = "rows == [], must hold at least one row"
        raise InputError(message)
    ends = [(_seconds(row.get(start)), _seconds(row.get(end))) for row in rows]
    low, high = min(first for first, _ in ends), max(last for _, last in ends)
    least = max((high - low) / 100, 60.0)  # an instant can be seen too
    names = [str(row.get(label, "")) for row in rows]
    placed = lines.arrange([str(row.get(group, "")) if group else "" for row in rows])
    with style.styled():
        ax = canvas(ax, height_in=placed.height_in)
        for y, (first, last) in zip(placed.places, ends, strict=True):
            ax.barh(y, max(last - first, least), left=first, height=0.45, color=style.ACCENT)
        ax.set_xlim(low - least, max(high, low + least) + least)
        _calendar(ax, short=high - low < _SHORT_S)
        lines.draw(ax, placed, names, [str(row.get(remark, "")) if remark else "" for row in rows])
        ax.set_xlabel("UTC")
        style.entitle(ax, title, pad=8)
        said = (f"{name}: {row.get(start)} to {row.get(end)}" for name, row in zip(names, rows, strict=True))
        describe(ax, f"{title or 'How long'}. {'; '.join(said)}.")
    return ax


def _calendar(ax: Axes, *, short: bool) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: PLC0415 - heavy

    written = "%d %b %H:%M" if short else "%d %b"
    ax.xaxis.set_major_locator(MaxNLocator(4 if short else 6))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda at, _: datetime.fromtimestamp(at, UTC).strftime(written)))


def _seconds(value: object) -> float:
    try:
        return datetime.fromisoformat(str(value)).replace(tzinfo=UTC).timestamp()
    except ValueError:
        message = f"instant == {value!r}, must be UTC such as 2026-11-26 14:00:00"
        raise InputError(message) from None
