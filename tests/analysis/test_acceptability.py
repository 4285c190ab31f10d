"""Who is best, for every worth of a success; who is dominated, and how sure the frontier is."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizq_lab.analysis import acceptability, efficiency
from bizq_lab.analysis.tradeoff import steps
from bizq_lab.catalog import load_catalog
from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.stats.hull import area_under_hull, cost_at, quality_at, upper_hull
from bizq_lab.store import Log
from tests.support.analysis_log import TASK_TYPE, Stream

CATALOG = load_catalog("current", as_of=date(2026, 11, 1))


def arms(stream: Stream, figures: dict[str, tuple[float, float]], *, tasks: int = 200) -> None:
    """Arms by (success rate, cost in USD), each on the same tasks."""
    for number in range(tasks):
        for arm, (rate, cost) in figures.items():
            luck = (number * 37 % tasks) / tasks
            stream.run(arm=arm, task=f"t{number}", succeeded=luck < rate, cost_usd=cost * (0.9 + 0.2 * luck))


def test_the_cheap_arm_leads_while_a_success_is_worth_little_and_the_good_one_later(log: Log, stream: Stream) -> None:
    arms(stream, {"cheap": (0.6, 0.001), "good": (0.9, 0.05)})
    answer = acceptability(log, catalog=CATALOG, task_type=TASK_TYPE, values_usd=(0.01, 0.16, 5.0))
    leaders = [arm for _, arm, _ in answer.leaders()]
    assert leaders[0] == "cheap"
    assert leaders[-1] == "good"
    for value in (0.01, 0.16, 5.0):
        assert sum(r.probability for r in answer.rows if r.value_usd == value) == pytest.approx(1.0)
    assert answer.rows[0].probability > 0.99
    assert "cheap from $0.01" in answer.summary()
    drawn = answer.plot()
    assert (drawn.get_xscale(), drawn.get_xlim()) == ("log", (0.01, 5.0))


def test_the_range_lies_around_what_the_catalog_states(log: Log, stream: Stream) -> None:
    arms(stream, {"cheap": (0.6, 0.001), "good": (0.9, 0.05)}, tasks=30)
    answer = acceptability(log, catalog=CATALOG, task_type=TASK_TYPE)
    worths = sorted({row.value_usd for row in answer.rows})
    assert len(worths) == 9
    assert worths[4] == pytest.approx(answer.stated_usd) == pytest.approx(CATALOG.task_types[TASK_TYPE].value_usd)
    with pytest.raises(InputError, match="values_usd"):
        acceptability(log, catalog=CATALOG, task_type=TASK_TYPE, values_usd=(0.0,))


def test_one_arm_is_no_choice(log: Log, stream: Stream) -> None:
    arms(stream, {"cheap": (0.6, 0.001)}, tasks=20)
    with pytest.raises(NotEnoughData, match="two are needed"):
        acceptability(log, catalog=CATALOG, task_type=TASK_TYPE)


def test_an_arm_that_a_mixture_beats_is_named_with_the_mixture() -> None:
    found = steps({"a": (1.0, 0.5), "b": (5.0, 0.6), "c": (6.0, 0.9), "d": (7.0, 0.8)})
    assert found["b"].between == "a and c"
    assert found["c"].icer_usd == pytest.approx(5.0 / 0.4)
    assert (found["a"].icer_usd, found["a"].between) == (None, "")
    assert (found["d"].icer_usd, found["d"].between) == (None, "")
    assert steps({}) == {}


def test_the_ordering_says_who_is_dominated_what_the_next_step_costs_and_how_sure_that_is(
    log: Log, stream: Stream
) -> None:
    arms(stream, {"cheap": (0.6, 0.001), "mid": (0.62, 0.03), "good": (0.9, 0.04), "waste": (0.5, 0.06)})
    rows = {row.arm: row for row in efficiency(log, catalog=CATALOG).rows}
    assert rows["waste"].dominated_by == "good"
    assert rows["mid"].mixed_out_by == "cheap and good"
    assert rows["good"].icer_usd == pytest.approx(0.039 / 0.3, rel=0.05)
    shares = {arm: row.frontier_share for arm, row in rows.items()}
    assert shares["cheap"] == 1.0
    assert (shares["waste"] or 0.0) < 0.01
    assert (shares["good"] or 0.0) > 0.99
    assert 0.2 < (shares["mid"] or 0.0) < 0.95  # its lead over cheap is within noise
    assert sum(row.p_best or 0.0 for row in rows.values()) == pytest.approx(1.0)
    assert efficiency(log, catalog=CATALOG).plot_frontier(TASK_TYPE) is not None
    with pytest.raises(NotEnoughData):
        efficiency(log, catalog=CATALOG).plot_frontier("other")


POINTS = st.lists(st.tuples(st.floats(0.1, 10.0), st.floats(0.0, 1.0)), min_size=1, max_size=12)


@given(POINTS)
def test_the_hull_lies_above_every_point_rises_and_bends_downwards(points: list[tuple[float, float]]) -> None:
    costs, qualities = zip(*points, strict=True)
    hull = upper_hull(costs, qualities)
    assert (quality_at(hull, costs) >= np.array(qualities) - 1e-9).all()
    x, y = np.array(hull).T
    assert (np.diff(y) > 0).all()
    assert (np.diff(np.diff(y) / np.diff(x)) <= 1e-6).all()
    assert cost_at(hull, y[-1]) == pytest.approx(x[-1])
    assert cost_at(hull, 1.1) == float("inf")
    assert min(qualities) - 1e-9 <= area_under_hull(costs, qualities) <= max(qualities) + 1e-9


def test_the_area_is_the_mean_quality_of_a_budget_drawn_evenly() -> None:
    assert area_under_hull([1.0, 3.0], [0.2, 0.6]) == pytest.approx(0.4)
    assert area_under_hull([1.0, 2.0, 3.0], [0.2, 0.6, 0.6]) == pytest.approx(0.5)
