"""The specification's recommendation: the most valuable model, how sure, why, what else, and the figures."""

from __future__ import annotations

from datetime import date

import pytest

from bizq_lab.analysis import recommend
from bizq_lab.catalog import load_catalog
from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.store import Log
from tests.support.analysis_log import START_US, TASK_TYPE, Stream

CATALOG = load_catalog("current", as_of=date(2026, 11, 1))
DAY_US = 86_400_000_000


def fill(stream: Stream, arm: str, *, ok: int, n: int = 40, cost_usd: float | None = 0.001, **decide: object) -> None:
    for number in range(n):
        stream.run(
            arm=arm, task=f"t{number}", succeeded=number < ok, cost_usd=cost_usd,
            decide={"design": "randomised", "unit": f"t{number}", **decide},
        )  # fmt: skip


def test_the_model_of_highest_net_benefit_is_recommended_with_all_the_specification_asks_for(
    log: Log, stream: Stream
) -> None:
    fill(stream, "good", ok=38)
    fill(stream, "poor", ok=20)
    answer = recommend(log, catalog=CATALOG, task_type=TASK_TYPE)
    assert answer.recommended_model == "openai/good"
    assert answer.confidence is not None
    assert 0.95 < answer.confidence <= 1.0
    assert answer.alternative_models == ("openai/poor",)
    assert set(answer.performance_metrics) == {"openai/good", "openai/poor"}
    value_usd = CATALOG.task_type(TASK_TYPE)[0].value_usd
    best = answer.performance_metrics["openai/good"]
    assert best.net_benefit_usd.value == pytest.approx(value_usd * 38 / 40 - 0.001)
    assert best.success is not None
    assert best.success.value == pytest.approx(0.95)
    assert "openai/good is worth" in answer.reasoning
    assert "before openai/poor" in answer.reasoning
    assert answer.summary() == f"For {TASK_TYPE} use openai/good: {answer.reasoning}."
    assert answer.plot().get_title(loc="left") == f"Net benefit at {TASK_TYPE}"
    assert list(answer.to_frame()["model"]) == ["openai/good", "openai/poor"]
    assert "<section" in answer._repr_html_()


def test_equal_models_give_a_confidence_of_a_coin_and_probabilities_sum_to_one(log: Log, stream: Stream) -> None:
    for arm in ("a", "b"):
        fill(stream, arm, ok=30)
    answer = recommend(log, catalog=CATALOG, task_type=TASK_TYPE)
    assert answer.confidence == pytest.approx(0.5, abs=0.03)
    assert sum(row.probability for row in answer.rows) == pytest.approx(1.0)


def test_the_dearer_of_two_equals_is_the_alternative(log: Log, stream: Stream) -> None:
    value_usd = CATALOG.task_type(TASK_TYPE)[0].value_usd
    fill(stream, "cheap", ok=40, cost_usd=0.001)
    fill(stream, "dear", ok=40, cost_usd=value_usd / 2)
    answer = recommend(log, catalog=CATALOG, task_type=TASK_TYPE)
    assert (answer.recommended_model, answer.alternative_models) == ("openai/cheap", ("openai/dear",))


def test_what_cannot_be_weighed_is_named(log: Log, stream: Stream) -> None:
    fill(stream, "good", ok=38)
    fill(stream, "few", ok=5, n=5)
    fill(stream, "unpriced", ok=40, cost_usd=None)
    answer = recommend(log, catalog=CATALOG, task_type=TASK_TYPE)
    assert answer.recommended_model == "openai/good"
    assert answer.confidence is None, "there is nothing to be surer than"
    notes = {caveat.code: caveat.message for caveat in answer.caveats}
    assert "openai/few, openai/unpriced" in notes["not_weighed"]
    assert {"only_one", "as_routed"} <= set(notes)
    assert answer.reasoning.endswith("no other model was tried")


def test_only_what_was_done_lately_counts(log: Log, stream: Stream) -> None:
    now_us = START_US + 100 * DAY_US
    fill(stream, "was_good", ok=40, recorded_at_us=now_us - 60 * DAY_US)
    fill(stream, "is_good", ok=30, recorded_at_us=now_us - DAY_US)
    answer = recommend(log, catalog=CATALOG, task_type=TASK_TYPE, now_us=now_us)
    assert (answer.recommended_model, answer.alternative_models) == ("openai/is_good", ())


def test_where_quality_is_missing_in_part_success_stands_for_it(log: Log, stream: Stream) -> None:
    fill(stream, "good", ok=38)
    for number in range(40):
        stream.run(arm="other", task=f"t{number}", succeeded=number < 20, quality=None if number % 2 else 0.9)
    answer = recommend(log, catalog=CATALOG, task_type=TASK_TYPE)
    assert answer.measure == "success"
    assert "value_by_success" in {caveat.code for caveat in answer.caveats}


def test_nothing_to_recommend_from_is_refused(log: Log) -> None:
    with pytest.raises(NotEnoughData, match="no model did 10 tasks"):
        recommend(log, catalog=CATALOG, task_type=TASK_TYPE)
    with pytest.raises(InputError, match="days == 0"):
        recommend(log, catalog=CATALOG, task_type=TASK_TYPE, days=0)
