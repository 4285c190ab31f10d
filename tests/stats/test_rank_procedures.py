"""Ranks: Wilcoxon, Friedman, Cochran, Brunner-Munzel, rank sets, agreement."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats import inter_rater, nonparametric

from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.stats.agreement import Scale, Weights, cohen_kappa, fleiss_kappa, krippendorff_alpha
from bizq_lab.stats.blocks import cochran_q, friedman
from bizq_lab.stats.ordinal import LevelCounts, brunner_munzel, clustered_superiority, ordinal_superiority
from bizq_lab.stats.ranks import rank_confidence_sets
from bizq_lab.stats.signed_rank import hodges_lehmann, wilcoxon
from bizq_lab.stats.types import Alternative

distinct = st.lists(
    st.floats(-100, 100).map(lambda v: round(v, 3)).filter(bool), min_size=4, max_size=30, unique_by=abs
)
ratings = st.lists(st.integers(1, 5), min_size=3, max_size=40)


@given(distinct)
def test_hodges_lehmann_is_the_median_of_all_pairwise_averages(d: list[float]) -> None:
    averages = [(a + b) / 2 for i, a in enumerate(d) for b in d[i:]]
    assert hodges_lehmann(d) == pytest.approx(np.median(averages), abs=1e-9)


@given(distinct, st.sampled_from(["two-sided", "greater", "less"]))
@settings(max_examples=30, deadline=None)
def test_wilcoxon_agrees_with_scipy(d: list[float], alternative: Alternative) -> None:
    ours = wilcoxon(d, alternative=alternative)
    assert ours.p_value == stats.wilcoxon(d, zero_method="pratt", alternative=alternative).pvalue
    assert ours.estimate.lower <= ours.estimate.value <= ours.estimate.upper


@given(distinct.filter(lambda d: len(d) > 6))
@settings(max_examples=30, deadline=None)
def test_wilcoxon_interval_holds_the_centres_that_are_not_rejected(d: list[float]) -> None:
    interval = wilcoxon(d).estimate
    span = max(d) - min(d)
    if math.isfinite(interval.lower):
        assert wilcoxon(d, null=interval.lower - 1e-5 * span).p_value <= 0.05 + 1e-9
    if math.isfinite(interval.upper):
        assert wilcoxon(d, null=interval.upper + 1e-5 * span).p_value <= 0.05 + 1e-9


def test_wilcoxon_interval_is_unbounded_with_five_pairs_and_normal_beyond_fifty() -> None:
    assert wilcoxon([1.0, 2.0, 3.0, 4.0, 5.5]).estimate.upper == math.inf
    d = np.random.default_rng(0).normal(0.5, 1, 80)
    interval = wilcoxon(d).estimate
    assert 0 < interval.lower < interval.upper < 1


def test_wilcoxon_without_differences_says_so() -> None:
    test = wilcoxon([0.0, 0.0, 0.0])
    assert (test.p_value, [c.code for c in test.caveats]) == (1.0, ["zero_variance"])
    with pytest.raises(NotEnoughData):
        wilcoxon([1.0])


@given(st.integers(0, 10_000), st.integers(2, 5))
@settings(max_examples=30, deadline=None)
def test_friedman_agrees_with_scipy_and_ignores_any_monotone_scale(seed: int, arms: int) -> None:
    table = np.random.default_rng(seed).integers(0, 4, (12, arms + 1))
    theirs = stats.friedmanchisquare(*table.T)
    ours = friedman(table)
    assert (ours.statistic, ours.p_value) == pytest.approx((theirs.statistic, theirs.pvalue))
    assert friedman(np.exp(table)).statistic == pytest.approx(ours.statistic)
    assert ours.effect is not None
    assert 0 <= ours.effect <= 1


def test_unanimous_tasks_carry_no_information() -> None:
    table = [[1, 1, 1], [0, 0, 0]]
    assert (cochran_q(table).p_value, friedman(table).p_value) == (1.0, 1.0)
    assert cochran_q([*table, [1, 0, 0]]).statistic == pytest.approx(2.0)
    with pytest.raises(InputError):
        cochran_q([[0.5, 1.0]])
    with pytest.raises(InputError):
        friedman([[1.0, math.nan], [1.0, 2.0]])
    with pytest.raises(NotEnoughData):
        friedman([[1.0], [2.0]])


@given(ratings, ratings)
@settings(max_examples=40, deadline=None)
def test_brunner_munzel_agrees_with_scipy(x: list[int], y: list[int]) -> None:
    ours = brunner_munzel(x, y)
    assert 0 <= ours.estimate.lower <= ours.estimate.value <= ours.estimate.upper <= 1
    if ours.df is None:  # the arms do not overlap, or all is one value: scipy returns NaN there
        assert ours.estimate.lower < ours.estimate.upper
        return
    theirs = stats.brunnermunzel(y, x)
    assert ours.statistic == pytest.approx(theirs.statistic, abs=1e-9)
    assert ours.p_value == pytest.approx(theirs.pvalue, abs=1e-9)


@given(ratings, ratings)
def test_superiority_of_one_is_inferiority_of_the_other(x: list[int], y: list[int]) -> None:
    forward, backward = brunner_munzel(x, y), brunner_munzel(y, x)
    assert forward.estimate.value == pytest.approx(1 - backward.estimate.value)
    assert forward.p_value == pytest.approx(backward.p_value)
    assert forward.estimate.lower == pytest.approx(1 - backward.estimate.upper)


def test_five_counts_an_arm_are_enough() -> None:
    """SQL sends counts by level, not rows; statsmodels' ordinal function is the oracle."""
    x, y = [5, 9, 20, 40, 26], [12, 15, 25, 30, 18]
    theirs = nonparametric.rank_compare_2ordinal(np.array(x), np.array(y), use_t=True)
    ours = ordinal_superiority(x, y)
    assert ours.estimate.value == pytest.approx(1 - theirs.prob1) or ours.estimate.value == pytest.approx(theirs.prob1)
    assert ours.p_value == pytest.approx(theirs.test_prob_superior().pvalue)


