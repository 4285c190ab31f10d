"""Times cut short by a timeout: agreement with statsmodels, and what a timeout may not do."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.stats.survival import (
    LifeTable,
    kaplan_meier,
    log_rank,
    restricted_mean,
    restricted_mean_difference,
    survival_quantile,
)

times = st.lists(st.integers(1, 40), min_size=4, max_size=40)


@given(times, st.lists(st.integers(1, 40), max_size=15))
@settings(max_examples=40, deadline=None)
def test_kaplan_meier_agrees_with_statsmodels(done: list[int], cut: list[int]) -> None:
    curve = kaplan_meier(LifeTable.of(done, cut))
    theirs = SurvfuncRight(done + cut, [1] * len(done) + [0] * len(cut))
    assert curve.survival == pytest.approx(theirs.surv_prob)
    assert list(curve.time) == list(theirs.surv_times)


@given(times, times, st.lists(st.integers(30, 40), max_size=8))
@settings(max_examples=40, deadline=None)
def test_log_rank_agrees_with_statsmodels_and_is_symmetric(x: list[int], y: list[int], cut: list[int]) -> None:
    assume(max(min(x), min(y)) < max(x + y))  # else nothing happened while both arms were running
    a, b = LifeTable.of(x, cut), LifeTable.of(y, cut)
    status = np.array([1] * len(x) + [0] * len(cut) + [1] * len(y) + [0] * len(cut))
    group = np.array([0] * (len(x) + len(cut)) + [1] * (len(y) + len(cut)))
    statistic, p = survdiff(x + cut + y + cut, status, group)
    ours = log_rank(a, b)
    assert (ours.statistic, ours.p_value) == pytest.approx((statistic, p), abs=1e-9)
    assert log_rank(b, a).estimate.value == pytest.approx(1 / ours.estimate.value)


def test_restricted_mean_without_censoring_is_the_mean_with_its_standard_error() -> None:
    y = np.abs(np.random.default_rng(0).normal(size=300))
    estimate = restricted_mean(LifeTable.of(y), 10.0)
    assert estimate.value == pytest.approx(y.mean())
    half = stats.t.ppf(0.975, 299) * y.std(ddof=1) / math.sqrt(300)
    assert estimate.upper - estimate.value == pytest.approx(half)


def test_dropping_timeouts_flatters_the_slow_arm_and_the_restricted_mean_does_not() -> None:
    rng = np.random.default_rng(1)
    true = rng.exponential(20, 20_000)
    finished = true[true < 30]
    estimate = restricted_mean(LifeTable.of(finished, np.full(true.size - finished.size, 30.0)), 30.0)
    assert estimate.lower < np.minimum(true, 30).mean() < estimate.upper
    assert finished.mean() < 0.8 * estimate.value


@given(times.filter(lambda t: len(set(t)) > 1), st.integers(2, 9))
def test_restricted_mean_follows_the_unit_of_time(done: list[int], factor: int) -> None:
    seconds, millis = LifeTable.of(done), LifeTable.of([factor * t for t in done])
    one, many = restricted_mean(seconds, 50), restricted_mean(millis, 50 * factor)
    assert many.lower == pytest.approx(factor * one.lower, abs=1e-9)
    assert one.lower <= one.value <= one.upper <= 50


def test_difference_of_restricted_means_is_antisymmetric() -> None:
    rng = np.random.default_rng(2)
    a, b = (LifeTable.of(rng.exponential(m, 400)) for m in (2, 4))
    forward, backward = restricted_mean_difference(a, b, 5.0), restricted_mean_difference(b, a, 5.0)
    assert forward.estimate.lower == pytest.approx(-backward.estimate.upper)
    assert forward.p_value == pytest.approx(backward.p_value)
    assert forward.estimate.upper < 0


def test_every_call_timing_out_is_answered_honestly() -> None:
    table = LifeTable.of([], [30.0] * 20)
    estimate = restricted_mean(table, 30.0)
    assert (estimate.value, estimate.upper) == (30.0, 30.0)
    assert estimate.lower < 27
    median, of_two = survival_quantile(table, 0.5), survival_quantile(LifeTable.of([], [30.0] * 2), 0.5)
    assert (median.value, median.lower, of_two.lower) == (math.inf, 30.0, 0.0)
    with pytest.raises(NotEnoughData):
        restricted_mean_difference(table, table, 30.0)
    with pytest.raises(NotEnoughData):
        log_rank(table, table)


def test_quantile_interval_agrees_with_statsmodels() -> None:
    rng = np.random.default_rng(4)
    done, cut = rng.exponential(1, 90).round(2) + 0.01, np.full(10, 3.0)
    theirs = SurvfuncRight(np.concatenate([done, cut]), np.array([1] * 90 + [0] * 10))
    ours = survival_quantile(LifeTable.of(done, cut), 0.5)
    assert ours.value == theirs.quantile(0.5)
    with np.errstate(all="ignore"):
        assert (ours.lower, ours.upper) == pytest.approx(theirs.quantile_ci(0.5, method="cloglog"))


def test_p95_hidden_by_timeouts_is_infinite_not_the_timeout() -> None:
    estimate = survival_quantile(LifeTable.of(range(1, 91), [100] * 10), 0.95)
    assert (estimate.value, estimate.upper) == (math.inf, math.inf)
    assert 85 < estimate.lower <= 100


@pytest.mark.parametrize(
    "ask",
    [
        lambda: LifeTable.of([-1.0]),
        lambda: LifeTable.of([math.nan]),
        lambda: restricted_mean(LifeTable.of([1.0, 2.0]), 0.0),
        lambda: survival_quantile(LifeTable.of([1.0]), 1.0),
    ],
)
def test_impossible_times_are_refused(ask: object) -> None:
    with pytest.raises(InputError):
        ask()  # type: ignore[operator]


def test_a_horizon_beyond_follow_up_is_refused() -> None:
    with pytest.raises(NotEnoughData, match="before the horizon"):
        restricted_mean(LifeTable.of([1.0, 2.0], [3.0]), 10.0)
