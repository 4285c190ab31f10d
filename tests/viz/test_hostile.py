"""Whatever the rows say, every figure of it is text: no markup, no reference, no mathematics, no steering character."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from xml.etree import ElementTree as ET

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bizq_lab import viz
from tests.support.hostile import PAYLOADS, foreign_markup, unprintable
from tests.support.report_answers import estimate

Names = Sequence[str]
ALL = len(PAYLOADS)


def bare() -> Axes:
    """Axes that are laid out by nobody, which is the slow part and shows no text."""
    return Figure().add_subplot()


def rows(names: Names) -> list[dict[str, object]]:
    """A row a name, with every column that some figure reads."""
    return [
        {
            **dict.fromkeys(("arm", "task", "series", "action", "model"), name),
            "estimate": estimate(0.1, 0.15, name[:20]),
            "cost_usd": estimate(0.001 * (i + 1), 0.0005, "usd"),
            "quality": estimate(0.5, 0.05),
            "probability": 0.5,
            "since": "2026-11-01",
            "until": "2026-11-02",
            "at": f"2026-11-{1 + i % 28:02} 08:00:00",
            "percent": i % 100,
            "change_usd": 1.0,
            "total_usd": 1.0 + i,
            "tasks": 10.0 * (i + 1),
            "power": 0.5,
            "n": 10,
            "lower_s": 0.1,
            "upper_s": 0.2,
        }
        for i, name in enumerate(names)
    ]


def twice(names: Names, column: str, values: tuple[object, object]) -> list[dict[str, object]]:
    """Each row at two places of an axis."""
    return [{**row, column: value} for row in rows(names) for value in values]


# How many names one figure of a kind may carry, and the figure.
KINDS: dict[str, tuple[int, Callable[[Names], Axes]]] = {
    "forest": (ALL, lambda names: viz.forest(rows(names), group="task", title=names[0], ax=bare())),
    "waterfall": (ALL, lambda names: viz.waterfall(rows(names), label="arm", title=names[0], ax=bare())),
    "cost_bars": (ALL, lambda names: viz.cost_bars(rows(names), title=names[0], ax=bare())),
    "weights": (
        ALL,
        lambda names: viz.weights(dict.fromkeys(names, 1), dict.fromkeys(names, 2), title=names[0], ax=bare()),
    ),
    "outages": (ALL, lambda names: viz.spans(rows(names), label="arm", remark="arm", title=names[0], ax=bare())),
    "frontier": (24, lambda names: viz.frontier(rows(names), title=names[0], ax=bare())),
    "rollout": (28, lambda names: viz.rollout_history(rows(names), title=names[0], ax=bare())),
    "health": (
        12,
        lambda names: viz.timeline(
            twice(names, "day", ("2026-11-01", "2026-11-02")),
            series="model",
            estimate="quality",
            marks={date(2026, 11, 1): names[0], date(2026, 11, 2): names[-1]},
            title=names[0],
            ax=bare(),
        ),
    ),
    "acceptability": (
        8,
        lambda names: viz.acceptability(twice(names, "value_usd", (1.0, 2.0)), title=names[0], ax=bare()),
    ),
    "latency": (
        8,
        lambda names: viz.latency_histogram(
            rows(names),
            timeouts={names[0]: 3},
            p95={name: estimate(0.3, 0.1, "s") for name in names},
            title=names[0],
            ax=bare(),
        ),
    ),
    "sequence": (42, lambda names: viz.sequence(rows(names), title=names[0], ylabel=names[-1], ax=bare())),
    "power": (42, lambda names: viz.power_curve(rows(names), planned=20, wanted=0.8, title=names[0], ax=bare())),
}


def assert_only_text(ax: Axes) -> None:
    svg = viz.figure_svg(ax)
    assert foreign_markup(svg) == []
    assert not unprintable(svg)
    ET.fromstring(svg)  # noqa: S314 - our own figure, and that it is well-formed is the subject


@pytest.mark.parametrize("kind", KINDS)
def test_no_payload_as_a_name_becomes_markup_or_mathematics(kind: str) -> None:
    most, draw = KINDS[kind]
    for start in range(0, ALL, most):
        assert_only_text(draw(PAYLOADS[start : start + most]))


@pytest.mark.parametrize("start", range(0, ALL, 34))
def test_no_payload_as_a_title_heading_or_axis_becomes_markup_or_mathematics(start: int) -> None:
    some = PAYLOADS[start : start + 34]
    axes = Figure().subplots(len(some), squeeze=False)[:, 0]
    for payload, ax in zip(some, axes, strict=True):
        viz.forest(rows([payload]), group="task", title=payload, xlabel=payload, ax=ax)
    assert_only_text(axes[0])