def test_arms_that_do_not_overlap_still_have_an_interval() -> None:
    test = brunner_munzel([4, 5, 5, 4], [1, 2, 3, 3])
    assert test.estimate.value == 1.0
    assert test.estimate.lower == pytest.approx(0.025**0.25)
    assert test.p_value == pytest.approx(0.125)
    same = brunner_munzel([3, 3, 3], [3, 3, 3])
    assert (same.estimate.value, same.p_value) == (0.5, 1.0)
    assert same.estimate.upper - same.estimate.lower > 0.5
    with pytest.raises(NotEnoughData):
        brunner_munzel([1], [1, 2])
    with pytest.raises(InputError):
        ordinal_superiority([1, 2], [1, 2, 3])
    with pytest.raises(InputError):
        ordinal_superiority([-1, 2], [1, 2])


def test_rank_sets_keep_ties_together_and_separate_what_is_clear() -> None:
    sets = rank_confidence_sets([0.91, 0.90, 0.86, 0.80], [0.012] * 4, rng=np.random.default_rng(0))
    assert [(s.rank, s.best, s.worst) for s in sets][0::3] == [(1, 1, 2), (4, 4, 4)]
    assert sum(s.p_best for s in sets) == pytest.approx(1)
    mirrored = rank_confidence_sets([1, 2, 3], [0.1] * 3, rng=np.random.default_rng(0), higher_is_better=False)
    assert [s.best for s in mirrored] == [1, 2, 3]
    assert rank_confidence_sets([1.0], [0.1], rng=np.random.default_rng(0))[0].worst == 1


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=5), st.integers(0, 100))
@settings(max_examples=30, deadline=None)
def test_a_rank_lies_in_its_own_set(values: list[float], seed: int) -> None:
    sets = rank_confidence_sets(values, [0.3] * len(values), rng=np.random.default_rng(seed), draws=500)
    assert all(s.best <= s.rank <= s.worst for s in sets)


def test_paired_covariance_sharpens_ranks() -> None:
    shared = 0.05**2 * (0.99 + 0.01 * np.eye(2))
    paired = rank_confidence_sets([0.9, 0.86], shared, rng=np.random.default_rng(0))
    independent = rank_confidence_sets([0.9, 0.86], [0.05, 0.05], rng=np.random.default_rng(0))
    assert (paired[0].worst, independent[0].worst) == (1, 2)
    for covariance in ([0.1], np.ones((2, 2))):
        with pytest.raises(InputError):
            rank_confidence_sets([1, 2], covariance, rng=np.random.default_rng(0))


@given(st.integers(0, 1000), st.sampled_from([("none", None), ("linear", "linear"), ("quadratic", "quadratic")]))
@settings(max_examples=30, deadline=None)
def test_cohen_agrees_with_statsmodels(seed: int, weights: tuple[Weights, str | None]) -> None:
    rng = np.random.default_rng(seed)
    a = np.concatenate([np.arange(4), rng.integers(0, 4, 40)])
    b = np.where(rng.random(44) < 0.5, a, rng.integers(0, 4, 44))
    b[:4] = np.arange(4)
    table = np.zeros((4, 4))
    np.add.at(table, (a, b), 1)
    theirs = inter_rater.cohens_kappa(table, wt=weights[1])
    ours = cohen_kappa(a, b, weights=weights[0])
    assert ours.value == pytest.approx(theirs.kappa)
    assert ours.lower == pytest.approx(theirs.kappa_low, abs=0.1)


