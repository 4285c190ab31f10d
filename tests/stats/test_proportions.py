"""Laws of success rates, paired and not, and agreement with statsmodels."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from statsmodels.stats import contingency_tables, proportion

from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.stats import PairedTally, Tally
from bizq_lab.stats.equivalence import equivalence, non_inferiority, verdict
from bizq_lab.stats.means import paired_difference, welch_difference
from bizq_lab.stats.paired import mcnemar, newcombe_paired_difference, tango_difference
from bizq_lab.stats.proportions import (
    constrained_control_rate,
    miettinen_nurminen_difference,
    miettinen_nurminen_z,
    newcombe_difference,
    wilson,
)
from bizq_lab.stats.ratios import ratio_of_means
from bizq_lab.stats.types import Moments

tallies = st.integers(1, 60).flatmap(lambda n: st.builds(Tally, st.integers(0, n), st.just(n)))
cells = st.integers(0, 25)
tables = st.builds(PairedTally, both=cells, treatment_only=cells, control_only=cells, neither=cells).filter(
    lambda t: t.n > 0
)


@given(tallies, st.floats(0.5, 0.999))
def test_wilson_agrees_with_statsmodels_and_contains_the_rate(tally: Tally, level: float) -> None:
    ours = wilson(tally, level=level)
    theirs = proportion.proportion_confint(tally.successes, tally.n, alpha=1 - level, method="wilson")
    assert (ours.lower, ours.upper) == pytest.approx(theirs, abs=1e-9)
    assert 0 <= ours.lower <= ours.value <= ours.upper <= 1
    assert ours.lower < ours.upper


@given(tallies, tallies)
@settings(max_examples=40)
def test_newcombe_agrees_with_statsmodels(treatment: Tally, control: Tally) -> None:
    ours = newcombe_difference(treatment, control)
    theirs = proportion.confint_proportions_2indep(
        *(treatment.successes, treatment.n, control.successes, control.n), method="newcomb", compare="diff"
    )
    assert (ours.lower, ours.upper) == pytest.approx(theirs, abs=1e-9)


@given(tallies, tallies)
@settings(max_examples=60, deadline=None)
def test_differences_of_rates_are_antisymmetric_and_never_a_point(treatment: Tally, control: Tally) -> None:
    for one, two in (
        (newcombe_difference(treatment, control), newcombe_difference(control, treatment)),
        tuple(miettinen_nurminen_difference(*arms).estimate for arms in ((treatment, control), (control, treatment))),
    ):
        assert (one.lower, one.upper) == pytest.approx((-two.upper, -two.lower), abs=1e-8)
        assert -1 <= one.lower <= one.value <= one.upper <= 1
        assert one.upper - one.lower > 1e-3


@given(st.floats(0.02, 0.98), st.floats(0.02, 0.98), st.floats(-0.9, 0.9), st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_constrained_rate_maximises_the_likelihood(p1: float, p0: float, null: float, weight: int) -> None:
    """The cubic's closed form against a numerical optimiser; here statsmodels 0.15 has a slip."""

    def loss(p: float) -> float:
        q = p + null
        return -float(p1 * np.log(q) + (1 - p1) * np.log1p(-q) + p0 * np.log(p) + (1 - p0) * np.log1p(-p)) * weight

    low, high = max(0.0, -null) + 1e-9, min(1.0, 1.0 - null) - 1e-9
    best = optimize.minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-10})
    assert loss(constrained_control_rate(p1, p0, null)) <= best.fun + 1e-7


def test_score_interval_inverts_the_score_test() -> None:
    treatment, control = Tally(460, 500), Tally(470, 500)
    test = miettinen_nurminen_difference(treatment, control)
    for end in (test.estimate.lower, test.estimate.upper):
        assert miettinen_nurminen_difference(treatment, control, null=end).p_value == pytest.approx(0.05, abs=1e-6)
    pooled = stats.norm.ppf(1 - test.p_value / 2)
    assert abs(miettinen_nurminen_z(460, 500, 470, 500, 0.0)) == pytest.approx(pooled)


@pytest.mark.parametrize("null", [-1.0, 1.0])
def test_null_difference_must_be_possible(null: float) -> None:
    with pytest.raises(InputError):
        miettinen_nurminen_difference(Tally(1, 2), Tally(1, 2), null=null)
    with pytest.raises(InputError):
        tango_difference(PairedTally(both=1, treatment_only=0, control_only=0, neither=1), null=null)


def test_empty_arm_is_not_enough() -> None:
    empty, some = Tally(0, 0), Tally(1, 2)
    nothing = PairedTally(both=0, treatment_only=0, control_only=0, neither=0)
    for ask in (
        lambda: wilson(empty),
        lambda: newcombe_difference(some, empty),
        lambda: miettinen_nurminen_difference(empty, some),
        lambda: mcnemar(nothing),
        lambda: newcombe_paired_difference(nothing),
    ):
        with pytest.raises(NotEnoughData):
            ask()


