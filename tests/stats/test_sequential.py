"""Anytime-valid reading, sample-ratio checks, posteriors, and off-policy values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bizq_lab.errors import InputError, NotEnoughData, PositivityViolation
from bizq_lab.stats import Moments, Tally
from bizq_lab.stats.bayes import BetaPosterior, NormalPosterior, best_arm
from bizq_lab.stats.bounded import (
    empirical_bernstein,
    empirical_bernstein_difference,
    empirical_bernstein_sequence,
)
from bizq_lab.stats.cross_fit import cluster_folds, cross_fitted_means
from bizq_lab.stats.importance import (
    Logged,
    effective_sample_size,
    shrunken_weights,
    switch_weights,
    weight_diagnostics,
)
from bizq_lab.stats.off_policy import clipping_curve, direct_method, doubly_robust, ips, snips
from bizq_lab.stats.policy_values import mixture, value_difference
from bizq_lab.stats.sequential import asymptotic_confidence_sequence, running
from bizq_lab.stats.srm import sample_ratio, sequential_sample_ratio
from bizq_lab.stats.types import Alternative

alternatives = st.sampled_from(["two-sided", "greater", "less"])


@given(st.floats(-5, 5), st.floats(0.01, 2), st.integers(1, 10**6), alternatives, st.floats(0.01, 0.3))
def test_sequence_and_its_p_value_decide_alike(
    value: float, se: float, n: int, alternative: Alternative, alpha: float
) -> None:
    test = asymptotic_confidence_sequence(value, se, n, tuning_n=1000, level=1 - alpha, alternative=alternative)
    excluded = test.estimate.lower > 0 or test.estimate.upper < 0
    assert excluded == (test.p_value < alpha) or test.p_value == pytest.approx(alpha)


def test_sequence_is_wider_than_a_fixed_interval_and_tightest_at_its_tuning() -> None:
    widths = {m: asymptotic_confidence_sequence(0, 1, 1000, tuning_n=m).estimate.upper for m in (100, 1000, 10_000)}
    assert min(widths, key=lambda m: widths[m]) == 1000
    assert widths[1000] > 1.96


def test_running_intersection_only_narrows() -> None:
    looks = [
        asymptotic_confidence_sequence(v, 1 / math.sqrt(n), n, tuning_n=500)
        for v, n in ((0.3, 50), (0.1, 500), (0.2, 900))
    ]
    whole = running(looks)
    assert whole.estimate.upper == min(look.estimate.upper for look in looks)
    assert whole.p_value == min(look.p_value for look in looks)
    drifted = [asymptotic_confidence_sequence(v, 0.01, 500, tuning_n=500) for v in (0.0, 9.0)]
    assert running(drifted) == drifted[-1]
    with pytest.raises(NotEnoughData):
        running([])
    with pytest.raises(InputError):
        asymptotic_confidence_sequence(0, 0, 10, tuning_n=10)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=80))
def test_bounded_sequence_narrows_and_contains_its_estimate(values: list[float]) -> None:
    sequence = empirical_bernstein_sequence(values)
    assert (np.diff(sequence.lower) >= -1e-12).all()
    assert (np.diff(sequence.upper) <= 1e-12).all()
    estimate = empirical_bernstein(values)
    assert 0 <= estimate.lower <= estimate.value <= estimate.upper <= 1


def test_bounded_sequence_follows_its_support() -> None:
    x = np.random.default_rng(0).random(200)
    unit, rating = empirical_bernstein(x), empirical_bernstein(1 + 4 * x, support=(1, 5))
    assert rating.lower == pytest.approx(1 + 4 * unit.lower)
    difference = empirical_bernstein_difference(x, 1 - x)
    mirrored = empirical_bernstein_difference(1 - x, x)
    assert difference.lower == pytest.approx(-mirrored.upper)
    with pytest.raises(InputError):
        empirical_bernstein([1.5])
    with pytest.raises(NotEnoughData):
        empirical_bernstein([])


def test_bounded_sequence_survives_a_stream_that_contradicts_itself() -> None:
    sequence = empirical_bernstein_sequence(np.concatenate([np.zeros(3000), np.ones(3000)]))
    assert (sequence.lower <= sequence.upper + 1e-12).all()


@given(st.lists(st.integers(1, 5000), min_size=2, max_size=5))
def test_one_stage_is_pearsons_chi_square(counts: list[int]) -> None:
    share = np.full(len(counts), 1 / len(counts))
    theirs = stats.chisquare(counts)
    ours = sample_ratio(counts, share)
    assert (ours.statistic, ours.p_value) == pytest.approx((theirs.statistic, theirs.pvalue), abs=1e-9)


def test_a_ramp_is_judged_by_the_propensities_of_its_stages() -> None:
    """Ninety and ten per cent, then half and half: nominal weights would alarm, logged ones do not."""
    counts, shares = [[9050, 950], [5040, 4960]], [[0.9, 0.1], [0.5, 0.5]]
    assert not sample_ratio(counts, shares).alarm
    assert sample_ratio(np.sum(counts, axis=0), [0.5, 0.5]).alarm
    assert not sequential_sample_ratio(counts, shares).alarm
    assert sequential_sample_ratio([[600, 400]] * 10, [[0.5, 0.5]] * 10).alarm


def test_a_gross_mismatch_of_few_units_and_a_slight_one_of_many_both_alarm() -> None:
    """One concentration finds one of them: ten thousand takes 50 of 200 for chance (chi-square: p = 1e-12)."""
    half = [[0.5, 0.5]]
    for counts in ([[50, 150]], [[50_000, 50_600]] * 10):
        assert sequential_sample_ratio(counts, half * len(counts)).alarm
    assert not sequential_sample_ratio([[50, 150]], half, concentration=10_000.0).alarm


def test_an_average_of_bayes_factors_keeps_the_error_rate_over_thirty_looks() -> None:
    rng = np.random.default_rng(7)
    share = np.tile([0.3, 0.7], (30, 1))
    for a_day in (4, 400):
        treated = rng.binomial(a_day, 0.3, (100, 30))
        alarms = sum(
            sequential_sample_ratio(np.column_stack([own, a_day - own]), share).p_value < 0.05 for own in treated
        )
        assert alarms <= 11  # .05 and three standard errors of 100


def test_units_where_none_could_be_are_an_error_not_a_p_value() -> None:
    with pytest.raises(PositivityViolation):
        sample_ratio([10, 1], [1.0, 0.0])
    assert sample_ratio([10, 0], [1.0, 0.0]).p_value == 1.0
    for observed, propensity in (([1, 2], [0.5, 0.4]), ([1, 2, 3], [0.5, 0.5]), ([-1, 2], [0.5, 0.5])):
        with pytest.raises(InputError):
            sample_ratio(observed, propensity)
    with pytest.raises(NotEnoughData):
        sample_ratio([0, 0], [0.5, 0.5])


def test_posteriors_agree_with_scipy() -> None:
    estimate = BetaPosterior.of(Tally(8, 10)).estimate()
    assert (estimate.lower, estimate.upper) == pytest.approx(stats.beta(8.5, 2.5).interval(0.95))
    moments = Moments.from_values(np.random.default_rng(0).normal(size=30))
    normal = NormalPosterior.of(moments).estimate()
    expected = stats.t.interval(0.95, 29, moments.mean, math.sqrt(moments.mean_variance))
    assert (normal.lower, normal.upper) == pytest.approx(expected)
    assert abs(NormalPosterior.of(moments, prior_mean=9, prior_n=30, prior_sd=1).location - 4.5) < 0.3
    assert NormalPosterior.of(Moments(0), prior_mean=2, prior_n=3, prior_sd=1).location == 2
    with pytest.raises(NotEnoughData):
        NormalPosterior.of(Moments(1, 5, 25))
    with pytest.raises(InputError):
        NormalPosterior.of(Moments(2, 2, 2))
    with pytest.raises(InputError):
        BetaPosterior(0, 1)


def test_probability_of_being_best_sums_to_one_and_follows_direction() -> None:
    arms = [BetaPosterior.of(Tally(k, 100)) for k in (95, 80, 60)]
    best = best_arm(arms, rng=np.random.default_rng(0))
    worst = best_arm(arms, rng=np.random.default_rng(0), higher_is_better=False)
    assert sum(best.p_best) == pytest.approx(1)
    assert best.p_best[0] > 0.99 < worst.p_best[2] + 0.02
    assert best.expected_loss[2] == pytest.approx(0.35, abs=0.03)
    costs = [NormalPosterior.of(Moments.from_values([1, 2, 3])), NormalPosterior.of(Moments.from_values([2, 3, 4]))]
    assert best_arm(costs, rng=np.random.default_rng(0), higher_is_better=False).p_best[0] > 0.5
    with pytest.raises(NotEnoughData):
        best_arm([], rng=np.random.default_rng(0))


def _world(n: int, seed: int) -> tuple[Logged, np.ndarray[tuple[int], np.dtype[np.float64]], float]:
    """Two contexts, two actions; the target always takes the better action of each context."""
    rng = np.random.default_rng(seed)
    context = rng.integers(0, 2, n)
    propensity = np.where(context == 0, 0.7, 0.4)
    action = (rng.random(n) < propensity).astype(int)
    quality = np.array([[0.9, 0.5], [0.3, 0.6]])
    reward = (rng.random(n) < quality[context, action]).astype(float)
    taken = np.where(action == 1, propensity, 1 - propensity)
    target = (action == quality.argmax(axis=1)[context]).astype(float)
    return Logged.of(reward, taken, target), np.column_stack([context, action]), 0.75


def test_off_policy_values_find_the_truth_and_agree() -> None:
    log, codes, truth = _world(20_000, 0)
    folds = cluster_folds(np.arange(20_000), rng=np.random.default_rng(1))
    model = cross_fitted_means(codes[:, 0], codes[:, 1], log.reward, folds, actions=2)
    rows = np.arange(20_000)
    expected = model[rows, np.array([0, 1])[codes[:, 0].astype(int)]]
    predicted = model[rows, codes[:, 1].astype(int)]
    plain, normalised = ips(log), snips(log)
    robust = doubly_robust(log, expected, predicted)
    for value in (plain, normalised, robust, doubly_robust(log, expected, predicted, self_normalised=True)):
        assert value.estimate.lower < truth < value.estimate.upper
        assert value.influence.mean() == pytest.approx(0, abs=1e-9)
    assert robust.se < normalised.se < plain.se
    assert direct_method(log, expected).estimate.value == pytest.approx(truth, abs=0.02)
    assert weight_diagnostics(log).propensities_ok


def test_wrong_propensities_show_in_the_mean_weight() -> None:
    log, _, _ = _world(20_000, 2)
    wrong = Logged.of(log.reward, np.minimum(log.propensity * 1.2, 1), log.target)
    assert not weight_diagnostics(wrong).propensities_ok


@given(st.lists(st.floats(0, 1), min_size=2, max_size=20), st.integers(0, 99))
def test_self_normalised_value_stays_in_the_range_of_rewards(reward: list[float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    log = Logged.of(reward, rng.uniform(0.05, 1, len(reward)), rng.uniform(0.1, 1, len(reward)))
    estimate = snips(log, support=(0, 1)).estimate
    assert min(reward) - 1e-9 <= estimate.value <= max(reward) + 1e-9
    assert estimate.lower <= estimate.value <= estimate.upper
    assert estimate.ess is not None
    assert estimate.ess <= len(reward) + 1e-9


@given(st.integers(0, 99))
@settings(max_examples=20)
def test_the_logging_policy_itself_is_valued_at_the_mean_reward(seed: int) -> None:
    rng = np.random.default_rng(seed)
    propensity, reward = rng.uniform(0.1, 1, 30), rng.random(30)
    log = Logged.of(reward, propensity, propensity)
    assert ips(log).estimate.value == pytest.approx(snips(log).estimate.value) == pytest.approx(reward.mean())
    assert effective_sample_size(log.weights) == pytest.approx(30)


def test_clusters_widen_the_interval() -> None:
    rng = np.random.default_rng(0)
    workspace = np.repeat(np.arange(40), 25)
    reward = (rng.random(40)[workspace] + rng.random(1000)) / 2
    plain = Logged.of(reward, np.full(1000, 0.5), np.full(1000, 0.5))
    clustered = Logged.of(reward, np.full(1000, 0.5), np.full(1000, 0.5), workspace)
    assert ips(clustered).se > 2 * ips(plain).se
    assert ips(clustered).estimate.n == 40


def test_clipping_curve_shows_where_the_value_still_moves() -> None:
    log, _, _ = _world(5000, 3)
    curve = clipping_curve(log, clips=(1.5, 100.0))
    assert curve[0].clipped_share > 0.3 > curve[1].clipped_share == 0
    assert curve[0].value.estimate.value < curve[1].value.estimate.value


def test_shrinkage_runs_from_the_model_to_full_weights() -> None:
    w = np.array([0.5, 2.0, 10.0])
    assert shrunken_weights(w, 0.0) == pytest.approx(np.zeros(3))
    assert shrunken_weights(w, math.inf) == pytest.approx(w)
    assert list(switch_weights(w, 5.0)) == [0.5, 2.0, 0.0]


def test_two_policies_on_one_log_are_compared_with_their_covariance() -> None:
    log, _, _ = _world(4000, 4)
    other = Logged.of(log.reward, log.propensity, 0.9 * log.target + 0.05)
    one, two = ips(log), ips(other)
    test = value_difference(one, two)
    alone = math.hypot(one.se, two.se)
    assert test.estimate.upper - test.estimate.value < 1.96 * alone
    fours = np.arange(4000) // 4
    first, second = (ips(Logged.of(one.reward, one.propensity, one.target, fours)) for one in (log, other))
    assert value_difference(first, second).estimate.n == 1000
    with pytest.raises(InputError):
        value_difference(one, one)
    with pytest.raises(InputError):
        value_difference(one, ips(_world(100, 5)[0]))


def test_a_group_of_like_decisions_says_as_much_as_each_of_them() -> None:
    """What lets one aggregate of the log stand for its rows, for every estimator."""
    log, codes, _ = _world(3000, 6)
    units = np.random.default_rng(0).integers(0, 60, 3000)
    keys = np.column_stack([codes, units])
    groups, position = np.unique(keys, axis=0, return_inverse=True)
    first = np.unique(position, return_index=True)[1]
    size, total = np.bincount(position).astype(float), np.bincount(position, weights=log.reward)
    rows = Logged.of(log.reward, log.propensity, log.target, units)
    grouped = Logged.of(total, log.propensity[first], log.target[first], units[first], size)
    folds = cluster_folds(units, rng=np.random.default_rng(1))
    model = cross_fitted_means(codes[:, 0], codes[:, 1], log.reward, folds, actions=2)
    same = cross_fitted_means(groups[:, 0], groups[:, 1], total, folds[first], actions=2, size=size)
    assert same == pytest.approx(model[first])
    q, taken = model[np.arange(3000), 1 - codes[:, 0].astype(int)], model[np.arange(3000), codes[:, 1].astype(int)]
    pairs = (
        (ips(rows), ips(grouped)),
        (ips(rows, clip=1.5), ips(grouped, clip=1.5)),
        (snips(rows), snips(grouped)),
        (direct_method(rows, q), direct_method(grouped, q[first])),
        (doubly_robust(rows, q, taken), doubly_robust(grouped, q[first], taken[first])),
        (
            doubly_robust(rows, q, taken, self_normalised=True),
            doubly_robust(grouped, q[first], taken[first], self_normalised=True),
        ),
    )
    for one, other in pairs:
        assert (other.estimate.value, other.se) == pytest.approx((one.estimate.value, one.se))
        assert other.estimate.ess == pytest.approx(one.estimate.ess)
        assert other.estimate.n == one.estimate.n == 60
    assert weight_diagnostics(grouped).mean_weight.value == pytest.approx(weight_diagnostics(rows).mean_weight.value)
    with pytest.raises(InputError, match="clusters"):
        Logged.of(total, log.propensity[first], log.target[first], None, size)


def test_a_mean_over_parts_of_the_traffic_keeps_clusters_that_cross_them_together() -> None:
    log, codes, _ = _world(4000, 7)
    units = np.arange(4000) % 80
    whole = ips(Logged.of(log.reward, log.propensity, log.target, units))
    parts = []
    for context in (0, 1):
        mine = codes[:, 0] == context
        part = Logged.of(log.reward[mine], log.propensity[mine], log.target[mine], units[mine])
        parts.append((float(mine.mean()), ips(part)))
    mixed = mixture(parts)
    assert mixed.estimate.value == pytest.approx(whole.estimate.value)
    assert mixed.estimate.n == 80
    assert mixed.se == pytest.approx(whole.se, rel=0.1)


def test_a_log_without_support_or_without_propensities_is_refused() -> None:
    with pytest.raises(PositivityViolation):
        Logged.of([1.0, 0.0], [0.5, 0.0], [1.0, 1.0])
    with pytest.raises(PositivityViolation):
        snips(Logged.of([1.0, 0.0], [0.5, 0.5], [0.0, 0.0]))
    for reward, target in (([1.0, math.nan], [1.0, 1.0]), ([1.0, 0.0], [1.0, 2.0]), ([1.0, 0.0], [1.0])):
        with pytest.raises(InputError):
            Logged.of(reward, [0.5, 0.5], target)
    with pytest.raises(NotEnoughData):
        Logged.of([1.0], [0.5], [1.0])
    log = Logged.of([1.0, 0.0], [0.5, 0.5], [1.0, 1.0])
    with pytest.raises(InputError):
        direct_method(log, [1.0])
    with pytest.raises(InputError):
        cross_fitted_means([0, 0], [0, 2], [1.0, 0.0], [0, 1], actions=2)
    assert effective_sample_size([0.0, 0.0]) == 0.0


def test_equal_rewards_leave_an_honest_interval() -> None:
    log = Logged.of([1.0] * 20, [0.5] * 20, [0.5] * 20)
    assert snips(log).estimate.upper == math.inf
    bounded = snips(log, support=(0, 1)).estimate
    assert 0.8 < bounded.lower < bounded.value == bounded.upper == 1.0


def test_folds_never_tear_a_cluster() -> None:
    clusters = np.repeat(np.arange(23), 7)
    folds = cluster_folds(clusters, rng=np.random.default_rng(0))
    assert all(len(set(folds[clusters == c])) == 1 for c in range(23))
    sizes = np.bincount([folds[clusters == c][0] for c in range(23)])
    assert sizes.max() - sizes.min() <= 1
    with pytest.raises(NotEnoughData):
        cluster_folds([1, 2], rng=np.random.default_rng(0))
