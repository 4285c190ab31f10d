"""The daily and weekly report: of its period, as it was known then, and made for a scheduler."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from bizq_lab.core.seeded import SeededClock
from bizq_lab.core.task import RoutingContext, UserFeedback
from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.lab import Lab
from bizq_lab.reports import experiment_report, periodic_report, render
from bizq_lab.reports.span import Span
from tests.support.lab_small import DAY, TYPE, small_lab, tasks_of

DAY_S = 86_400.0
NEXT = DAY + timedelta(days=1)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A comparison on the first day, traffic on the second."""
    with small_lab(tmp_path_factory.mktemp("periodic")) as opened:
        clock = opened.clock
        assert isinstance(clock, SeededClock)
        opened.experiment().run_model_comparison(TYPE, ["plain", "luna"], tasks_of(n=12))
        clock.advance(DAY_S)
        for task in tasks_of(n=6):
            opened.run(task, RoutingContext(workspace_id="ws"))
        yield opened


def document(lab: Lab, period: Any, day: date) -> Any:
    return json.loads(render(periodic_report(lab, period, as_of=day).report, "json"))


def test_a_daily_report_is_of_its_day_and_compares_with_the_day_before(lab: Lab) -> None:
    second = document(lab, "daily", NEXT)
    assert second["facts"]["Tasks"] == "6"
    assert second["facts"]["Period"] == "2 Nov"
    cost = second["sections"][1]["results"][0]
    assert [cost["rows"][0]["step"], cost["rows"][-1]["step"]] == ["1 Nov", "2 Nov"]
    assert document(lab, "daily", DAY)["facts"]["Tasks"] == "24"


def test_a_weekly_report_holds_both_days(lab: Lab) -> None:
    assert document(lab, "weekly", NEXT)["facts"] == {
        "Period": "27 Oct to 2 Nov", "Tasks": "30", "Alerts": "0", "Catalog": "current",
    }  # fmt: skip


def test_an_experiment_is_reported_in_the_period_that_registered_it(lab: Lab) -> None:
    assert "Which arm is better, and how sure are we?" in json.dumps(document(lab, "daily", DAY))
    assert "Which arm is better, and how sure are we?" not in json.dumps(document(lab, "daily", NEXT))


def test_late_feedback_and_later_tasks_change_no_byte_of_a_past_report(tmp_path: Path) -> None:
    with small_lab(tmp_path) as lab:
        clock = lab.clock
        assert isinstance(clock, SeededClock)
        results = [lab.run(task, RoutingContext(workspace_id="ws")) for task in tasks_of(n=6)]
        before = {period: render(periodic_report(lab, period, as_of=DAY).report) for period in ("daily", "weekly")}
        clock.advance(DAY_S)
        lab.give_feedback(results[0], UserFeedback(rating=1.0))
        lab.run(tasks_of(n=1)[0], RoutingContext(workspace_id="ws"))
        after = {period: render(periodic_report(lab, period, as_of=DAY).report) for period in ("daily", "weekly")}
        assert after == before
        assert lab.performance().rows[0].response_rate.value > 0
        assert lab.as_of(DAY).performance().rows[0].response_rate.value == 0


def test_a_day_without_a_task_is_refused(lab: Lab) -> None:
    with pytest.raises(NotEnoughData):
        periodic_report(lab, "daily", as_of=DAY - timedelta(days=1))


def test_the_first_screen_answers_the_four_questions(lab: Lab) -> None:
    head = periodic_report(lab, "daily", as_of=NEXT).report.headline
    assert len(head.answers()) == 4
    assert "tasks succeeded" in head.working
    assert head.cost.startswith("$")


def test_an_experiment_report_tells_plan_result_and_arms(lab: Lab) -> None:
    report = experiment_report(lab, as_of=NEXT)
    assert report.title == f"Experiment at {TYPE}"
    assert report.facts["Arms"] == "plain, luna"
    assert [section.heading for section in report.sections] == ["Result", "Arms"]
    assert len(report.headline.answers()) == 4
    changed = report.headline.changed
    assert changed.startswith("luna in place of plain: success ")
    assert all(f"; {metric} " in changed for metric in ("quality", "cost", "latency"))


def test_an_experiment_that_was_not_registered_by_then_is_refused(lab: Lab) -> None:
    with pytest.raises(InputError, match="'exp_nobody', was not registered by 2026-11-02"):
        experiment_report(lab, experiment="exp_nobody", as_of=NEXT)
    with pytest.raises(NotEnoughData, match="no experiment was registered"):
        experiment_report(lab, as_of=DAY - timedelta(days=1))


@pytest.mark.parametrize(
    ("period", "last", "first", "before"),
    [
        ("daily", date(2024, 3, 1), date(2024, 3, 1), date(2024, 2, 29)),  # after a leap day
        ("weekly", date(2024, 3, 1), date(2024, 2, 24), date(2024, 2, 17)),
        ("daily", date(2026, 3, 29), date(2026, 3, 29), date(2026, 3, 28)),  # clocks change in Europe, UTC does not
    ],
)
def test_a_span_is_whole_utc_days(period: Any, last: date, first: date, before: date) -> None:
    span = Span.of(period, last)
    assert (span.first, span.last, span.before) == (first, last, before)
    days = 1 if period == "daily" else 7
    assert span.to_us - span.from_us == days * 86_400_000_000
    assert span.from_us - span.before_from_us == days * 86_400_000_000
