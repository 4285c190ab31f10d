"""What is kept apart of the outcomes is what the view of the sample shows, whatever happens to the log."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from bizq_lab.analysis.extent import GROUPS, SAMPLE, Window, read_conditions, read_size
from bizq_lab.store import Log
from bizq_lab.store.views import views
from tests.support.store_events import SAMPLED, START_US, make_event, make_story

DAY_US = 86_400_000_000
NEXT_DAY = date(2026, 9, 22)
EVERY = "SELECT * FROM task_outcome_sample ORDER BY decision_id"
UNITS: dict[str, Any] = {**Window().params(), "below": SAMPLE, "sampled": True}


@pytest.fixture
def log(tmp_path: Path) -> Any:
    """A thousand decisions of twenty units, randomised; of the second day, two that are surely in the sample."""
    with Log.open(tmp_path / "lab.duckdb") as opened:
        for number in range(1_000):
            drawn = {"design": "randomised", "unit": f"unit-{number % 20}", "workspace_id": f"ws-{number % 2}"}
            for event in make_story(f"dec_{number}", at_us=START_US + number, **drawn):
                opened.append(event)
        for name, workspace_id in zip(SAMPLED[:2], ("ws-0", "ws-1"), strict=True):
            for event in make_story(name, at_us=START_US + DAY_US, workspace_id=workspace_id):
                opened.append(event)
        opened.collect()
        yield opened


def shown(log: Log) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """What the view shows to any client, and what is kept apart."""
    with duckdb.connect(str(log.path), read_only=True) as connection:
        kept = connection.execute(EVERY.replace("task_outcome_sample", "sampled_outcome")).fetchall()
        return connection.execute(EVERY).fetchall(), kept


def test_a_collection_keeps_it(log: Log) -> None:
    view, kept = shown(log)
    assert view == kept
    assert 10 < len(kept) < 200


def test_late_news_reaches_it(log: Log) -> None:
    log.append(make_event("feedback", decision_id=SAMPLED[0], rating_ppm=4_000_000, recorded_at_us=START_US + DAY_US))
    log.append(make_event("outcome", decision_id=SAMPLED[1], status="failed", recorded_at_us=START_US + 2 * DAY_US))
    log.collect()
    view, kept = shown(log)
    assert view == kept
    heard = log.sql(EVERY).set_index("decision_id")
    assert heard.loc[SAMPLED[0], "rating_ppm"] == 4_000_000
    assert heard.loc[SAMPLED[1], "status"] == "failed"


def test_rebuilding_forgetting_and_purging_keep_it(log: Log) -> None:
    with duckdb.connect(str(log.path)) as connection:
        connection.execute("DELETE FROM sampled_outcome")
    log.rebuild_task_outcome()
    view, kept = shown(log)
    assert view == kept
    log.purge(before_us=START_US + 2 * DAY_US)
    log.forget("ws-0")
    view, kept = shown(log)
    assert view == kept
    assert {row[0] for row in kept} & set(SAMPLED) == {SAMPLED[1]}


def test_an_archived_log_shows_the_whole_of_it(log: Log) -> None:
    before, units = log.sql(EVERY), log.query("units", **UNITS)
    log.archive(before=NEXT_DAY)
    view, kept = shown(log)
    assert view == kept
    assert {row[0] for row in kept} == set(SAMPLED[:2])
    assert log.query("units", **UNITS) == units
    assert log.sql(EVERY).equals(before)


def test_the_past_shows_it_as_it_was(log: Log) -> None:
    past = log.as_of(START_US + DAY_US)
    assert len(past.sql(EVERY)) == len(log.sql(EVERY)) - 2
    assert past.query("units", **UNITS)[0]["n"] == log.query("units", **UNITS)[0]["n"]


def test_a_question_of_a_live_log_reads_what_is_kept_apart(log: Log) -> None:
    with duckdb.connect(str(log.path)) as connection:
        connection.execute("DELETE FROM sampled_outcome")
    assert log.sql(EVERY).empty


def test_the_view_holds_the_groups_that_analyses_ask_for() -> None:
    (view,) = (view for view in views() if view.name == "task_outcome_sample")
    assert f"decision_bucket < {SAMPLE} OR cluster_bucket < {SAMPLE}" in view.sql


def test_a_window_beyond_a_limit_is_sized_and_described_by_its_sample(log: Log, monkeypatch: Any) -> None:
    whole = read_size(log, Window())
    assert whole.below == 0
    monkeypatch.setattr("bizq_lab.analysis.extent.ALL_CONDITIONS", 0)
    size = read_size(log, Window())
    frame = log.sql("SELECT unit, cluster_bucket, decision_bucket FROM task_outcome")
    of_units = frame[frame["cluster_bucket"] < SAMPLE]
    assert (size.part_n, size.part_units) == (len(of_units), of_units["unit"].nunique())
    assert (size.part, size.below) == (SAMPLE, SAMPLE)
    looked_at = read_conditions(log, Window(), size).total("n")
    assert looked_at == (frame["decision_bucket"] < SAMPLE).sum()
    assert 0 < looked_at < len(frame) / (GROUPS // SAMPLE) * 4
    monkeypatch.setattr("bizq_lab.analysis.extent.SOME_CONDITIONS", looked_at // 2)
    fewer = read_size(log, Window())
    assert fewer.below == math.ceil(looked_at // 2 * SAMPLE / looked_at)
    assert read_conditions(log, Window(), fewer).total("n") == (frame["decision_bucket"] < fewer.below).sum()
