"""The linear program: a textbook's answer, brute force, and limits that hold after rounding."""

from __future__ import annotations

from itertools import product
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bizq_lab.errors import InfeasibleLimits, InputError, NotEnoughData
from bizq_lab.tuning.frontier import budget_frontier
from bizq_lab.tuning.limit_change import limit_change
from bizq_lab.tuning.program import Infeasible, Limit, Option, Problem, Solution
from bizq_lab.tuning.rounding import largest_remainder, repaired
from bizq_lab.tuning.solver import relaxed, solve

VALUES = st.floats(-1.0, 1.0, allow_subnormal=False).map(lambda v: round(v, 3))


def solved(problem: Problem) -> Solution:
    answer = solve(problem)
    assert isinstance(answer, Solution)
    return answer


def wyndor() -> Problem:
    """Doors and windows of Hillier & Lieberman, each as a share of ten units a week, the rest idle."""
    options = (
        Option(group="doors", arm="make", value=30.0),
        Option(group="doors", arm="idle", value=0.0),
        Option(group="windows", arm="make", value=50.0),
        Option(group="windows", arm="idle", value=0.0),
    )
    plants = (({0: 10.0}, 4.0), ({2: 20.0}, 12.0), ({0: 30.0, 2: 20.0}, 18.0))
    limits = tuple(
        Limit(name=f"plant {i}", coefficients=c, bound=b, unit="h") for i, (c, b) in enumerate(plants, start=1)
    )
    return Problem(options=options, volumes={"doors": 1.0, "windows": 1.0}, limits=limits)


def test_the_wyndor_glass_company_makes_2_doors_and_6_windows_for_36() -> None:
    answer = solved(wyndor())
    assert answer.value == pytest.approx(36.0, abs=1e-9)
    assert (10 * answer.shares[0], 10 * answer.shares[2]) == pytest.approx((2.0, 6.0), abs=1e-9)


def test_the_wyndor_glass_company_prices_its_plants_at_0_and_1_50_and_1() -> None:
    prices = solved(wyndor()).prices
    assert [prices[f"plant {i}"] for i in (1, 2, 3)] == pytest.approx([0.0, 1.5, 1.0], abs=1e-9)


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """One or two task types of up to three arms, a budget, and floors and caps on every share."""
    low, high = draw(st.sampled_from([0.0, 0.05])), draw(st.sampled_from([1.0, 0.6]))
    shape = draw(st.sampled_from([(2,), (3,), (2, 2), (3, 2)]))
    options = tuple(
        Option(group=group, arm=arm, value=draw(VALUES), low=low, high=high)
        for group, arms in zip("gh", shape, strict=False)
        for arm in "abc"[:arms]
    )
    costs = {i: draw(st.integers(0, 100)) / 100 for i in range(len(options))}
    budget = Limit(name="budget", coefficients=costs, bound=draw(st.integers(10, 200)) / 100, unit="usd")
    volumes = {"g": 1.0, "h": float(draw(st.integers(1, 5)))}
    return Problem(options=options, volumes=volumes, limits=(budget,))


def brute(problem: Problem) -> float | None:
    """Best value over every whole percentage of every group."""
    sizes = [sum(option.group == group for option in problem.options) for group in problem.groups]
    percent = compositions(sizes[0])
    for more in map(compositions, sizes[1:]):
        percent = np.hstack([np.repeat(percent, len(more), axis=0), np.tile(more, (len(percent), 1))])
    low, high = problem.percent_bounds.T
    fits = ((percent >= low) & (percent <= high)).all(axis=1)
    kept = (problem.matrix @ percent.T / 100 <= problem.right[:, None] + 1e-9).all(axis=0)
    values = (percent @ problem.objective)[fits & kept] / 100
    return float(values.max()) if values.size else None


def compositions(parts: int) -> NDArray[np.intp]:
    """Every way to write 100 as so many whole parts, a row each."""
    rows = [row for row in product(range(101), repeat=parts - 1) if sum(row) <= 100]
    return np.array([(*row, 100 - sum(row)) for row in rows], dtype=np.intp)


