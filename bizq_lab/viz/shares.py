"""Routing weights before and after a proposal. Knows no config."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from bizq_lab.errors import InputError
from bizq_lab.viz import lines, style
from bizq_lab.viz.axes import canvas
from bizq_lab.viz.image import describe

if TYPE_CHECKING:
    from matplotlib.axes import Axes


Key = str | tuple[str, str]
Weights = Mapping[str, float] | Mapping[tuple[str, str], float]


def weights(before: Weights, after: Weights, *, title: str = "", ax: Axes | None = None) -> Axes:
    """Draw each arm's share of traffic before (hollow) and after (filled), joined by a line.

    Args:
        before: Percent by arm, or by (task type, arm); one that is absent had 0.
        after: Percent by arm, or by (task type, arm); one that is absent gets 0.
        title: Sentence above.
        ax: Where to draw; None makes a new figure.

    Raises:
        InputError: Both are empty, or a weight lies outside [0, 100].
    """
    old_by: dict[Key, float] = dict(before.items())
    new_by: dict[Key, float] = dict(after.items())
    keys = list(dict.fromkeys([*new_by, *old_by]))
    if not keys:
        message = "weights == {}, must name at least one arm"
        raise InputError(message, hint="propose weights for a task type that has arms")
    named = [key if isinstance(key, tuple) else ("", key) for key in keys]
    pairs = [(_percent(key, old_by), _percent(key, new_by)) for key in keys]
    remarks = [f"{old:g} % → {new:g} %" if old != new else f"{new:g} %" for old, new in pairs]
    placed = lines.arrange([group for group, _ in named])
    with style.styled():
        ax = canvas(ax, height_in=placed.height_in)
        ax.grid(visible=True, axis="x")
        for y, (old, new) in zip(placed.places, pairs, strict=True):
            _move(ax, y, old, new)
        ax.set_xlim(-2, 102)
        ax.set_xticks([0, 25, 50, 75, 100], labels=["0", "25", "50", "75", "100 %"])
        lines.draw(ax, placed, [arm for _, arm in named], remarks)
        ax.set_xlabel("share of traffic: hollow before, filled after")
        style.entitle(ax, title)
        said = "; ".join(
            f"{f'{group} {arm}'.strip()}: {old:g} % to {new:g} %"
            for (group, arm), (old, new) in zip(named, pairs, strict=True)
        )
        describe(ax, f"{title or 'Routing weights before and after'}. {said}.")
    return ax


def _move(ax: Axes, y: float, old: float, new: float) -> None:
    color = style.MUTED if old == new else style.ACCENT
    ax.plot([old, new], [y, y], color=color, linewidth=2, zorder=2)
    ax.plot([old], [y], "o", color=style.PAPER, markeredgecolor=color, markeredgewidth=1.6, markersize=7, zorder=3)
    ax.plot([new], [y], "o", color=color, markersize=8, zorder=4)


def _percent(key: Key, weights_by_arm: Mapping[Key, float]) -> float:
    value = float(weights_by_arm.get(key, 0.0))
    if not (math.isfinite(value) and 0 <= value <= 100):  # noqa: PLR2004 - percent
        message = f"weight of {key!r} == {value!r}, must be a percentage in [0, 100]"
        raise InputError(message)
    return value
