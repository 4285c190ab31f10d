"""Clustered observations: agreement with statsmodels, exactness with few clusters, and the bootstrap."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.api import OLS, add_constant

from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.stats.bootstrap import poisson_cluster_bootstrap
from bizq_lab.stats.clusters import (
    ClusterSums,
    Kind,
    cluster_difference,
    cluster_mean,
    design_effect,
    intraclass_correlation,
)
from bizq_lab.stats.regression import clustered_regression
from bizq_lab.stats.types import Floats


def _data(clusters: int, *, crossed: bool, seed: int = 0, n: int = 400) -> tuple[Floats, Floats, Floats]:
    rng = np.random.default_rng(seed)
    group = np.concatenate([np.arange(clusters), rng.integers(0, clusters, n)])
    arm = rng.integers(0, 2, group.size) if crossed else group % 2
    return group.astype(float), arm.astype(float), rng.normal(size=group.size) + rng.normal(size=clusters)[group] * 0.5


def _arms(group: Floats, arm: Floats, y: Floats) -> tuple[ClusterSums, ClusterSums]:
    treatment, control = (ClusterSums.from_values(group[arm == a], y[arm == a]) for a in (1, 0))
    return treatment, control


@pytest.mark.parametrize("crossed", [True, False])
@pytest.mark.parametrize(("kind", "theirs"), [("crv1", "cluster"), ("crv3", "cluster-crv3")])
@pytest.mark.parametrize("clusters", [60, 12])
def test_cluster_robust_errors_agree_with_statsmodels(kind: Kind, theirs: str, clusters: int, *, crossed: bool) -> None:
    group, arm, y = _data(clusters, crossed=crossed)
    fit = OLS(y, add_constant(arm)).fit(cov_type=theirs, cov_kwds={"groups": group}, use_t=True)
    test = cluster_difference(*_arms(group, arm, y), kind=kind)
    assert test.estimate.value == pytest.approx(fit.params[1])
    assert test.estimate.value / test.statistic == pytest.approx(fit.bse[1])
    if kind == "crv1" or crossed:
        assert test.p_value == pytest.approx(fit.pvalues[1])
    regression = clustered_regression(add_constant(arm), y, group, kind="crv1" if kind == "crv1" else "crv3")
    assert regression.standard_errors == pytest.approx(fit.bse)


@given(st.integers(0, 1000), st.floats(0.1, 10), st.floats(-5, 5))
@settings(max_examples=30)
def test_clustered_difference_is_antisymmetric_and_equivariant(seed: int, factor: float, shift: float) -> None:
    group, arm, y = _data(20, crossed=bool(seed % 2), seed=seed, n=60)
    base = cluster_difference(*_arms(group, arm, y)).estimate
    moved = cluster_difference(*_arms(group, arm, factor * y + shift)).estimate
    swapped = cluster_difference(*_arms(group, 1 - arm, y)).estimate
    assert moved.lower == pytest.approx(factor * base.lower, abs=1e-9)
    assert (swapped.lower, swapped.upper) == pytest.approx((-base.upper, -base.lower), abs=1e-9)


@pytest.mark.parametrize("clusters", [60, 12, 8])
@pytest.mark.parametrize("extra", [0, 3])
def test_neither_the_names_of_clusters_nor_their_order_matter(clusters: int, extra: int) -> None:
    rng = np.random.default_rng(clusters)
    sizes = [(rng.integers(1, 9, g).astype(float), rng.normal(size=g)) for g in (clusters + extra, clusters)]
    numbered = [ClusterSums(np.arange(n.size), n, total) for n, total in sizes]
    others = []
    for arm in numbered:
        order = rng.permutation(arm.n.size)
        others.append(ClusterSums(np.char.add("w", order.astype(str)), arm.n[order], arm.total[order]))
    mine, theirs = (cluster_difference(*arms) for arms in (numbered, others))
    assert (mine.method, mine.estimate.n) == (theirs.method, theirs.estimate.n)
    assert mine.p_value == pytest.approx(theirs.p_value, abs=1e-9)
    ends = [(test.estimate.value, test.estimate.lower, test.estimate.upper) for test in (mine, theirs)]
    assert ends[0] == pytest.approx(ends[1], abs=1e-9)
    with pytest.raises(InputError, match="twice"):
        ClusterSums(np.array([0, 1, 1]), np.ones(3), np.ones(3))


def test_the_number_of_clusters_chooses_the_method() -> None:
    methods = [
        cluster_difference(*_arms(*_data(clusters, crossed=crossed))).method
        for clusters, crossed in ((100, False), (60, True), (48, False), (8, True), (8, False))
    ]
    assert [m.split()[-1] for m in methods] == ["CRV1", "CRV1", "CRV3", "permutation", "permutation"]


def test_few_treated_clusters_are_few_whatever_the_control_has() -> None:
    rng = np.random.default_rng(0)
    treatment, control = (ClusterSums.from_values(np.arange(g), rng.normal(size=g)) for g in (5, 300))
    control = ClusterSums.of(control.ids + 1000, control.n, control.total)
    test = cluster_difference(treatment, control)
    assert test.method.endswith("CRV3")
    assert test.df is not None
    assert test.df < 6


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
def test_permutation_counts_every_assignment(alternative: str) -> None:
    """Four clusters against four: the p-value is a share of 70 assignments, checked by brute force."""
    group, arm, y = _data(8, crossed=False, seed=3)
    treatment, control = _arms(group, arm, y + arm)
    test = cluster_difference(treatment, control, alternative=alternative)  # type: ignore[arg-type]
    n, total = np.concatenate([treatment.n, control.n]), np.concatenate([treatment.total, control.total])
    effects = []
    for chosen in combinations(range(8), 4):
        mask = np.isin(np.arange(8), chosen)
        effects.append(total[mask].sum() / n[mask].sum() - total[~mask].sum() / n[~mask].sum())
    greater = float(np.mean(np.array(effects) >= effects[0] - 1e-12))
    less = float(np.mean(np.array(effects) <= effects[0] + 1e-12))
    expected = {"two-sided": min(1, 2 * min(greater, less)), "greater": greater, "less": less}[alternative]
    assert test.p_value == pytest.approx(expected)


@pytest.mark.parametrize("crossed", [True, False])
def test_permutation_interval_holds_the_effects_that_are_not_rejected(*, crossed: bool) -> None:
    arms = _arms(*_data(8, crossed=crossed, seed=5))
    interval = cluster_difference(*arms).estimate
    for inside, outside in (
        (interval.lower + 1e-6, interval.lower - 1e-6),
        (interval.upper - 1e-6, interval.upper + 1e-6),
    ):
        assert cluster_difference(*arms, null=inside).p_value > 0.05
        assert cluster_difference(*arms, null=outside).p_value <= 0.05


def test_three_clusters_an_arm_can_exclude_nothing_and_say_so() -> None:
    test = cluster_difference(*_arms(*_data(6, crossed=False)))
    assert (test.estimate.lower, test.estimate.upper) == (-math.inf, math.inf)
    assert [c.code for c in test.caveats] == ["too_few_clusters"]


def test_mean_of_many_singletons_is_the_plain_mean() -> None:
    y = np.random.default_rng(0).normal(size=80)
    estimate = cluster_mean(ClusterSums.from_values(np.arange(80), y))
    half = (estimate.upper - estimate.lower) / 2
    assert half == pytest.approx(1.9904 * y.std(ddof=1) / math.sqrt(80), rel=1e-3)
    assert cluster_mean(ClusterSums.from_values(np.arange(20), y[:20])).method.endswith("CRV3")


def test_a_cluster_with_costs_but_no_success_still_counts() -> None:
    sums = ClusterSums.of([1, 2, 3], [5.0, 0.0, 4.0], [10.0, 3.0, 7.0])
    assert cluster_mean(sums).value == pytest.approx(20 / 9)
    assert cluster_mean(sums).n == 3


@pytest.mark.parametrize(
    "build",
    [
        lambda: ClusterSums.of([1, 1], [1.0, 1.0], [1.0, 1.0]),
        lambda: ClusterSums.of([1, 2], [1.0], [1.0, 1.0]),
        lambda: ClusterSums.of([1], [math.nan], [1.0]),
        lambda: cluster_difference(*_arms(*_data(40, crossed=False)), kind="permutation"),
        lambda: clustered_regression([[1, 2], [1, 2], [1, 2]], [1, 2, 3], [1, 2, 3]),
    ],
)
def test_impossible_sums_are_refused(build: object) -> None:
    with pytest.raises(InputError):
        build()  # type: ignore[operator]


@pytest.mark.parametrize(
    "ask",
    [
        lambda: cluster_mean(ClusterSums.of([1], [2.0], [1.0])),
        lambda: cluster_mean(ClusterSums.of([1, 2], [2.0, 2.0], [1.0, 1.0])),
        lambda: cluster_mean(ClusterSums.of([1, 2], [2.0, 0.0], [1.0, 0.5])),
        lambda: cluster_difference(ClusterSums.of([1], [2.0], [1.0]), ClusterSums.of([2, 3], [2.0, 2.0], [1.0, 0.0])),
        lambda: cluster_difference(ClusterSums.of([1], [0.0], [0.0]), ClusterSums.of([2, 3], [2.0, 2.0], [1.0, 0.0])),
    ],
)
def test_too_few_clusters_or_no_spread_is_said(ask: object) -> None:
    with pytest.raises(NotEnoughData):
        ask()  # type: ignore[operator]


def test_intraclass_correlation_and_design_effect_recover_the_truth() -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=(2000, 20)) + rng.normal(size=(2000, 1)) * math.sqrt(0.25)
    icc = intraclass_correlation(np.full(2000, 20), y.sum(axis=1), (y**2).sum(axis=1))
    assert icc == pytest.approx(0.2, abs=0.02)
    assert design_effect(np.full(2000, 20), 0.2) == pytest.approx(1 + 19 * 0.2)
    assert intraclass_correlation([2, 2], [2.0, 2.0], [2.0, 2.0]) == 0.0


def _ratio(sums: Floats) -> Floats:
    return np.asarray(sums[:, 0] / sums[:, 1], dtype=np.float64)


def test_bootstrap_is_seeded_and_close_to_the_delta_method() -> None:
    rng = np.random.default_rng(0)
    sums = np.column_stack([rng.gamma(5, 1, 300), rng.poisson(8, 300)])
    one, two = (poisson_cluster_bootstrap(sums, _ratio, rng=np.random.default_rng(7)) for _ in "ab")
    assert (one.lower, one.upper) == (two.lower, two.upper)
    robust = cluster_mean(ClusterSums.of(np.arange(300), sums[:, 1], sums[:, 0]))
    assert (one.lower, one.upper) == pytest.approx((robust.lower, robust.upper), rel=0.02)
    plain = poisson_cluster_bootstrap(sums, _ratio, rng=np.random.default_rng(7), kind="percentile")
    assert plain.lower < plain.value < plain.upper


def test_bootstrap_admits_an_infinite_end_when_successes_are_rare() -> None:
    sums = np.column_stack([np.ones(30), np.eye(30)[0]])
    assert poisson_cluster_bootstrap(sums, _ratio, rng=np.random.default_rng(0)).upper == math.inf


def test_bootstrap_refuses_what_it_cannot_do() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(NotEnoughData):
        poisson_cluster_bootstrap([[1.0, 0.0], [2.0, 0.0]], lambda s: np.full(len(s), np.inf), rng=rng)
    with pytest.raises(InputError):
        poisson_cluster_bootstrap([[1.0, 2.0], [2.0, 1.0]], _ratio, rng=rng, replicates=10)