@settings(max_examples=25, deadline=None)
@given(problems())
def test_brute_force_finds_nothing_better(problem: Problem) -> None:
    answer, best = solve(problem), brute(problem)
    if best is None:
        assert isinstance(answer, Infeasible)
    else:
        assert isinstance(answer, Solution)
        assert answer.rounded_value == pytest.approx(best, abs=1e-5)
        assert answer.value >= answer.rounded_value - 1e-7


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 6),
    st.integers(2, 5),
    st.randoms(use_true_random=False),
    st.sampled_from([0.0, 0.03, 0.05]),
)
def test_percentages_sum_to_100_and_keep_every_limit_and_bound(
    groups: int, arms: int, random: Random, floor: float
) -> None:
    options = tuple(
        Option(group=f"g{g}", arm=f"a{a}", value=random.uniform(-1, 1), low=floor)
        for g in range(groups)
        for a in range(arms)
    )
    costs = {i: random.uniform(0, 1) for i in range(len(options))}
    budget = Limit(name="budget", coefficients=costs, bound=random.uniform(0.2, 1) * groups, unit="usd")
    problem = Problem(options=options, volumes={f"g{g}": random.uniform(1, 9) for g in range(groups)}, limits=(budget,))
    answer = solve(problem)
    if isinstance(answer, Infeasible):
        return
    for group in problem.groups:
        mine = [p for o, p in zip(options, answer.percent, strict=True) if o.group == group]
        assert sum(mine) == 100
        assert min(mine) >= round(floor * 100)
    assert not problem.broken(np.array(answer.percent) / 100)


def test_a_large_program_is_rounded_by_remainders_and_keeps_its_limits() -> None:
    random = np.random.default_rng(0)
    options = tuple(
        Option(group=f"g{g}", arm=f"a{a}", value=float(random.uniform()), low=0.01) for g in range(80) for a in range(9)
    )
    costs = {i: float(random.uniform()) for i in range(len(options))}
    budget = Limit(name="budget", coefficients=costs, bound=25.0, unit="usd")
    problem = Problem(options=options, volumes={f"g{g}": 1.0 for g in range(80)}, limits=(budget,))
    answer = solved(problem)
    assert not problem.broken(np.array(answer.percent) / 100)
    assert answer.rounded_value >= 0.99 * answer.value


def test_a_shadow_price_is_what_one_more_unit_buys() -> None:
    problem = wyndor()
    richer = Problem(
        options=problem.options,
        volumes=problem.volumes,
        limits=(*problem.limits[:2], Limit(name="plant 3", coefficients={0: 30.0, 2: 20.0}, bound=18.5, unit="h")),
    )
    assert solved(richer).value - solved(problem).value == pytest.approx(0.5 * solved(problem).prices["plant 3"])


def test_what_cannot_be_kept_names_the_limit_and_the_amount() -> None:
    options = (Option(group="g", arm="a", value=1.0), Option(group="g", arm="b", value=2.0))
    budget = Limit(name="budget", coefficients={0: 3.0, 1: 5.0}, bound=2.0, unit="usd")
    answer = solve(Problem(options=options, volumes={"g": 1.0}, limits=(budget,)))
    assert isinstance(answer, Infeasible)
    assert [(r.name, r.unit) for r in answer.relaxations] == [("budget", "usd")]
    assert answer.relaxations[0].amount == pytest.approx(1.0)


def test_floors_that_leave_no_room_are_refused() -> None:
    options = tuple(Option(group="g", arm=arm, value=1.0, low=0.6) for arm in "ab")
    with pytest.raises(InputError, match="120 %"):
        solve(Problem(options=options, volumes={"g": 1.0}))


