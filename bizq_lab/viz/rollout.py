"""A rollout over time: the arm's share as stairs, every step marked and named. Knows no plan."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from bizq_lab.errors import InputError
from bizq_lab.viz import style
from bizq_lab.viz.axes import canvas
from bizq_lab.viz.image import describe
from bizq_lab.viz.rows import Row, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NAMES = {
    "rollout_started": "started",
    "ramped": "ramped",
    "promoted": "promoted by hand",
    "held": "held by hand",
    "rolled_back": "rolled back",
    "completed": "complete",
}
_DAY = timedelta(days=1)
_MOST_TICKS = 6
_LEVEL = 12
"""Percent by which shares must differ for their names to stand clear of each other."""
_LETTERS = 64
"""About how many letters fit beside each other; a name that would meet the one before it is lifted."""


class _Step(NamedTuple):
    at: datetime
    percent: float
    action: str
    step: bool


def rollout_history(
    rows: Sequence[Row],
    *,
    at: str = "at",
    action: str = "action",
    percent: str = "percent",
    step: str = "step",
    before: float = 0.0,
    ramp: Sequence[float] = (),
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw an arm's share of traffic over time, with the shares it was to take as faint lines.

    Args:
        rows: One mapping a step or look, oldest first.
        at: Column of the instant: text such as `2026-11-26 08:00:00` (UTC), or a datetime.
        action: Column of what happened, such as `ramped` or `rolled_back`.
        percent: Column of the arm's share from then on, in [0, 100].
        step: Column that is false where a look changed nothing: a tick on the line instead of a mark.
        before: Share before the first row, in percent.
        ramp: Planned shares in percent.
        title: Sentence above.
        ax: Where to draw; None makes a new figure.

    Raises:
        InputError: No rows, an instant that is none, or a share outside [0, 100].
    """
    told = [_told(row, at, action, percent, step) for row in rows]
    steps = [one for one in told if one.step]
    if not steps:
        message = "rows hold no step, must hold at least one"
        raise InputError(message, hint="a rollout begins with its first step")
    with style.styled():
        ax = canvas(ax, height_in=3.0)
        begin, end = steps[0].at, max(one.at for one in told)
        room = max((end - begin) * 0.12, timedelta(hours=6))
        xs = [begin - room, *(one.at for one in steps), end + room]
        ys = [before, *(one.percent for one in steps), steps[-1].percent]
        for share in ramp:
            ax.axhline(share, color=style.LINE, linewidth=0.8, zorder=0)
        days = [_x(when) for when in xs]
        ax.fill_between(days, ys, step="post", color=style.ACCENT, alpha=0.12, linewidth=0, zorder=1)
        ax.step(days, ys, where="post", color=style.ACCENT, zorder=2)
        ax.set_xlim(days[0], days[-1] + 0.16 * (days[-1] - days[0]))
        _looks(ax, [one for one in told if not one.step])
        _name(ax, _merged(steps), days[-1] - days[0])
        ax.set_ylim(0, 112)
        shares = [0, *ramp] if ramp else [0, 25, 50, 75, 100]
        ax.set_yticks(shares, labels=[f"{share:g} %" for share in shares])
        _days(ax, xs[0], xs[-1])
        ax.set_ylabel("share of traffic")
        looked = any(not one.step for one in told)
        ax.set_xlabel("UTC" + (", small ticks: looks that held" if looked else ""))
        style.entitle(ax, title)
        said = "; ".join(
            f"{one.at:%Y-%m-%d %H:%M}: {_NAMES.get(one.action, one.action)}, {one.percent:g} %" for one in steps
        )
        describe(ax, f"{title or 'Rollout history'}. Before: {before:g} %. {said}.")
    return ax


def _told(row: Row, at: str, action: str, percent: str, step: str) -> _Step:
    share = number(row, percent)
    if not 0 <= share <= 100:  # noqa: PLR2004 - percent
        message = f"row[{percent!r}] == {share!r}, must be a percentage in [0, 100]"
        raise InputError(message)
    return _Step(_instant(row.get(at)), share, str(row.get(action, "")), bool(row.get(step, True)))


def _instant(value: object) -> datetime:
    try:
        when = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        message = f"at == {value!r:.80}, must be an instant such as 2026-11-26 08:00:00"
        raise InputError(message) from None
    return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)


def _x(when: datetime) -> float:
    return when.timestamp() / _DAY.total_seconds()


def _merged(steps: Sequence[_Step]) -> list[tuple[_Step, str]]:
    """Each step with its name; steps of one instant are one mark with all their names."""
    merged: list[tuple[_Step, str]] = []
    for one in steps:
        name = _NAMES.get(one.action, one.action)
        if merged and merged[-1][0].at == one.at:
            merged[-1] = (one, f"{merged[-1][1]}, {name}")
        else:
            merged.append((one, name))
    return merged


def _name(ax: Axes, steps: Sequence[tuple[_Step, str]], width: float) -> None:
    lifted, end = False, -math.inf
    for i, (one, name) in enumerate(steps):
        bad = one.action == "rolled_back"
        color = style.BAD if bad else style.ACCENT
        ax.plot(
            [_x(one.at)],
            [one.percent],
            "X" if bad else "o",
            color=color,
            markersize=8,
            markeredgecolor=style.PAPER,
            zorder=4,
            clip_on=False,
        )
        text = style.label(f"{one.percent:g} %  {name}", style.MAX_NAME_COLUMNS)
        lifted = _x(one.at) < end and abs(one.percent - steps[i - 1][0].percent) < _LEVEL and not lifted
        end = _x(one.at) + width * len(text) / _LETTERS
        ax.annotate(
            text,
            (_x(one.at), one.percent),
            xytext=(2, 20 if lifted else 8),
            textcoords="offset points",
            fontsize=9,
            color=style.BAD if bad else style.INK,
            zorder=5,
        )


def _looks(ax: Axes, looks: Sequence[_Step]) -> None:
    for one in looks:
        ax.plot([_x(one.at)], [one.percent], "|", color=style.MUTED, markersize=9, zorder=3)


def _days(ax: Axes, begin: datetime, end: datetime) -> None:
    """Ticks at midnights, or at whole hours where there are too few of those."""
    unit, form = (_DAY, "%d %b") if end - begin > 2 * _DAY else (timedelta(hours=1), "%H:%M")
    first = begin.replace(minute=0, second=0, microsecond=0)
    first = (first.replace(hour=0) if unit == _DAY else first) + unit
    count = max(int((end - first) / unit) + 1, 1)
    every = -(-count // _MOST_TICKS)
    ticks = [first + unit * i for i in range(0, count, every)]
    ax.set_xticks([_x(tick) for tick in ticks], labels=[tick.strftime(form).lstrip("0") for tick in ticks])
