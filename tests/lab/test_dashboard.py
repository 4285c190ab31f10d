"""A lab shows how it is doing, whatever is in its log, and whatever state the log is in."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from bizq_lab.core.seeded import SeededClock
from bizq_lab.core.task import RoutingContext
from bizq_lab.core.trend import Trend
from bizq_lab.errors import LogLocked
from bizq_lab.lab import Lab
from bizq_lab.store import Log
from tests.support.hostile import PAYLOADS, foreign_markup, unprintable, visible_text
from tests.support.lab_small import TYPE, small_lab, tasks_of
from tests.support.rollouts import Stage
from tests.support.store_events import make_event


def test_it_shows_today_and_what_is_running(tmp_path: Path) -> None:
    with small_lab(tmp_path) as lab:
        clock = lab.clock
        assert isinstance(clock, SeededClock)
        for count in (2, 4):
            clock.advance(86_400)
            for task in tasks_of(n=count):
                lab.run(task, RoutingContext(workspace_id="ws"))
        now_us = clock.now_us()
        lab.log.append(make_event("alert", recorded_at_us=now_us - 5, task_type=TYPE, message="success fell"))
        lab.log.append(make_event("experiment", recorded_at_us=now_us - 4, status="running", experiment="exp_1"))
        lab.log.append(make_event("experiment", recorded_at_us=now_us - 3, status="finished", experiment="exp_2"))
        shown = lab.dashboard()
        assert shown.facts["Tasks today"] == "4"
        assert shown.facts["Cost today"] == f"${lab.today().cost_usd:.4f}"
        assert (shown.facts["Alerts in 7 days"], shown.facts["Experiments running"]) == ("1", "1")
        assert "exp_1" in str(shown)
        assert "exp_2" not in str(shown)
        (row,) = lab.today().rows
        assert (row.tasks, row.health, row.pending) == (4, "alert", 0)
        assert row.success_trend.values[:-2] == (None,) * 12
        assert row.cost_trend.values[-1] == pytest.approx(row.cost_usd)
        html = lab._repr_html_()
        assert foreign_markup(html) == []
        assert '<span class="bizq-badge bizq-bad">alert</span>' in html


def test_a_rollout_under_way_is_on_it(tmp_path: Path) -> None:
    with Log.open(tmp_path / "lab.duckdb") as log:
        stage = Stage(tmp_path, log)
        stage.begin()
        with Lab.open(log.path, catalog="current", providers={}, clock=stage.clock) as lab:
            assert lab.dashboard().facts["Rollouts under way"] == "1"
            assert "ramping" in lab._repr_html_()
            stage.desk.rollback(reason="enough")
            assert lab.dashboard().facts["Rollouts under way"] == "0"


def test_a_new_lab_shows_that_nothing_happened_yet(tmp_path: Path) -> None:
    with small_lab(tmp_path) as lab:
        assert "No task yet on 2026-11-01" in str(lab.dashboard())
        assert foreign_markup(lab._repr_html_()) == []


def test_a_log_that_cannot_be_read_is_a_sentence_and_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(*_: object) -> object:
        message = "lab.duckdb: <b>another program</b> holds it"
        raise LogLocked(message, hint="close it")

    with small_lab(tmp_path) as lab:
        monkeypatch.setattr(Log, "held", locked)
        assert "! lab.duckdb: <b>another program</b> holds it" in str(lab.dashboard())
        assert foreign_markup(lab._repr_html_()) == []
        assert "<b>another program</b>" in visible_text(lab._repr_html_())


def test_a_damaged_log_is_a_sentence_and_no_error(tmp_path: Path) -> None:
    with small_lab(tmp_path) as lab:
        lab.dashboard()
        lab.log.path.write_bytes(b"not a database at all" * 400)
        assert lab.dashboard().trouble


def test_the_log_is_opened_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is shown whenever a cell ends in `lab`."""
    with small_lab(tmp_path) as lab:
        lab.run(tasks_of(n=1)[0], RoutingContext(workspace_id="ws"))
        opened: list[object] = []
        real = Log._open

        def counted(log: Log, stack: ExitStack) -> object:
            opened.append(log)
            return real(log, stack)

        monkeypatch.setattr(Log, "_open", counted)
        lab.dashboard()
        assert len(opened) == 1


def test_whatever_task_types_experiments_and_alerts_are_called_stays_text(tmp_path: Path) -> None:
    with small_lab(tmp_path) as lab:
        now_us = lab.clock.now_us()
        for number, text in enumerate(PAYLOADS):
            at = {"recorded_at_us": now_us + number}
            ids = {"decision_id": f"d{number}", "task_type": text}
            lab.log.append(make_event("decision", **ids, **at))
            lab.log.append(make_event("outcome", decision_id=f"d{number}", status="completed", **at))
            lab.log.append(make_event("alert", task_type=text, message=text, **at))
            lab.log.append(make_event("experiment", experiment=text, task_type=text, status="running", **at))
        lab.clock.advance(1)  # type: ignore[attr-defined] # a seeded clock
        html, text = lab._repr_html_(), str(lab.dashboard())
    assert foreign_markup(html) == []
    assert not unprintable(html)
    assert not unprintable(text)
    assert html.count("alert(1)") > sum("alert(1)" in payload for payload in PAYLOADS)


def test_a_trend_is_blocks_in_text_a_line_in_html_and_a_list_in_data() -> None:
    trend = Trend((None, 0.0, 0.5, None, 1.0))
    assert str(trend) == "·▁▅·█"
    assert [[step for step, _ in run] for run in trend.runs()] == [[1, 2], [4]]
    assert str(Trend(())) == ""
    assert str(Trend((3.0, 3.0))) == "▅▅"
