"""Efficiency and evidence: cost per success with honest bounds, orderings that data overrule and priors fill in."""

from __future__ import annotations

import math
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizq_lab.analysis import efficiency, evidence
from bizq_lab.analysis.value import dominated_by, shrunk_scores
from bizq_lab.catalog import load_catalog
from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.store import Log
from tests.support.analysis_log import TASK_TYPE, Stream

CATALOG = load_catalog("current", as_of=date(2026, 11, 1))
LISTED = CATALOG.task_types[TASK_TYPE].efficiency


def arm_of(key: str) -> dict[str, str]:
    return {"model": key, "provider": key.partition("/")[0]}


def test_the_cost_of_a_success_charges_the_failures_too(log: Log, stream: Stream) -> None:
    for number in range(40):
        stream.run(arm="a", task=f"t{number}", succeeded=number % 4 != 0, cost_usd=0.003 + number * 1e-6)
    row = efficiency(log).rows[0]
    assert row.cost_per_success_usd is not None
    total = sum(0.003 + number * 1e-6 for number in range(40))
    assert row.cost_per_success_usd.value == pytest.approx(total / 30)
    assert 0 < row.cost_per_success_usd.lower < total / 30 < row.cost_per_success_usd.upper < math.inf


def test_with_too_few_successes_the_cost_of_one_is_unbounded(log: Log, stream: Stream) -> None:
    for number in range(20):
        stream.run(arm="a", task=f"t{number}", succeeded=number == 0, cost_usd=0.003 + number * 1e-6)
    cost = efficiency(log).rows[0].cost_per_success_usd
    assert cost is not None
    assert math.isinf(cost.upper)


def test_without_a_success_there_is_no_cost_of_one(log: Log, stream: Stream) -> None:
    for number in range(5):
        stream.run(arm="a", task=f"t{number}", succeeded=False)
    assert efficiency(log).rows[0].cost_per_success_usd is None
    assert "No arm has a priced success" in efficiency(log).summary()


def test_much_data_overrules_the_hand_made_ordering(log: Log, stream: Stream) -> None:
    first, last = LISTED[0], LISTED[-1]
    for number in range(60):
        stream.run(arm="good", task=f"t{number}", succeeded=number % 10 > 0, decide=arm_of(last), cost_usd=0.001)
        stream.run(arm="poor", task=f"t{number}", succeeded=number % 10 == 0, decide=arm_of(first), cost_usd=0.001)
    answer = efficiency(log, catalog=CATALOG)
    assert answer.ordering(TASK_TYPE) == ("good", "poor")
    best, worst = answer.rows
    assert (best.rank_best, best.rank_worst, worst.rank_best) == (1, 1, 2)
    assert worst.dominated_by == "good"
    assert evidence(log, catalog=CATALOG).orderings[TASK_TYPE].index(last) < evidence(log, catalog=CATALOG).orderings[
        TASK_TYPE
    ].index(first)


def test_one_lucky_task_does_not_overrule_it(log: Log, stream: Stream) -> None:
    first, last = LISTED[0], LISTED[-1]
    stream.run(arm="listed_last", task="t0", succeeded=True, decide=arm_of(last))
    stream.run(arm="listed_first", task="t0", succeeded=False, decide=arm_of(first))
    assert efficiency(log, catalog=CATALOG).ordering(TASK_TYPE) == ("listed_first", "listed_last")


def test_net_benefit_is_value_less_cost(log: Log, stream: Stream) -> None:
    for number in range(10):
        stream.run(arm="a", task=f"t{number}", succeeded=True, quality=0.5 + number / 100, cost_usd=0.01)
    row = efficiency(log, catalog=CATALOG).rows[0]
    assert row.net_benefit_usd is not None
    value_usd = CATALOG.task_types[TASK_TYPE].value_usd
    assert row.net_benefit_usd.value == pytest.approx(value_usd * 0.545 - 0.01)


values = st.dictionaries(st.sampled_from("abcd"), st.floats(-5, 5), min_size=2)


@given(values)
def test_without_data_the_ordering_is_the_hand_made_one(observed: dict[str, float]) -> None:
    prior = {arm: rank for rank, arm in enumerate("abcd")}
    scores = shrunk_scores(observed, dict.fromkeys(observed, 0), prior)
    assert sorted(scores, key=lambda arm: -scores[arm]) == list("abcd")


@given(values)
def test_with_endless_data_the_ordering_is_the_observed_one(observed: dict[str, float]) -> None:
    prior = {arm: rank for rank, arm in enumerate("abcd")}
    scores = shrunk_scores(observed, dict.fromkeys(observed, 10**9), prior)
    assert all(scores[arm] == pytest.approx(value, abs=1e-5) for arm, value in observed.items())


@given(st.dictionaries(st.text("abc", min_size=1, max_size=2), st.tuples(st.integers(0, 3), st.integers(0, 3))))
def test_a_dominating_arm_is_never_dominated_by_its_victim(points: dict[str, tuple[float, float]]) -> None:
    found = dominated_by(points)
    for victim, victor in found.items():
        assert points[victor] != points[victim]
        assert points[victor][0] <= points[victim][0]
        assert points[victor][1] >= points[victim][1]
        assert found.get(victor) != victim


def test_history_is_exact_and_keyed_by_segment(log: Log, stream: Stream) -> None:
    for number in range(20):
        decision = stream.run(
            arm="a",
            task=f"t{number}",
            succeeded=number < 15,
            latency_s=1.0 + number,
            input_tokens=100 + number,
            decide={"segment": "growth" if number % 2 else "scale"},
        )
        if number < 3:
            stream.rate(decision, 4.0)
    found = evidence(log).history
    whole = found[TASK_TYPE, "", "openai/a"]
    assert (whole.n, whole.successes, whole.rating_n, whole.rating_mean) == (20, 15, 3, 4.0)
    assert (found[TASK_TYPE, "growth", "openai/a"].n, found[TASK_TYPE, "scale", "openai/a"].n) == (10, 10)
    assert whole.latency_p95_s == pytest.approx(19.0)
    assert whole.latency_mean_s == pytest.approx(10.5)
    assert whole.input_tokens == (101, 109, 118)
    assert 19.99 < whole.effective_n <= 20


def test_evidence_halves_with_its_half_life_and_keeps_its_version(log: Log, stream: Stream) -> None:
    stream.run(arm="a", task="t", succeeded=True)
    fresh = evidence(log)
    at = 1_793_491_200_000_000 + 10 * 86_400_000_000
    aged = evidence(log, as_of_us=at, half_life_days=10.0)
    assert aged.history[TASK_TYPE, "", "openai/a"].effective_n == pytest.approx(0.5, abs=1e-5)
    assert evidence(log).version == fresh.version != aged.version


def test_an_empty_log_has_no_efficiency(log: Log, stream: Stream) -> None:
    stream.decide(arm="a", task="t")
    with pytest.raises(NotEnoughData):
        efficiency(log)
    with pytest.raises(InputError, match="half_life"):
        evidence(log, half_life_days=0.0)
