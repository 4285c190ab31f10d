"""Which procedure compares two arms, and whether its intervals and errors are what they say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizq_lab.analysis.contrast import Sample, arm_mean, contrast
from bizq_lab.analysis.families import Question, run_tests
from bizq_lab.analysis.metrics import METRICS
from bizq_lab.analysis.verdict import decide
from bizq_lab.core.decision import Design
from bizq_lab.errors import NotEnoughData
from bizq_lab.stats.means import paired_difference, welch_difference
from bizq_lab.stats.paired import mcnemar
from bizq_lab.stats.proportions import miettinen_nurminen_difference
from bizq_lab.stats.types import Moments, PairedTally, Tally

SUCCESS, QUALITY, COST = METRICS["success"], METRICS["quality"], METRICS["cost"]
LEVEL = 0.95
UNPAIRED: Design = "randomised"


def sample(values: list[float], *, ids: list[str] | None = None, n: list[int] | None = None) -> Sample:
    names = ids or [f"t{i}" for i in range(len(values))]
    sizes = np.array(n or [1] * len(values), dtype=np.float64)
    return Sample(np.array(names), sizes, np.array(values, dtype=np.float64) * sizes)


binary = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40)
unit_pairs = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=14)


@given(binary)
def test_paired_success_is_mcnemar_with_tangos_interval(pairs: list[tuple[bool, bool]]) -> None:
    mine, theirs = sample([float(a) for a, _ in pairs]), sample([float(b) for _, b in pairs])
    expected = mcnemar(
        PairedTally(
            both=sum(a and b for a, b in pairs),
            treatment_only=sum(a and not b for a, b in pairs),
            control_only=sum(b and not a for a, b in pairs),
            neither=sum(not (a or b) for a, b in pairs),
        ),
        level=LEVEL,
    )
    assert contrast(SUCCESS, mine, theirs, design="paired", level=LEVEL) == expected


def test_paired_quality_of_ten_tasks_or_more_is_a_paired_t() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.uniform(size=12), rng.uniform(size=12)
    expected = paired_difference(Moments.from_values(a - b), unit="quality", level=LEVEL, support=(-1.0, 1.0))
    found = contrast(QUALITY, sample(a.tolist()), sample(b.tolist()), design="paired", level=LEVEL)
    assert found.estimate == expected.estimate
    assert found.p_value == expected.p_value


def test_paired_quality_of_fewer_tasks_is_an_exact_permutation() -> None:
    found = contrast(
        QUALITY,
        sample([0.9, 0.8, 0.7, 0.9, 0.6, 0.8]),
        sample([0.1, 0.2, 0.3, 0.2, 0.1, 0.3]),
        design="paired",
        level=LEVEL,
    )
    assert found.p_value == pytest.approx(2 / 2**6)


@given(unit_pairs, st.integers(2, 5))
def test_repeats_of_a_task_are_one_cluster(pairs: list[tuple[float, float]], repeats: int) -> None:
    """Asking the same question five times is not five times the evidence."""
    once = [sample([p[i] for p in pairs]) for i in (0, 1)]
    often = [sample([p[i] for p in pairs], n=[repeats] * len(pairs)) for i in (0, 1)]
    first = contrast(QUALITY, *once, design="paired", level=LEVEL).estimate
    again = contrast(QUALITY, *often, design="paired", level=LEVEL).estimate
    assert again.n == first.n
    assert [again.value, again.lower, again.upper] == pytest.approx([first.value, first.lower, first.upper], abs=1e-9)


def test_only_tasks_that_both_arms_answered_count() -> None:
    mine, theirs = sample([1, 0, 1], ids=["a", "b", "c"]), sample([0, 1], ids=["b", "z"])
    found = contrast(SUCCESS, mine, theirs, design="paired", level=LEVEL)
    assert (found.estimate.n, found.estimate.value) == (1, 0.0)


def test_without_a_common_task_there_is_no_paired_answer() -> None:
    with pytest.raises(NotEnoughData, match="both arms"):
        contrast(SUCCESS, sample([1], ids=["a"]), sample([1], ids=["b"]), design="paired", level=LEVEL)


def test_units_of_one_observation_are_compared_by_score_and_welch() -> None:
    mine = sample([1, 1, 0, 1, 1], ids=list("abcde"))
    theirs = sample([0, 1, 0, 0], ids=list("fghi"))
    assert contrast(SUCCESS, mine, theirs, design=UNPAIRED, level=LEVEL) == miettinen_nurminen_difference(
        Tally(4, 5), Tally(1, 4), level=LEVEL
    )
    costs = sample([1.0, 2.0, 4.0], ids=list("abc")), sample([1.5, 1.0], ids=list("de"))
    expected = welch_difference(Moments.from_values([1.0, 2.0, 4.0]), Moments.from_values([1.5, 1.0]), unit="usd")
    assert contrast(COST, *costs, design=UNPAIRED, level=LEVEL) == expected


def test_workspaces_of_many_requests_widen_the_interval() -> None:
    """An interval that takes the requests of a workspace for independent is too narrow."""
    rng = np.random.default_rng(2)
    rates = rng.beta(4, 4, size=60)
    totals = rng.binomial(50, rates) / 50
    arms = [
        sample(totals[part].tolist(), ids=[f"{part}{i}" for i in range(30)], n=[50] * 30)
        for part in (slice(0, 30), slice(30, 60))
    ]
    found = contrast(SUCCESS, *arms, design=UNPAIRED, level=LEVEL).estimate
    naive = miettinen_nurminen_difference(
        *(Tally(round(float(arm.total.sum())), 1500) for arm in arms), level=LEVEL
    ).estimate
    assert found.upper - found.lower > 2 * (naive.upper - naive.lower)
    assert found.n == 60


@given(unit_pairs)
def test_exchanging_the_arms_turns_the_sign(pairs: list[tuple[float, float]]) -> None:
    mine, theirs = (sample([p[i] for p in pairs]) for i in (0, 1))
    here = contrast(QUALITY, mine, theirs, design="paired", level=LEVEL)
    there = contrast(QUALITY, theirs, mine, design="paired", level=LEVEL)
    assert here.estimate.value == pytest.approx(-there.estimate.value, abs=1e-12)
    assert here.estimate.lower == pytest.approx(-there.estimate.upper, abs=1e-9)
    assert here.p_value == pytest.approx(there.p_value, abs=1e-9)


def test_no_spread_is_a_caveat_and_never_certainty() -> None:
    found = contrast(QUALITY, sample([1.0] * 12), sample([1.0] * 12), design="paired", level=LEVEL)
    assert [c.code for c in found.caveats] == ["zero_variance"]
    assert found.p_value == 1.0
    assert found.estimate.lower < 0 < found.estimate.upper


def test_one_observation_says_nothing_and_says_so() -> None:
    found = contrast(COST, sample([1.0]), sample([2.0]), design="paired", level=LEVEL)
    assert (found.p_value, [c.code for c in found.caveats]) == (1.0, ["too_few"])
    assert math.isinf(found.estimate.upper)


def test_an_arms_mean_stays_where_the_metric_can_be() -> None:
    estimate = arm_mean(QUALITY, sample([1.0, 1.0, 0.99, 0.2]), level=LEVEL)
    assert 0.0 <= estimate.lower <= estimate.value <= estimate.upper <= 1.0


def test_the_paired_interval_of_skewed_quality_covers_its_truth() -> None:
    """Nominal 95 %, 20 tasks, mostly perfect answers: at least nominal minus a point and three standard errors."""
    rng, reps, tasks = np.random.default_rng(3), 1_000, 20
    covered = 0
    for _ in range(reps):
        easy = rng.beta(4, 1, size=tasks)
        a, b = np.clip(easy + rng.normal(0.05, 0.1, tasks), 0, None), np.clip(easy + rng.normal(0, 0.1, tasks), 0, None)
        found = contrast(QUALITY, sample(a.tolist()), sample(b.tolist()), design="paired", level=LEVEL).estimate
        covered += found.lower <= 0.05 <= found.upper
    assert covered / reps >= 0.94 - 3 * math.sqrt(0.95 * 0.05 / reps)


def test_two_equal_arms_get_a_false_winner_no_more_often_than_alpha_allows() -> None:
    """A/A, 24 tasks with shared difficulty, equal costs: a cheaper non-inferior arm is false too."""
    rng, reps, alpha, false = np.random.default_rng(4), 600, 0.05, 0
    ids = [f"t{i}" for i in range(24)]
    for _ in range(reps):
        easy = rng.uniform(0.4, 1.0, size=24)
        cost = rng.lognormal(0, 0.3, size=24)
        arms = {
            name: {
                "success": sample((rng.uniform(size=24) < easy).astype(float).tolist(), ids=ids),
                "cost": sample((cost * rng.lognormal(0, 0.2, size=24)).tolist(), ids=ids),
            }
            for name in ("a", "b")
        }
        question = Question(
            samples={metric: {name: own[metric] for name, own in arms.items()} for metric in ("success", "cost")},
            design="paired",
            control="a",
            treatments=("b",),
            primary=SUCCESS,
            margin=0.15,
            alpha=alpha,
            guardrails={},
        )
        verdict, _ = decide(run_tests(question)[1], "a")
        false += verdict in ("winner", "non_inferior_cheaper")
    assert false / reps <= alpha + 3 * math.sqrt(alpha * (1 - alpha) / reps)
    assert false > 0
