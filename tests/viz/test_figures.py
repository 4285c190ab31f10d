"""Figures are drawn from rows alone: tested by their data and their words, not by their pixels."""

import math
from collections.abc import Callable
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bizq_lab import viz
from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import InputError
from bizq_lab.viz import style
from bizq_lab.viz.curves import _apart
from bizq_lab.viz.lines import arrange
from bizq_lab.viz.tradeoff import _Box, _place, efficient
from tests.support.report_answers import estimate

Draw = Callable[..., Axes]


def rows(name: str = "plain") -> list[dict[str, object]]:
    """Rows that every function can read."""
    return [
        {
            "arm": arm,
            "estimate": estimate(0.1 * i, 0.15),
            "cost_usd": estimate(0.001 * (i + 1), 0.0005, "usd"),
            "quality": estimate(0.5 + 0.1 * i, 0.05, "quality"),
            "n": 10 * (i + 1),
            "lower_s": 0.1 * 2**i,
            "upper_s": 0.2 * 2**i,
            "value_usd": 1.0 + i,
            "probability": 0.5,
            "since": f"2026-11-0{i + 1}",
            "until": f"2026-11-0{2 * i + 3} 12:00:00",
            "at": f"2026-11-0{i + 1} 08:00:00",
            "action": name,
            "percent": 25 * (i + 1),
            "change_usd": None if i in {0, 2} else 1.0,
            "total_usd": 1.0 + i,
            "tasks": 10.0 * (i + 1),
            "power": 0.2 * (i + 1),
            "day": f"2026-11-0{i + 1}",
        }
        for i, arm in enumerate([name, "example", "third"])
    ]


FIGURES: dict[str, Draw] = {
    "forest": lambda name="plain", **kw: viz.forest(rows(name), title=name, **kw),
    "frontier": lambda name="plain", **kw: viz.frontier(rows(name), title=name, **kw),
    "weights": lambda name="plain", **kw: viz.weights({name: 50, "b": 50}, {name: 10, "b": 90}, title=name, **kw),
    "latency_histogram": lambda name="plain", **kw: viz.latency_histogram(
        rows(name), title=name, timeouts={name: 3}, p95={name: estimate(0.3, 0.1, "s")}, **kw
    ),
    "cost_bars": lambda name="plain", **kw: viz.cost_bars(rows(name), title=name, **kw),
    "sequence": lambda name="plain", **kw: viz.sequence(rows(name), title=name, ylabel=name, **kw),
    "spans": lambda name="plain", **kw: viz.spans(rows(name), label="arm", title=name, remark="arm", **kw),
    "acceptability": lambda name="plain", **kw: viz.acceptability(rows(name), title=name, **kw),
    "rollout_history": lambda name="plain", **kw: viz.rollout_history(rows(name), title=name, **kw),
    "waterfall": lambda name="plain", **kw: viz.waterfall(rows(name), label="arm", title=name, **kw),
    "timeline": lambda name="plain", **kw: viz.timeline(
        [{**row, "series": name} for row in rows(name)], estimate="quality", title=name, **kw
    ),
    "power_curve": lambda name="plain", **kw: viz.power_curve(rows(name), planned=20, wanted=0.8, title=name, **kw),
}
every_figure = pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)


@every_figure
def test_a_figure_is_the_same_bytes_every_time(draw: Draw) -> None:
    assert viz.figure_svg(draw()) == viz.figure_svg(draw())
    assert viz.figure_png(draw()) == viz.figure_png(draw())


@every_figure
def test_showing_a_figure_again_in_any_format_changes_no_byte(draw: Draw) -> None:
    ax = draw("a name long enough to need room")
    first = viz.figure_svg(ax), viz.figure_png(ax)
    assert (viz.figure_svg(ax), viz.figure_png(ax)) == first


@every_figure
def test_a_figure_does_not_depend_on_the_users_settings_and_leaves_them_alone(draw: Draw) -> None:
    expected = viz.figure_svg(draw())
    with mpl.rc_context({"text.usetex": True, "font.size": 30, "axes.grid": True, "svg.fonttype": "path"}):
        before = dict(mpl.rcParams)
        assert viz.figure_svg(draw()) == expected
        assert dict(mpl.rcParams) == before


@every_figure
def test_a_figure_draws_on_the_axes_it_is_given_and_returns_them(draw: Draw) -> None:
    ax = Figure().add_subplot()
    assert draw(ax=ax) is ax
    assert ax.has_data()


@every_figure
def test_a_figure_says_in_words_what_it_shows(draw: Draw) -> None:
    said = str(draw("plain arm").get_label())
    assert "plain arm" in said
    assert any(char.isdigit() for char in said)


def test_a_new_figure_shows_itself_in_a_notebook_without_pyplot() -> None:
    ax = viz.forest(rows())
    png, size = ax._repr_png_()  # type: ignore[attr-defined] # our subclass
    assert png.startswith(b"\x89PNG")
    assert size["width"] == 614


def test_intervals_are_drawn_where_the_rows_say() -> None:
    ax = viz.forest(rows(), reference=0.0)
    drawn = {
        (round(float(x[0]), 6), round(float(x[1]), 6))
        for x in (np.asarray(line.get_xdata(), float) for line in ax.lines)
        if len(x) == 2
    }
    for row in rows():
        cell = row["estimate"]
        assert isinstance(cell, Estimate)
        assert (round(cell.lower, 6), round(cell.upper, 6)) in drawn