@given(tables)
@settings(max_examples=60)
def test_mcnemar_agrees_with_statsmodels(pairs: PairedTally) -> None:
    table = [[pairs.both, pairs.treatment_only], [pairs.control_only, pairs.neither]]
    if pairs.treatment_only + pairs.control_only == 0:
        assert mcnemar(pairs).p_value == 1.0
        return
    exact = contingency_tables.mcnemar(table, exact=True).pvalue
    assert mcnemar(pairs, kind="exact").p_value == pytest.approx(min(exact, 1.0))
    asymptotic = contingency_tables.mcnemar(table, exact=False, correction=False).pvalue
    assert mcnemar(pairs, kind="asymptotic").p_value == pytest.approx(asymptotic)
    fewer, n = min(pairs.treatment_only, pairs.control_only), pairs.treatment_only + pairs.control_only
    if 2 * fewer != n:
        middle = 2 * stats.binom.cdf(fewer, n, 0.5) - stats.binom.pmf(fewer, n, 0.5)
        assert mcnemar(pairs).p_value == pytest.approx(middle)
    assert mcnemar(pairs).p_value <= mcnemar(pairs, kind="exact").p_value + 1e-12


@given(tables)
@settings(max_examples=60, deadline=None)
def test_paired_differences_are_antisymmetric_and_contain_the_estimate(pairs: PairedTally) -> None:
    swapped = PairedTally(
        both=pairs.both, treatment_only=pairs.control_only, control_only=pairs.treatment_only, neither=pairs.neither
    )
    for answer, mirror in (
        (tango_difference(pairs).estimate, tango_difference(swapped).estimate),
        (newcombe_paired_difference(pairs), newcombe_paired_difference(swapped)),
    ):
        assert (answer.lower, answer.upper) == pytest.approx((-mirror.upper, -mirror.lower), abs=1e-8)
        assert -1 <= answer.lower <= answer.value <= answer.upper <= 1
        assert answer.upper > answer.lower


# Nearer to zero than a thousandth, the optimiser's own distance from the edge of its bounds would be what is compared.
@given(tables.filter(lambda t: t.n > 1), st.floats(-0.8, 0.8).filter(lambda null: null == 0 or abs(null) >= 1e-3))
@settings(max_examples=60, deadline=None)
def test_tango_scores_with_the_rates_that_fit_best_under_the_null(pairs: PairedTally, null: float) -> None:
    """The closed form of the constrained likelihood against a numerical optimiser."""
    b, c, n = pairs.treatment_only, pairs.control_only, pairs.n

    def loss(q: float) -> float:
        return -float(b * np.log(q + null) + c * np.log(q) + (n - b - c) * np.log1p(-2 * q - null))

    low, high = max(0.0, -null) + 1e-9, (1 - null) / 2 - 1e-9
    best = optimize.minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-11}).x
    statistic = (b - c - n * null) / np.sqrt(n * (2 * best + null * (1 - null)))
    assert tango_difference(pairs, null=null).statistic == pytest.approx(statistic, rel=1e-3, abs=1e-6)


def test_non_inferiority_decides_by_the_margin_and_names_the_tightest() -> None:
    procedure = partial(miettinen_nurminen_difference, Tally(460, 500), Tally(470, 500))
    decision = non_inferiority(procedure, 0.05)
    assert (decision.passed, decision.superior) == (True, False)
    assert decision.p_value == pytest.approx(0.035, abs=1e-3)
    assert non_inferiority(procedure, decision.tightest_margin + 1e-6).passed
    assert not non_inferiority(procedure, decision.tightest_margin - 1e-6).passed


def test_lower_is_better_mirrors_the_decision() -> None:
    rng = np.random.default_rng(2)
    cheap, dear = (Moments.from_values(rng.normal(m, 1, 200)) for m in (9.0, 10.0))
    cost = non_inferiority(partial(welch_difference, cheap, dear), 0.5, higher_is_better=False)
    score = non_inferiority(partial(welch_difference, cheap.scaled(-1), dear.scaled(-1)), 0.5)
    assert (cost.passed, cost.superior) == (score.passed, score.superior)
    assert cost.p_value == pytest.approx(score.p_value)
    relative = partial(ratio_of_means, dear, cheap)
    assert not non_inferiority(relative, 0.05, higher_is_better=False, relative=True).passed
    assert non_inferiority(relative, 0.2, higher_is_better=False, relative=True).passed


def test_equivalence_needs_both_sides() -> None:
    rng = np.random.default_rng(4)
    gap = Moments.from_values(rng.normal(0.3, 1, 400))
    near, far = (equivalence(partial(paired_difference, gap), margin) for margin in (0.5, 0.2))
    assert (near.passed, far.passed) == (True, False)
    assert near.tightest_margin == pytest.approx(far.tightest_margin) == pytest.approx(near.estimate.upper)
    a, b = (Moments.from_values(rng.normal(10, 1, 200)) for _ in "ab")
    assert equivalence(partial(ratio_of_means, a, b), 0.05, relative=True).passed


@pytest.mark.parametrize(("margin", "relative"), [(0.0, False), (-1.0, False), (1.0, True), (float("nan"), False)])
def test_a_margin_is_declared_and_positive(margin: float, relative: bool) -> None:  # noqa: FBT001 - a parameter of the case
    procedure = partial(miettinen_nurminen_difference, Tally(1, 2), Tally(1, 2))
    with pytest.raises(InputError):
        non_inferiority(procedure, margin, relative=relative)
    with pytest.raises(InputError):
        verdict(wilson(Tally(1, 2)), -1.0)


def test_verdict_reads_the_interval() -> None:
    estimate = newcombe_difference(Tally(90, 100), Tally(70, 100))
    assert verdict(estimate, 0.05) == "superior"
    assert verdict(estimate, 0.05, higher_is_better=False) == "inferior"
    even = newcombe_difference(Tally(900, 1000), Tally(900, 1000))
    assert (verdict(even, 0.05), verdict(even, 0.01)) == ("non_inferior", "inconclusive")
