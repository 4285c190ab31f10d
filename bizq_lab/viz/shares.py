"""Routing weights before and after a proposal. Knows no config."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from bizq_lab.errors import InputError
from bizq_lab.viz import style
from bizq_lab.viz.image import describe

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def weights(
    before: Mapping[str, float], after: Mapping[str, float], *, title: str = "", ax: Axes | None = None
) -> Axes:
    """Draw each arm's share of traffic before (hollow) and after (filled), joined by a line.

    Args:
        before: Percent by arm; an arm that is absent had 0. A key may be `task type · arm`.
        after: Percent by arm; an arm that is absent gets 0.
        title: Sentence above.
        ax: Where to draw; None makes a new figure.

    Raises:
        InputError: Both are empty, or a weight lies outside [0, 100].
    """
    arms = list(dict.fromkeys([*after, *before]))
    if not arms:
        message = "weights == {}, must name at least one arm"
        raise InputError(message, hint="propose weights for a task type that has arms")
    pairs = [(_percent(arm, before), _percent(arm, after)) for arm in arms]
    with style.styled():
        ax = style.canvas(ax, height_in=1.05 + 0.34 * len(arms))
        ax.grid(visible=True, axis="x")
        for y, (old, new) in enumerate(pairs):
            color = style.MUTED if old == new else style.ACCENT
            ax.plot([old, new], [y, y], color=color, linewidth=2, zorder=2)
            ax.plot(
                [old], [y], "o", color=style.PAPER, markeredgecolor=color, markeredgewidth=1.6, markersize=7, zorder=3
            )
            ax.plot([new], [y], "o", color=color, markersize=8, zorder=4)
            ax.annotate(
                f"{old:g} % → {new:g} %" if old != new else f"{new:g} %",
                (1, y),
                xycoords=("axes fraction", "data"),
                xytext=(10, 0),
                textcoords="offset points",
                va="center",
                fontsize=9,
            )
        ax.set_yticks(range(len(arms)), labels=[style.label(arm) for arm in arms])
        ax.set_ylim(len(arms) - 0.5, -0.5)
        ax.set_xlim(-2, 102)
        ax.set_xticks([0, 25, 50, 75, 100], labels=["0", "25", "50", "75", "100 %"])
        ax.tick_params(axis="y", length=0, labelcolor=style.INK)
        ax.spines["left"].set_visible(False)
        ax.set_xlabel("share of traffic: hollow before, filled after")
        ax.set_title(style.label(title, 90))
        said = "; ".join(f"{arm}: {old:g} % to {new:g} %" for arm, (old, new) in zip(arms, pairs, strict=True))
        describe(ax, f"{title or 'Routing weights before and after'}. {said}.")
    return ax


def _percent(arm: str, weights_by_arm: Mapping[str, float]) -> float:
    value = float(weights_by_arm.get(arm, 0.0))
    if not (math.isfinite(value) and 0 <= value <= 100):  # noqa: PLR2004 - percent
        message = f"weight of {arm!r} == {value!r}, must be a percentage in [0, 100]"
        raise InputError(message)
    return value
