"""The report of a log as it stood on a day: what came later is not in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from bizq_lab.core.seeded import SeededClock
from bizq_lab.core.task import RoutingContext
from bizq_lab.errors import NotEnoughData
from bizq_lab.lab import Lab
from bizq_lab.reports import render, summary_report
from tests.support.lab_small import DAY, OTHER, TYPE, small_lab, tasks_of

DAY_S = 86_400.0
NEXT = DAY + timedelta(days=1)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One comparison on the first day, one on the second."""
    with small_lab(tmp_path_factory.mktemp("report")) as opened:
        clock = opened.clock
        assert isinstance(clock, SeededClock)
        opened.experiment().run_model_comparison(TYPE, ["plain", "luna"], tasks_of(n=12))
        clock.advance(DAY_S)
        opened.experiment().run_model_comparison(OTHER, ["plain", "luna"], tasks_of(OTHER, n=12))
        yield opened


def document(lab: Lab, day: date, **options: Any) -> Any:
    return json.loads(render(summary_report(lab, as_of=day, **options), "json"))


def test_a_report_counts_the_decisions_up_to_the_end_of_its_day(lab: Lab) -> None:
    first, second = (json.dumps(document(lab, day)) for day in (DAY, NEXT))
    assert TYPE in first
    assert OTHER not in first
    assert TYPE in second
    assert OTHER in second


def test_a_report_before_the_first_decision_is_refused(lab: Lab) -> None:
    with pytest.raises(NotEnoughData):
        summary_report(lab, as_of=DAY - timedelta(days=1))


def test_the_same_day_is_reported_in_the_same_bytes_whatever_came_later(lab: Lab) -> None:
    before = render(summary_report(lab, as_of=DAY))
    lab.run(tasks_of(n=1)[0], RoutingContext(workspace_id="ws_later"))
    assert render(summary_report(lab, as_of=DAY)) == before


def controls(data: Any) -> set[str]:
    """Every control named anywhere in a document."""
    if isinstance(data, list):
        return set().union(*map(controls, data))
    if isinstance(data, dict):
        own = {data["control"]} if "control" in data else set()
        return own.union(*map(controls, data.values()))
    return set()


def test_a_comparison_is_read_as_it_was_planned(lab: Lab) -> None:
    """Against the registered control; by name it would be `luna`."""
    assert controls(document(lab, DAY)) == {"plain"}


def test_title_and_note_are_shown_and_harmless(lab: Lab) -> None:
    report = summary_report(lab, as_of=DAY, title="Q4 <script>alert(1)</script>", note="simulated & not real")
    html = render(report).decode()
    assert "<script" not in html
    assert "Q4 &lt;script&gt;" in html
    assert "simulated &amp; not real" in html
    assert DAY.isoformat() in html


def test_a_log_without_a_registered_experiment_still_has_a_report(tmp_path: Path) -> None:
    with small_lab(tmp_path, config=None) as lab:
        for task in tasks_of(n=4):
            lab.run(task, RoutingContext(workspace_id="ws"))
        html = render(summary_report(lab, as_of=DAY)).decode()
    assert "Which arm is better" not in html
    assert TYPE in html


def test_an_experiment_without_outcomes_of_two_arms_is_left_out(tmp_path: Path) -> None:
    with small_lab(tmp_path, config=None) as lab:
        lab.run(tasks_of(n=1)[0], RoutingContext(workspace_id="ws"))
        tester = lab.experiment()
        tester.register(tester.plan(OTHER, ["openai/gpt-6-luna", "local/smollm2-135m"]))
        html = render(summary_report(lab, as_of=DAY)).decode()
    assert "Which arm is better" not in html
    assert OTHER not in html
