"""Laws of means and their differences, and agreement with scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.stats import CrossMoments, Moments
from bizq_lab.stats.adjust import Stratum, cuped_difference, post_stratified_difference
from bizq_lab.stats.means import mean, paired_difference, welch_difference
from bizq_lab.stats.ratios import paired_ratio_difference, ratio, ratio_difference, ratio_of_means
from bizq_lab.stats.types import Alternative

samples = st.lists(st.integers(-100, 100), min_size=3, max_size=25).filter(lambda v: len(set(v)) > 1)
positive = st.lists(st.integers(50, 200), min_size=5, max_size=25).filter(lambda v: len(set(v)) > 1)
alternatives = st.sampled_from(["two-sided", "greater", "less"])


def _of(values: object) -> Moments:
    return Moments.from_values(values)  # type: ignore[arg-type]


@given(samples, samples, alternatives)
@settings(max_examples=40)
def test_welch_agrees_with_scipy(x: list[int], y: list[int], alternative: Alternative) -> None:
    ours = welch_difference(_of(x), _of(y), alternative=alternative)
    theirs = stats.ttest_ind(x, y, equal_var=False, alternative=alternative)
    assert ours.statistic == pytest.approx(theirs.statistic)
    assert ours.p_value == pytest.approx(theirs.pvalue, abs=1e-12)
    interval = theirs.confidence_interval(0.95)
    assert (ours.estimate.lower, ours.estimate.upper) == pytest.approx((interval.low, interval.high))


@given(samples)
@settings(max_examples=40)
def test_one_sample_agrees_with_scipy(x: list[int]) -> None:
    theirs = stats.ttest_1samp(x, 3.0)
    assert paired_difference(_of(x), null=3.0).p_value == pytest.approx(theirs.pvalue)
    interval = theirs.confidence_interval(0.9)
    ours = mean(_of(x), level=0.9)
    assert (ours.lower, ours.upper) == pytest.approx((interval.low, interval.high))


@given(samples, samples, st.integers(1, 20), st.integers(-50, 50))
def test_difference_is_equivariant_and_antisymmetric(x: list[int], y: list[int], factor: int, shift: int) -> None:
    base = welch_difference(_of(x), _of(y))
    moved = welch_difference(_of(x).scaled(factor).shifted(shift), _of(y).scaled(factor).shifted(shift))
    swapped = welch_difference(_of(y), _of(x))
    assert moved.estimate.lower == pytest.approx(factor * base.estimate.lower)
    assert moved.p_value == pytest.approx(base.p_value)
    assert (swapped.estimate.lower, swapped.estimate.upper) == pytest.approx(
        (-base.estimate.upper, -base.estimate.lower)
    )


@given(samples, samples, st.randoms())
def test_order_of_observations_does_not_matter(x: list[int], y: list[int], random: object) -> None:
    shuffled = list(x)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert welch_difference(_of(shuffled), _of(y)) == welch_difference(_of(x), _of(y))


@given(samples, samples, st.floats(0.01, 0.5))
def test_interval_holds_exactly_the_effects_that_are_not_rejected(x: list[int], y: list[int], alpha: float) -> None:
    test = welch_difference(_of(x), _of(y), level=1 - alpha)
    assert welch_difference(_of(x), _of(y), null=test.estimate.lower).p_value == pytest.approx(alpha)


@pytest.mark.parametrize("few", [Moments(0), Moments(1, 5, 25)])
def test_one_observation_is_not_enough(few: Moments) -> None:
    for ask in (
        lambda: mean(few),
        lambda: welch_difference(few, _of([1, 2])),
        lambda: ratio_of_means(few, _of([1, 2])),
    ):
        with pytest.raises(NotEnoughData):
            ask()


def test_zero_variance_yields_an_honest_interval_never_a_point() -> None:
    """Forty identical costs do not prove that the forty-first is the same."""
    same, other = _of([7] * 40), _of([5] * 40)
    unbounded = welch_difference(same, other)
    assert (unbounded.estimate.lower, unbounded.estimate.upper, unbounded.p_value) == (-math.inf, math.inf, 1.0)
    assert [c.code for c in unbounded.caveats] == ["zero_variance"]
    bounded = welch_difference(_of([1] * 40), _of([0] * 40), support=(0, 1))
    assert 0.8 < bounded.estimate.lower < 1.0 <= bounded.estimate.upper
    assert bounded.p_value == pytest.approx(0.05)
    one = mean(_of([1] * 40), support=(0, 1))
    assert one.lower == pytest.approx(0.05 ** (1 / 40))
    assert paired_difference(_of([0] * 40), support=(-1, 1)).estimate.upper == pytest.approx(1 - 0.05 ** (1 / 40))


def test_mean_stays_inside_the_metrics_range() -> None:
    assert mean(_of([1, 1, 1, 0]), support=(0, 1)).upper == 1.0


@pytest.mark.parametrize("level", [0.0, 1.0, math.nan])
def test_level_must_be_a_coverage(level: float) -> None:
    with pytest.raises(InputError):
        welch_difference(_of([1, 2]), _of([1, 3]), level=level)


@given(positive, positive, st.sampled_from(["fieller", "delta", "log"]), st.integers(1, 9))
def test_ratio_of_means_has_no_unit(x: list[int], y: list[int], method: str, factor: int) -> None:
    base = ratio_of_means(_of(x), _of(y), method=method)  # type: ignore[arg-type]
    scaled = ratio_of_means(_of(x).scaled(factor), _of(y).scaled(factor), method=method)  # type: ignore[arg-type]
    assert scaled.estimate.lower == pytest.approx(base.estimate.lower)
    assert base.estimate.lower <= base.estimate.value <= base.estimate.upper


@given(positive, positive)
def test_fieller_and_log_intervals_invert_under_exchange(x: list[int], y: list[int]) -> None:
    forward, backward = (ratio_of_means(_of(a), _of(b), method="log") for a, b in ((x, y), (y, x)))
    assert backward.estimate.value == pytest.approx(1 / forward.estimate.value)
    assert forward.p_value == pytest.approx(welch_difference(_of(x), _of(y)).p_value, abs=0.1)


@given(positive, positive)
def test_fieller_at_one_is_the_welch_test(x: list[int], y: list[int]) -> None:
    assert ratio_of_means(_of(x), _of(y)).p_value == pytest.approx(welch_difference(_of(x), _of(y)).p_value)


def test_fieller_says_when_the_denominator_may_be_zero() -> None:
    test = ratio_of_means(_of([1, 2, 3]), _of([-5, 1, 5]))
    assert (test.estimate.lower, test.estimate.upper) == (-math.inf, math.inf)
    assert [c.code for c in test.caveats] == ["denominator_near_zero"]


def test_cost_per_success_needs_a_success() -> None:
    with pytest.raises(NotEnoughData, match="denominator"):
        ratio(CrossMoments.from_values([1, 2, 3], [0, 0, 0]))
    with pytest.raises(NotEnoughData, match="same"):
        ratio(CrossMoments.from_values([2, 2, 2], [1, 1, 1]))


def test_cost_per_success_within_and_between_arms_agrees_with_the_jackknife() -> None:
    rng = np.random.default_rng(3)
    cost, success = rng.gamma(2, 1, 400), (rng.random(400) < 0.8).astype(float)
    own = ratio(CrossMoments.from_values(cost, success), method="delta")
    without = (cost.sum() - cost) / (success.sum() - success)
    jackknife = math.sqrt(399 / 400 * ((without - without.mean()) ** 2).sum())
    half = own.estimate.upper - own.estimate.value
    assert half == pytest.approx(stats.t.ppf(0.975, 399) * jackknife, rel=0.02)
    assert own.estimate.value == pytest.approx(cost.sum() / success.sum())
    other = rng.gamma(2, 1.2, 300), (rng.random(300) < 0.7).astype(float)
    difference = ratio_difference(CrossMoments.from_values(cost, success), CrossMoments.from_values(*other))
    assert difference.estimate.value == pytest.approx(cost.sum() / success.sum() - other[0].sum() / other[1].sum())
    paired = paired_ratio_difference((cost, success), (cost * 1.1, success))
    assert paired.estimate.value == pytest.approx(-0.1 * cost.sum() / success.sum())
    assert (
        paired.p_value
        < difference.p_value
        < 0.05
        < ratio(CrossMoments.from_values(cost, cost + rng.normal(0, 1, 400))).p_value
    )


@pytest.mark.parametrize("alternative", ["greater", "less"])
@pytest.mark.parametrize("method", ["fieller", "log", "delta"])
def test_one_sided_ratio_is_unbounded_on_the_side_it_does_not_test(alternative: Alternative, method: str) -> None:
    rng = np.random.default_rng(0)
    test = ratio_of_means(_of(rng.normal(9, 1, 50)), _of(rng.normal(8, 1, 50)), alternative=alternative, method=method)  # type: ignore[arg-type]
    assert (test.estimate.upper == math.inf) == (alternative == "greater")
    assert (test.p_value < 0.05) == (alternative == "greater")


def test_cuped_removes_what_the_covariate_explains_and_moves_nothing_else() -> None:
    rng = np.random.default_rng(1)
    before = rng.normal(size=(2, 400))
    after = before * 2 + rng.normal(size=(2, 400)) + np.array([[0.5], [0.0]])
    arms = [CrossMoments.from_values(after[i], before[i]) for i in (0, 1)]
    sharp, plain = cuped_difference(*arms), welch_difference(arms[0].x, arms[1].x)
    assert sharp.p_value < plain.p_value
    assert sharp.estimate.upper - sharp.estimate.lower < 0.6 * (plain.estimate.upper - plain.estimate.lower)
    assert "% of the variance removed" in sharp.method
    idle = [CrossMoments.from_values(after[i], np.ones(400)) for i in (0, 1)]
    assert cuped_difference(*idle).p_value == plain.p_value


def test_post_stratification_weighs_strata_by_size() -> None:
    easy, hard = Stratum(_of([1, 2, 3]), _of([0, 1, 2])), Stratum(_of([10, 12]), _of([10, 12, 14, 16]))
    test = post_stratified_difference([easy, hard])
    assert test.estimate.value == pytest.approx((6 * 1 + 6 * -2) / 12)
    assert post_stratified_difference([easy, hard], weights=[1, 0.001]).estimate.value == pytest.approx(1, abs=0.01)
    one = post_stratified_difference([easy])
    assert one.p_value == pytest.approx(welch_difference(*easy).p_value)
    still = post_stratified_difference([Stratum(_of([1, 1]), _of([0, 0]))])
    assert still.estimate.upper == math.inf
    with pytest.raises(InputError):
        post_stratified_difference([easy], weights=[0])
    with pytest.raises(NotEnoughData):
        post_stratified_difference([Stratum(_of([1]), _of([1, 2]))])
