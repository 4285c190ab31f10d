"""How long tasks took, timeouts included. Knows no log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import InputError
from bizq_lab.viz import style
from bizq_lab.viz.axes import canvas
from bizq_lab.viz.image import describe
from bizq_lab.viz.rows import Row, number, spoken

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_RIDGE = 0.78


def latency_histogram(
    rows: Sequence[Row],
    *,
    label: str = "arm",
    lower: str = "lower_s",
    upper: str = "upper_s",
    count: str = "n",
    timeouts: Mapping[str, int] | None = None,
    p95: Mapping[str, Estimate] | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw one ridge an arm over a logarithmic axis of seconds; all ridges share one height scale.

    Args:
        rows: One mapping a histogram bin: arm, bounds in seconds (0 < lower < upper), number of tasks.
        label: Column that names the arm.
        lower: Column of the lower bound in seconds.
        upper: Column of the upper bound in seconds.
        count: Column of the number of tasks in the bin.
        timeouts: Tasks without an answer in time, by arm; counted in the shares and written at the right.
        p95: 95th percentile in seconds by arm, drawn with its interval under the ridge.
        title: Sentence above.
        ax: Where to draw; None makes a new figure.

    Raises:
        InputError: No rows, or a bin without positive bounds in order.
    """
    bins = _bins(rows, label, lower, upper, count)
    lost, tails = timeouts or {}, p95 or {}
    totals = {arm: sum(n for _, _, n in own) + lost.get(arm, 0) for arm, own in bins.items()}
    peak = max((n / totals[arm] for arm, own in bins.items() for _, _, n in own if n), default=1.0)
    with style.styled():
        ax = canvas(ax, height_in=1.1 + 0.62 * len(bins))
        ax.set_xscale("log")
        for y, (arm, own) in enumerate(bins.items()):
            _ridge(ax, y, [(a, b, n / max(totals[arm], 1) / peak) for a, b, n in own])
            if arm in tails:
                _tail(ax, y, tails[arm])
            share = lost.get(arm, 0) / max(totals[arm], 1)
            note = (
                f"{totals[arm]:,.0f} tasks\n{lost.get(arm, 0):,} timed out ({share:.1%})"
                if lost
                else f"{totals[arm]:,.0f} tasks"
            )
            ax.annotate(
                note,
                (1, y - 0.25),
                xycoords=("axes fraction", "data"),
                xytext=(8, 0),
                textcoords="offset points",
                va="center",
                fontsize=8.5,
                color=style.BAD if lost.get(arm) else style.MUTED,
            )
        ax.set_yticks(range(len(bins)), labels=[style.label(arm, style.MAX_NAME_COLUMNS) for arm in bins])
        ax.set_ylim(len(bins) - 0.6, -1)
        _seconds(ax, [end for own in bins.values() for a, b, n in own if n for end in (a, b)] + _ends(tails))
        ax.tick_params(axis="y", length=0, labelcolor=style.INK)
        ax.spines["left"].set_visible(False)
        ax.set_xlabel("response time (seconds)" + (", dot and bar: 95th percentile" if tails else ""))
        style.entitle(ax, title)
        describe(ax, _said(title, totals, lost, tails))
    return ax


def _bins(
    rows: Sequence[Row], label: str, lower: str, upper: str, count: str
) -> dict[str, list[tuple[float, float, float]]]:
    bins: dict[str, list[tuple[float, float, float]]] = {}
    for row in rows:
        low, high, n = number(row, lower), number(row, upper), number(row, count)
        if not 0 < low < high or n < 0:
            message = f"bin == [{low!r}, {high!r}) with {n!r} tasks, must have 0 < lower < upper and no negative count"
            raise InputError(message, hint="put everything below the first edge into a bin that starts above zero")
        bins.setdefault(str(row.get(label, "")), []).append((low, high, n))
    if not bins:
        message = "rows == [], must hold at least one bin"
        raise InputError(message, hint="ask the log for a task type that has outcomes")
    return {arm: sorted(own) for arm, own in bins.items()}


def _ridge(ax: Axes, y: int, shares: Sequence[tuple[float, float, float]]) -> None:
    edges = [shares[0][0]]
    heights = [float(y)]
    for low, high, share in shares:
        edges += [low, high]
        heights += [y - _RIDGE * share] * 2
    edges.append(shares[-1][1])
    heights.append(float(y))
    ax.fill_between(edges, heights, float(y), color=style.ACCENT, alpha=0.25, linewidth=0, zorder=2)
    ax.plot(edges, heights, color=style.ACCENT, linewidth=1.3, zorder=3)


def _tail(ax: Axes, y: int, tail: Estimate) -> None:
    at = y + 0.14
    ax.plot([tail.lower, tail.upper], [at, at], color=style.INK, linewidth=2, zorder=4)
    ax.plot([tail.value], [at], "o", color=style.INK, markersize=5, markeredgecolor=style.PAPER, zorder=5)


def _ends(tails: Mapping[str, Estimate]) -> list[float]:
    return [end for tail in tails.values() for end in (tail.lower, tail.upper) if 0 < end < float("inf")]


def _seconds(ax: Axes, ends: Sequence[float]) -> None:
    low, high = min(ends, default=0.1), max(ends, default=1.0)
    ax.set_xlim(low / 1.15, high * 1.15)
    ticks = [m * 10.0**e for e in range(-6, 7) for m in (1, 2, 5) if low / 1.15 <= m * 10.0**e <= high * 1.15]
    ax.set_xticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    ax.set_xticks([], minor=True)


def _said(title: str, totals: Mapping[str, float], lost: Mapping[str, int], tails: Mapping[str, Estimate]) -> str:
    parts = [
        f"{arm}: {total:,.0f} tasks, {lost.get(arm, 0):,} timed out"
        + (f", 95th percentile {spoken(tails[arm])}" if arm in tails else "")
        for arm, total in totals.items()
    ]
    return f"{title or 'Distribution of response times'}. {'; '.join(parts)}."
