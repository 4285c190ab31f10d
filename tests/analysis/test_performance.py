"""Performance: what was assigned is charged, every figure has an interval, and the sums are exact."""

from __future__ import annotations

from statistics import fmean

import pytest

from bizq_lab.analysis import performance
from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import NotEnoughData
from bizq_lab.stats.proportions import wilson
from bizq_lab.stats.types import Tally
from bizq_lab.store import Log
from tests.support.analysis_log import Stream


def value(estimate: Estimate | None) -> float:
    assert estimate is not None
    return estimate.value


def test_every_figure_is_the_mean_of_its_outcomes(log: Log, stream: Stream) -> None:
    costs, seconds = [0.001, 0.004, 0.01, 0.002], [1.0, 2.0, 4.0, 9.0]
    for number, (cost, latency) in enumerate(zip(costs, seconds, strict=True)):
        stream.run(
            arm="a", task=f"t{number}", succeeded=number != 2, cost_usd=cost, latency_s=latency, quality=0.25 * number
        )
    row = performance(log).rows[0]
    assert (row.task_type, row.arm, row.model, row.n) == ("order.process_batch", "a", "openai/a", 4)
    assert row.success == wilson(Tally(3, 4))
    assert value(row.cost_usd) == pytest.approx(fmean(costs))
    assert value(row.cost_per_success_usd) == pytest.approx(sum(costs) / 3)
    assert value(row.latency_s) == pytest.approx(4.0)
    assert value(row.quality) == pytest.approx(0.375)
    assert (row.rating, row.first_token_s) == (None, None)


def test_the_median_and_the_tail_are_within_half_a_percent(log: Log, stream: Stream) -> None:
    for number in range(1, 101):
        stream.run(arm="a", task=f"t{number}", succeeded=True, latency_s=number / 10)
    row = performance(log).rows[0]
    assert value(row.p50_s) == pytest.approx(5.0, rel=0.006)
    assert value(row.p95_s) == pytest.approx(9.5, rel=0.006)
    assert row.p95_s is not None
    assert row.p95_s.lower <= 9.5 <= row.p95_s.upper


def test_repeats_widen_the_interval_to_what_the_tasks_support(log: Log, stream: Stream) -> None:
    for number in range(8):
        for repeat in range(10):
            stream.run(arm="a", task=f"t{number}", repeat=repeat, succeeded=number < 4)
    success = performance(log).rows[0].success
    naive = wilson(Tally(40, 80))
    assert success.value == 0.5
    assert success.upper - success.lower > 2 * (naive.upper - naive.lower)


def test_the_assigned_model_pays_for_its_rescue_unless_the_served_one_is_asked_for(log: Log, stream: Stream) -> None:
    stream.run(arm="a", task="t0", succeeded=True, failed_over=True, served_model="rescuer", cost_usd=0.5)
    stream.run(arm="a", task="t1", succeeded=True, served_model="openai/a", cost_usd=0.1)
    (assigned,) = performance(log).rows
    assert (assigned.model, assigned.n, assigned.failover.value) == ("openai/a", 2, 0.5)
    assert value(assigned.cost_usd) == pytest.approx(0.3)
    served = {row.model: row.n for row in performance(log, served=True, by_arm=False).rows}
    assert served == {"openai/a": 1, "rescuer": 1}


def test_workspaces_and_days_are_told_apart_on_request(log: Log, stream: Stream) -> None:
    stream.run(arm="a", task="t0", succeeded=True, decide={"workspace_id": "w1"})
    stream.run(arm="a", task="t1", succeeded=False, decide={"workspace_id": "w2"})
    rows = performance(log, by_workspace=True, by_day=True).rows
    assert [row.slice for row in rows] == ["w1 2026-11-01", "w2 2026-11-01"]
    assert [row.success.value for row in performance(log, workspace_id="w2").rows] == [0.0]


def test_response_rate_stands_beside_the_ratings(log: Log, stream: Stream) -> None:
    for number in range(10):
        decision = stream.run(arm="a", task=f"t{number}", succeeded=True)
        if number < 2:
            stream.rate(decision, 4.0 + number)
    row = performance(log).rows[0]
    assert (value(row.rating), row.response_rate.value) == (4.5, 0.2)


def test_a_cost_that_nobody_knows_is_not_zero(log: Log, stream: Stream) -> None:
    stream.run(arm="a", task="t0", succeeded=True, cost_usd=None)
    answer = performance(log)
    assert (answer.rows[0].cost_usd, answer.rows[0].cost_per_success_usd) == (None, None)
    assert "unpriced" in {c.code for c in answer.caveats}


def test_pending_decisions_are_counted_apart(log: Log, stream: Stream) -> None:
    stream.run(arm="a", task="t0", succeeded=True)
    stream.decide(arm="a", task="t1")
    answer = performance(log)
    assert (answer.rows[0].n, answer.rows[0].pending) == (1, 1)
    assert "pending" in {c.code for c in answer.caveats}


def test_an_empty_window_is_refused(log: Log, stream: Stream) -> None:
    stream.run(arm="a", task="t0", succeeded=True)
    with pytest.raises(NotEnoughData, match="no outcome"):
        performance(log, task_type="no.such")


def test_escalations_and_timeouts_are_shares_of_all_outcomes(log: Log, stream: Stream) -> None:
    stream.run(arm="a", task="t0", succeeded=False, timed_out=True)
    stream.run(arm="a", task="t1", succeeded=True)
    row = performance(log).rows[0]
    assert (row.escalated.value, row.timed_out.value) == (0.5, 0.5)
    assert "1 of 2 tasks succeeded (50%)" in performance(log).summary()