def test_fleiss_agrees_with_statsmodels_and_krippendorff_with_his_example() -> None:
    counts = np.random.default_rng(0).multinomial(5, [0.2, 0.3, 0.5], 30)
    assert fleiss_kappa(counts).value == pytest.approx(inter_rater.fleiss_kappa(counts))
    n = math.nan
    rows: list[list[float]] = [  # Krippendorff 2011, reliability data C: .743 nominal, .815 ordinal, .849 interval
        [1, 2, 3, 3, 2, 1, 4, 1, 2, n, n, n],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, n, 3],
        [n, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, n],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, n],
    ]
    scales: tuple[Scale, ...] = ("nominal", "ordinal", "interval")
    found = [krippendorff_alpha(np.array(rows), scale=scale).value for scale in scales]
    assert found == pytest.approx([0.743, 0.815, 0.849], abs=6e-4)


def test_perfect_agreement_of_few_items_is_not_certain() -> None:
    estimate = cohen_kappa([1, 2, 3, 1], [1, 2, 3, 1])
    assert (estimate.value, estimate.upper) == (1.0, 1.0)
    assert estimate.lower < 0.5
    questions: tuple[Callable[[], object], ...] = (
        lambda: cohen_kappa([1, 1], [1, 1]),
        lambda: fleiss_kappa([[3, 0], [3, 0]]),
        lambda: krippendorff_alpha([[1, 1], [1, 1]]),
        lambda: krippendorff_alpha(np.array([[1, 2], [math.nan, math.nan]])),
    )
    for ask in questions:
        with pytest.raises(NotEnoughData):
            ask()
    with pytest.raises(InputError):
        fleiss_kappa([[3, 0], [1, 1]])


def _counted(clusters: Sequence[int], values: Sequence[float], times: int = 1) -> LevelCounts:
    seen = Counter(zip(clusters, values, strict=True))
    return LevelCounts(
        np.array([cluster for cluster, _ in seen]),
        np.array([value for _, value in seen]),
        np.array(list(seen.values()), dtype=np.float64) * times,
    )


@given(ratings, ratings)
@settings(max_examples=30, deadline=None)
def test_one_rating_a_cluster_is_brunner_and_munzel_on_the_levels_observed(x: list[int], y: list[int]) -> None:
    mine, theirs = [value / 2 for value in x], [value / 2 for value in y]  # ratings may be fractions
    arms = _counted(range(len(x)), mine), _counted(range(100, 100 + len(y)), theirs)
    assert clustered_superiority(*arms) == brunner_munzel(mine, theirs)


def test_ratings_that_a_cluster_repeats_add_no_certainty() -> None:
    rng = np.random.default_rng(7)
    mine, theirs = rng.integers(1, 6, 120) / 2 + 0.5, rng.integers(1, 6, 120) / 2
    once = brunner_munzel(mine, theirs).estimate
    arms = _counted(range(120), mine.tolist(), times=9), _counted(range(200, 320), theirs.tolist(), times=9)
    repeated = clustered_superiority(*arms)
    assert repeated.estimate.value == pytest.approx(once.value)
    assert (repeated.estimate.lower, repeated.estimate.upper) == pytest.approx((once.lower, once.upper), abs=0.002)
    assert repeated.estimate.n == 240


def test_clusters_of_alike_raters_hide_no_false_difference() -> None:
    """Twenty raters an arm, ten ratings each, no difference: rows alone would see one every fourth time."""
    rng, found, naive, rounds = np.random.default_rng(3), 0, 0, 300
    for _ in range(rounds):
        mood = rng.normal(0, 1, 40)
        values = np.clip(np.round(3 + mood[:, None] + rng.normal(0, 1, (40, 10))), 1, 5)
        arms = [values[:20], values[20:]]
        counted = [
            _counted(np.repeat(range(20 * k, 20 * k + 20), 10).tolist(), arms[k].ravel().tolist()) for k in (0, 1)
        ]
        found += clustered_superiority(*counted).p_value <= 0.05
        naive += brunner_munzel(arms[0].ravel(), arms[1].ravel()).p_value <= 0.05
    assert found / rounds <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / rounds)
    assert naive / rounds > 0.25