# -- rounding beyond the integer program ----------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(problems())
def test_moving_single_percents_mends_a_broken_budget_or_gives_up(problem: Problem) -> None:
    """Where it does not give up, it loses little to the best of all whole percentages."""
    found = relaxed(problem)
    if found is None:
        return
    rounded = largest_remainder(problem, found[0])
    assert rounded is not None
    mended = repaired(problem, rounded)
    if mended is None:
        return
    assert (problem.simplex @ mended == 100).all()
    assert not problem.broken(mended / 100)
    assert problem.value(mended / 100) >= (brute(problem) or 0.0) - 0.1


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.0, 1.0), min_size=2, max_size=7), st.sampled_from([0.0, 0.05, 0.1]))
def test_largest_remainders_sum_to_100_within_a_percent_of_the_shares(raw: list[float], low: float) -> None:
    shares = low + (1 - low * len(raw)) * (np.array(raw) + 1e-9) / (sum(raw) + 1e-9 * len(raw))
    options = tuple(Option(group="g", arm=f"a{i}", value=0.0, low=low) for i in range(len(raw)))
    percent = largest_remainder(Problem(options=options, volumes={"g": 1.0}), shares)
    assert percent is not None
    assert percent.sum() == 100
    assert np.abs(percent - 100 * shares).max() < 1.0 + 1e-6


# -- one limit moved ------------------------------------------------------------------------------------------------


def budgeted(bound: float) -> Problem:
    """Two task types; the dearer arm is better."""
    options = tuple(
        Option(group=g, arm=a, value=v, expected_value=v, expected_cost_usd=c)
        for g in "gh"
        for a, v, c in (("cheap", 1.0, 0.1), ("dear", 2.0, 1.0))
    )
    costs = {i: 10 * o.expected_cost_usd for i, o in enumerate(options)}
    limit = Limit(name="budget", coefficients=costs, bound=bound, unit="usd", scale=bound / 100)
    return Problem(options=options, volumes={"g": 10.0, "h": 10.0}, limits=(limit,))


def test_moving_a_limit_says_what_it_buys_and_whose_weights_change() -> None:
    change = limit_change(budgeted(11.0), "budget", 20.0)
    assert change.value_then_usd > change.value_usd
    assert change.cost_usd <= 11.0 < change.cost_then_usd <= 20.0
    assert {row.task_type for row in change.rows} <= {"g", "h"}
    assert "budget from 11 to 20 usd" in change.summary()
    with pytest.raises(InputError, match="no such limit"):
        limit_change(budgeted(11.0), "latency", 1.0)
    with pytest.raises(InfeasibleLimits, match="relax budget"):
        limit_change(budgeted(11.0), "budget", 1.0)
    with pytest.raises(NotEnoughData):
        limit_change(None, "budget", 1.0)


def test_the_frontier_rises_from_the_cheapest_weights_and_never_bends_upwards() -> None:
    frontier = budget_frontier(budgeted(11.0), points=12)
    costs, results = [r.cost_usd for r in frontier.rows], [r.result_usd for r in frontier.rows]
    assert costs[0] == pytest.approx(2.0)
    assert costs[-1] == pytest.approx(20.0)
    assert np.diff(results).min() >= -1e-9
    assert np.diff([r.price_usd for r in frontier.rows[:-1]]).max() <= 1e-9
    assert results[0] < frontier.mean_result_usd < results[-1]
    assert frontier.plot() is not None
    assert "a day buys results worth" in frontier.summary()
    with pytest.raises(InputError, match="points"):
        budget_frontier(budgeted(11.0), points=1)


def test_the_integer_program_writes_nothing_to_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    """The solver's own C code once did, into the JSON of `tune --json`."""
    random = np.random.default_rng(1)
    for _ in range(6):
        options = tuple(
            Option(group=f"g{g}", arm=f"a{a}", value=float(random.normal(1.0, 0.3)), low=0.02)
            for g in range(10)
            for a in range(6)
        )
        costs = {i: float(random.lognormal(0.0, 1.0)) for i in range(60)}
        least = sum(min(costs[6 * g + a] for a in range(6)) for g in range(10))
        budget = Limit(name="budget", coefficients=costs, bound=2.2 * least, unit="usd")
        solved(Problem(options=options, volumes={f"g{g}": 1.0 for g in range(10)}, limits=(budget,)))
    assert capfd.readouterr().out == ""