@pytest.mark.parametrize(
    ("value", "better", "color"),
    [
        (0.5, "increase", style.GOOD),
        (-0.5, "increase", style.BAD),
        (0.5, "decrease", style.BAD),
        (0.05, "increase", style.INK),
        (0.5, "", style.ACCENT),
    ],
)
def test_colour_says_which_side_of_the_reference_and_only_when_sure(value: float, better: str, color: str) -> None:
    ax = viz.forest([{"arm": "a", "estimate": estimate(value, 0.2)}], reference=0.0, better=better)  # type: ignore[arg-type] # parametrised
    assert color in {line.get_color() for line in ax.lines if line.get_marker() == "o"}


def test_an_unbounded_interval_ends_in_an_arrow_inside_the_axes() -> None:
    row = {"arm": "a", "estimate": Estimate(value=1.0, lower=0.5, upper=math.inf)}
    ax = viz.forest([row])
    arrow = next(line for line in ax.lines if line.get_marker() == ">")
    assert np.asarray(arrow.get_xdata())[0] == pytest.approx(ax.get_xlim()[1])


def test_cost_bars_start_at_zero() -> None:
    assert viz.cost_bars(rows()).get_xlim()[0] == 0.0


def test_costs_that_span_a_factor_of_20_get_a_logarithmic_axis() -> None:
    wide = [
        {"arm": a, "cost_usd": estimate(c, c / 4, "usd"), "quality": estimate(0.5, 0.1)}
        for a, c in (("a", 1e-5), ("b", 1e-3))
    ]
    assert viz.frontier(wide).get_xscale() == "log"
    assert viz.frontier(rows()).get_xscale() == "linear"


points = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12)


@given(points)
def test_the_frontier_holds_exactly_the_points_that_no_other_beats(pairs: list[tuple[int, int]]) -> None:
    def beaten(i: int) -> bool:
        cost, quality = pairs[i]
        return any(c <= cost and q >= quality and (c, q) != (cost, quality) for c, q in pairs)

    assert sorted(efficient([c for c, _ in pairs], [q for _, q in pairs])) == [
        i for i in range(len(pairs)) if not beaten(i)
    ]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=10))
def test_labels_at_the_end_of_curves_keep_their_distance_and_order(heights: list[float]) -> None:
    placed = _apart(heights, gap=0.075)
    order = sorted(range(len(heights)), key=lambda i: (heights[i], i))
    gaps = [placed[b] - placed[a] for a, b in pairwise(order)]
    assert all(gap >= 0.075 - 1e-9 for gap in gaps)
    assert max(placed) <= max(1.0, 0.075 * (len(heights) - 1)) + 1e-9


def test_a_name_beside_a_point_moves_away_from_what_is_there() -> None:
    free = _place(100, 100, 40, [])
    assert _place(100, 100, 40, [free[2]])[:2] != free[:2]
    assert _Box(0, 0, 2, 2).meets(_Box(1, 1, 3, 3))
    assert not _Box(0, 0, 1, 1).meets(_Box(1, 0, 2, 1))


@given(st.lists(st.sampled_from(["", "a", "b"]), min_size=1, max_size=12))
def test_rows_never_share_a_place_with_each_other_or_a_heading(groups: list[str]) -> None:
    placed = arrange(groups)
    places = [*placed.places, *(y for y, _ in placed.headings)]
    assert len(set(places)) == len(places)
    assert max(places) <= placed.extent - 0.5
    assert placed.places == sorted(placed.places)


def test_weights_name_old_and_new_and_an_absent_arm_has_none() -> None:
    ax = viz.weights({("t", "a"): 100}, {("t", "a"): 40, ("t", "b"): 60})
    texts = [text.get_text() for text in ax.texts]
    assert {"t", "100 % → 40 %", "0 % → 60 %"} <= set(texts)


def test_timeouts_count_in_the_shares_and_are_named() -> None:
    ax = viz.latency_histogram([{"arm": "a", "lower_s": 1, "upper_s": 2, "n": 30}], timeouts={"a": 10})
    assert "40 tasks\n10 timed out (25.0%)" in {text.get_text() for text in ax.texts}


def test_a_confidence_sequence_marks_where_it_first_leaves_the_reference() -> None:
    looks = [{"n": n, "estimate": estimate(0.2, 2 / n)} for n in (5, 9, 11, 20)]
    assert "decided at 11" in {text.get_text() for text in viz.sequence(looks).texts}
    assert "decided" not in str([text.get_text() for text in viz.sequence(looks[:2]).texts])


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: viz.forest([]), "rows == []"),
        (lambda: viz.forest([{"arm": "a", "estimate": 0.5}]), "must be an Estimate"),
        (lambda: viz.forest([{"arm": "a"}]), "row['estimate'] == None"),
        (lambda: viz.cost_bars([{"cost_usd": Estimate(value=math.inf, lower=0, upper=math.inf)}]), "finite value"),
        (lambda: viz.frontier([{"arm": "a", "cost_usd": estimate(1, 1)}]), "row['quality']"),
        (lambda: viz.weights({}, {}), "weights == {}"),
        (lambda: viz.weights({"a": 101}, {}), "must be a percentage"),
        (lambda: viz.weights({"a": math.nan}, {}), "must be a percentage"),
        (lambda: viz.latency_histogram([]), "rows == []"),
        (lambda: viz.latency_histogram([{"arm": "a", "lower_s": 0, "upper_s": 1, "n": 1}]), "0 < lower < upper"),
        (lambda: viz.sequence([{"n": "5", "estimate": estimate(0, 1)}]), "must be a finite number"),
        (lambda: viz.spans([]), "rows == []"),
        (lambda: viz.spans([{"since": "2026-11-01", "until": "soon"}]), "instant == 'soon'"),
        (lambda: viz.acceptability([]), "rows == []"),
        (lambda: viz.acceptability([{"arm": "a", "value_usd": 1, "probability": 1.5}]), "probability in [0, 1]"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_its_value(draw: Draw, message: str) -> None:
    with pytest.raises(InputError) as caught:
        draw()
    assert message in str(caught.value)
