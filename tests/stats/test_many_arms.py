"""Families of comparisons: adjusted p-values, simultaneous intervals, planning and planned looks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats import multitest, oneway
from statsmodels.stats import power as sm_power

from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.stats import Moments
from bizq_lab.stats.group_sequential import group_sequential, group_sequential_bounds, spent
from bizq_lab.stats.many_arms import dunnett, games_howell, one_way
from bizq_lab.stats.multiplicity import benjamini_hochberg, holm
from bizq_lab.stats.power import Design, Means, PairedMeans, PairedProportions, Proportions, Ranks, Survival
from bizq_lab.stats.sequential import critical_multiplier
from bizq_lab.stats.types import Alternative

probabilities = st.lists(st.floats(0, 1), min_size=1, max_size=20)
_RNG = np.random.default_rng(0)
GROUPS = [_RNG.normal(m, s, n) for m, s, n in ((0, 1, 12), (0.8, 2, 20), (0.2, 0.5, 9), (1.5, 1, 15))]
ARMS = [Moments.from_values(g) for g in GROUPS]


@given(probabilities)
@settings(max_examples=25, deadline=None)
def test_adjusted_p_values_agree_with_statsmodels(p: list[float]) -> None:
    assert holm(p) == pytest.approx(multitest.multipletests(p, method="holm")[1])
    assert benjamini_hochberg(p) == pytest.approx(multitest.multipletests(p, method="fdr_bh")[1])


@given(probabilities, st.randoms())
def test_adjustment_keeps_order_and_never_shrinks_a_p_value(p: list[float], random: object) -> None:
    order = list(range(len(p)))
    random.shuffle(order)  # type: ignore[attr-defined]
    for adjust in (holm, benjamini_hochberg):
        assert (adjust(p) >= np.array(p) - 1e-15).all()
        assert adjust([p[i] for i in order]) == pytest.approx(adjust(p)[order])


@pytest.mark.parametrize("p", [[1.1], [-0.1], [math.nan], [[0.1]]])
def test_what_is_no_probability_is_refused(p: object) -> None:
    with pytest.raises(InputError):
        holm(p)  # type: ignore[arg-type]


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
def test_dunnett_with_equal_variances_agrees_with_scipy(alternative: Alternative) -> None:
    theirs = stats.dunnett(*GROUPS[1:], control=GROUPS[0], alternative=alternative, rng=np.random.default_rng(0))
    ours = dunnett(ARMS[1:], ARMS[0], variances="equal", alternative=alternative)
    assert [t.statistic for t in ours] == pytest.approx(theirs.statistic)
    assert [t.p_value for t in ours] == pytest.approx(theirs.pvalue, abs=2e-3)


def test_one_treatment_needs_no_adjustment() -> None:
    (test,) = dunnett(ARMS[1:2], ARMS[0])
    welch = stats.ttest_ind(GROUPS[1], GROUPS[0], equal_var=False)
    assert test.p_value == pytest.approx(welch.pvalue, abs=1e-8)
    assert test.estimate.lower == pytest.approx(welch.confidence_interval().low, abs=1e-6)


def test_dunnett_is_sharper_than_bonferroni_and_wider_than_one_test() -> None:
    family, single = dunnett(ARMS[1:], ARMS[0]), [dunnett([arm], ARMS[0])[0] for arm in ARMS[1:]]
    for many, one in zip(family, single, strict=True):
        assert one.p_value <= many.p_value <= min(1.0, 3 * one.p_value) + 1e-9
        assert many.estimate.lower < one.estimate.lower


def test_all_pairs_agree_with_scipy() -> None:
    for variances, equal in (("unequal", False), ("equal", True)):
        theirs = stats.tukey_hsd(*GROUPS, equal_var=equal)
        interval = theirs.confidence_interval()
        for pair in games_howell(ARMS, variances=variances):  # type: ignore[arg-type]
            assert pair.test.p_value == pytest.approx(theirs.pvalue[pair.first, pair.second], abs=1e-6)
            assert pair.test.estimate.lower == pytest.approx(
                np.asarray(interval.low)[pair.first, pair.second], abs=1e-4
            )


def test_analysis_of_variance_agrees_with_statsmodels() -> None:
    for variances, use_var in (("unequal", "unequal"), ("equal", "equal")):
        theirs = oneway.anova_oneway(GROUPS, use_var=use_var)
        ours = one_way(ARMS, variances=variances)  # type: ignore[arg-type]
        assert (ours.statistic, ours.p_value) == pytest.approx((theirs.statistic, theirs.pvalue))


def test_arms_without_spread_or_without_data_are_refused() -> None:
    still = Moments.from_values([1, 1, 1])
    for ask in (
        lambda: dunnett([still], still),
        lambda: dunnett([], still),
        lambda: games_howell([still, still]),
        lambda: one_way([still, still]),
        lambda: one_way([still, Moments(1, 1, 1)]),
    ):
        with pytest.raises(NotEnoughData):
            ask()


@given(st.floats(0.1, 1.5), st.floats(0.3, 0.99), st.sampled_from([0.01, 0.05, 0.1]))
@settings(max_examples=25, deadline=None)
def test_power_of_means_agrees_with_statsmodels(effect: float, power: float, alpha: float) -> None:
    n = Means(sd=1, alpha=alpha).n(effect, power=power)
    if n > 2.001:
        assert sm_power.TTestIndPower().power(effect, n, alpha) == pytest.approx(power, abs=1e-6)
    paired = PairedMeans(sd=1, alpha=alpha, one_sided=True).n(effect, power=power)
    if paired > 2.001:
        theirs = sm_power.TTestPower().power(effect, paired, alpha, alternative="larger")
        assert theirs == pytest.approx(power, abs=1e-6)


DESIGNS: list[tuple[Design, float]] = [
    (Means(sd=2, treatment_sd=3), 0.5),
    (Means(sd=2, margin=0.5), 0.0),
    (PairedMeans(sd=1), 0.2),
    (Proportions(control_rate=0.9), 0.04),
    (Proportions(control_rate=0.9, margin=0.05), 0.0),
    (PairedProportions(discordant=0.2), 0.05),
    (PairedProportions(discordant=0.2, margin=0.05), 0.0),
    (Ranks(), 0.1),
    (Survival(finished=0.8), 0.3),
    (Means(sd=1, sequential=True), 0.3),
    (Means(sd=1, sequential=True, one_sided=True), 0.3),
]


@pytest.mark.parametrize(("design", "effect"), DESIGNS)
def test_n_power_and_detectable_effect_agree_with_each_other(design: Design, effect: float) -> None:
    n = design.n(effect, power=0.8)
    assert design.power(n, effect) == pytest.approx(0.8, abs=1e-6)
    assert design.minimum_detectable_effect(n, power=0.8) == pytest.approx(effect, abs=1e-4)
    assert design.power(2 * n, effect) > 0.8


def test_clustering_multiplies_the_sample_by_the_design_effect() -> None:
    plain, clustered = (Proportions(control_rate=0.8, design_effect=d).n(0.05) for d in (1.0, 3.0))
    assert clustered == pytest.approx(3 * plain)


def test_reading_at_will_costs_about_three_quarters_more_at_the_planned_n() -> None:
    fixed, anytime = Means(sd=1).n(0.2), Means(sd=1, sequential=True).n(0.2)
    assert 1.6 < anytime / fixed < 2.2
    assert critical_multiplier(1000, 1000) == pytest.approx(1.55 * 1.96, rel=0.01)


def test_the_specifications_hundred_tasks_are_underpowered() -> None:
    """SampleSize = 100 is 50 per arm: .95 against .90 is found about one time in seven."""
    assert Proportions(control_rate=0.95).power(50, -0.05) == pytest.approx(0.15, abs=0.02)


@pytest.mark.parametrize(
    "ask",
    [
        lambda: Means(sd=0.0).power(10, 1),
        lambda: Means(sd=1.0, alpha=0.0),
        lambda: Means(sd=1.0, margin=-1.0),
        lambda: Proportions(control_rate=1.0),
        lambda: PairedProportions(discordant=0.1).power(10, 0.2),
        lambda: Means(sd=1.0).n(0.5, power=1.0),
        lambda: group_sequential_bounds([0.5, 0.4]),
        lambda: group_sequential_bounds([]),
        lambda: group_sequential(0.0, 0.0, [1.0]),
    ],
)
def test_impossible_designs_are_refused(ask: object) -> None:
    with pytest.raises(InputError):
        ask()  # type: ignore[operator]


def test_no_sample_size_finds_nothing() -> None:
    with pytest.raises(NotEnoughData):
        Means(sd=1).n(0.0)
    with pytest.raises(NotEnoughData):
        Proportions(control_rate=0.99).minimum_detectable_effect(10)


def test_obrien_fleming_bounds_reproduce_the_published_ones() -> None:
    """Five equal looks at two-sided 5 %: Jennison & Turnbull 2000, and gsDesign's sfLDOF."""
    bounds = group_sequential_bounds([0.2, 0.4, 0.6, 0.8, 1.0])
    assert bounds == pytest.approx([4.877, 3.357, 2.680, 2.290, 2.031], abs=1e-3)
    one_sided = group_sequential_bounds([0.5, 1.0], alpha=0.025, alternative="greater")
    assert one_sided == pytest.approx([2.963, 1.969], abs=1e-3)


def test_spending_starts_at_nothing_and_ends_at_alpha() -> None:
    for shape in ("obrien-fleming", "pocock"):
        assert spent(0.0, 0.05, shape) == 0.0
        assert spent(1.0, 0.05, shape) == pytest.approx(0.05)


def test_a_single_planned_look_is_the_fixed_test() -> None:
    test = group_sequential(1.0, 0.5, [1.0], n=10)
    assert test.estimate.upper == pytest.approx(1 + 1.959964 * 0.5, abs=1e-5)
    early = group_sequential(1.0, 0.5, [0.5], alternative="greater")
    assert early.estimate.upper == math.inf
    assert early.estimate.lower < 0
    assert group_sequential(1.0, 0.5, [0.5], alternative="less").estimate.lower == -math.inf
