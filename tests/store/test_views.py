"""The views: their headers hold, their grain holds on a log with everything in it twice, their units are people's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from bizq_lab.core.events import EVENTS
from bizq_lab.store import Log
from bizq_lab.store.dictionary import table_columns
from bizq_lab.store.views import View, views
from tests.support.store_events import SAMPLED, START_US, make_event, make_story

DAY_US = 86_400_000_000
VIEWS = pytest.mark.parametrize("view", views(), ids=lambda view: view.name)


def life(log: Log) -> None:
    """Two days of two arms, with failover, repeats, transitions, ratings, and every event that may be there twice."""
    for number in range(6):
        arm = "a" if number % 2 else "b"
        at_us = START_US + number * DAY_US // 3
        for event in make_story(f"d{number}", at_us=at_us, arm=arm, task_key=f"t{number // 2}"):
            log.append(event)
    for name in ("d0", "d1"):  # a second call, a call without an end, and a decision written by two programs
        log.append(make_event("attempt", decision_id=name, attempt_id=f"{name}-second", ordinal=2))
        log.append(make_event("attempt", decision_id=name, attempt_id=f"{name}-second", ordinal=2))
        log.append(make_event("attempt_started", decision_id=name, attempt_id=f"{name}-lost", ordinal=3))
        log.append(make_event("decision", decision_id=name, experiment="e", stage="10"))
    for event in make_story(SAMPLED[0], at_us=START_US, arm="a"):
        log.append(event)
    log.append(make_event("decision", decision_id="exposed", experiment="e", stage="10", arm="a"))
    for status in ("open", "claimed", "done"):
        for task in ("h1", "h2"):
            log.append(make_event("human_task", human_task_id=task, decision_id="d0", status=status))
    for rater in ("ann", "bob", "ann"):
        log.append(make_event("feedback", decision_id="d2", rater=rater, rating_ppm=4_500_000))
    for kind in ("alert", "experiment", "config_version"):
        for _ in range(2):
            log.append(make_event(kind))


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    """One log for all that only read."""
    with Log.open(tmp_path_factory.mktemp("views") / "lab.duckdb") as log:
        life(log)
        log.append(make_event("alert", n_current=2**70))  # fits no column, so that something is in quarantine
        log.collect()
        yield log


def rows(log: Log, name: str, where: str = "true") -> list[dict[str, Any]]:
    frame = log.sql(f"SELECT * FROM {name} WHERE {where}")  # noqa: S608 - ours
    return [{str(column): value for column, value in row.items()} for row in frame.to_dict("records")]


@VIEWS
def test_the_grain_a_view_names_identifies_its_rows(lived: Log, view: View) -> None:
    keys = ", ".join(view.grain)
    text = f"SELECT count(*) AS n, count(DISTINCT ({keys})) AS keys FROM {view.name}"  # noqa: S608 - ours
    (counted,) = lived.sql(text).to_dict("records")
    assert counted["n"] == counted["keys"] > 0


@VIEWS
def test_a_view_reads_what_its_header_says(view: View) -> None:
    sources = {*table_columns(), *(each.name for each in views())}
    code = re.sub(r"--.*", "", view.sql)
    read = {word for word in re.findall(r"(?:FROM|JOIN)\s+(\w+)", code) if word in sources}
    assert read == set(view.reads)


@VIEWS
def test_a_header_is_whole_and_the_file_makes_the_view_it_is_named_for(view: View) -> None:
    assert view.purpose
    assert view.columns
    assert f"CREATE OR REPLACE VIEW {view.name} AS" in view.sql


@VIEWS
def test_plain_duckdb_reads_a_view_without_this_package(lived: Log, view: View) -> None:
    with duckdb.connect(str(lived.path), read_only=True) as connection:
        assert connection.execute(f"FROM {view.name}").fetchall()


def test_a_call_without_an_end_is_unknown_and_booked_at_its_worst_case(lived: Log) -> None:
    """No call goes unbooked, even when its process died in the middle (N1)."""
    (lost,) = rows(lived, "attempt_state", "attempt_id = 'd0-lost'")
    assert (lost["status"], lost["maybe_billed"]) == ("unknown", True)
    assert lost["booked_nano_usd"] == lost["worst_case_nano_usd"] == 11
    (ended,) = rows(lived, "attempt_state", "attempt_id = 'd0-a'")
    assert ended["booked_nano_usd"] == ended["cost_nano_usd"]


def test_people_see_dollars_seconds_shares_and_stars(tmp_path: Path) -> None:
    with Log.open(tmp_path / "lab.duckdb") as log:
        log.append(make_event("decision", decision_id="d", propensity_ppb=250_000_000, recorded_at_us=DAY_US))
        values = {"cost_nano_usd": 1_500_000, "response_time_us": 2_500_000, "quality_ppm": 750_000}
        log.append(make_event("outcome", decision_id="d", status="completed", **values))
        log.append(make_event("feedback", decision_id="d", rating_ppm=4_500_000))
        (row,) = rows(log, "task_outcomes_human")
    seen = [row[name] for name in ("propensity", "cost_usd", "response_time_s", "quality", "rating")]
    assert seen == [0.25, 0.0015, 2.5, 0.75, 4.5]
    assert str(row["decided_at"]) == "1970-01-02 00:00:00"


def test_a_pending_decision_counts_as_pending_and_in_no_rate(tmp_path: Path) -> None:
    with Log.open(tmp_path / "lab.duckdb") as log:
        for name, succeeded in (("yes", True), ("no", False), ("later", None)):
            log.append(make_event("decision", decision_id=name, experiment="e", recorded_at_us=START_US))
            if succeeded is not None:
                log.append(make_event("outcome", decision_id=name, succeeded=succeeded))
        for view in ("performance_daily", "experiment_arms"):
            (row,) = rows(log, view)
            assert [row[name] for name in ("decisions", "pending", "successes", "success_rate")] == [3, 1, 1, 0.5]


def test_a_human_task_stands_as_its_last_transition_left_it(lived: Log) -> None:
    assert {(row["human_task_id"], row["status"]) for row in rows(lived, "human_queue")} == {
        ("h1", "done"),
        ("h2", "done"),
    }
    assert all(row["opened_at"] < row["changed_at"] for row in rows(lived, "human_queue"))


def test_the_latest_word_of_a_rater_counts_and_says_how_often_they_spoke(lived: Log) -> None:
    assert {(row["rater"], row["times_said"]) for row in rows(lived, "feedback_latest")} == {("ann", 2), ("bob", 1)}


def test_recent_is_what_the_log_itself_says_is_recent(tmp_path: Path) -> None:
    """A view with a clock would answer differently tomorrow."""
    with Log.open(tmp_path / "lab.duckdb") as log:
        for name, days in (("old", 0), ("new", 6)):
            log.append(make_event("alert", event_id=name, recorded_at_us=START_US + days * DAY_US))
        assert len(rows(log, "alerts_recent")) == 2
        log.append(make_event("decision", recorded_at_us=START_US + 8 * DAY_US))
        assert [row["event_id"] for row in rows(log, "alerts_recent")] == ["new"]


def test_a_span_ends_when_the_attempt_was_recorded_and_starts_its_response_time_before(lived: Log) -> None:
    (span,) = rows(lived, "otel_genai_spans", "\"bizq.attempt.id\" = 'd0-a'")
    (attempt,) = rows(lived, "attempt", "attempt_id = 'd0-a'")
    assert span["end_time_unix_nano"] == 1000 * attempt["recorded_at_us"], "exact: no double holds nanoseconds"
    assert span["end_time_unix_nano"] - span["start_time_unix_nano"] == 1000 * attempt["response_time_us"]


def test_there_is_a_table_for_every_kind_and_a_view_for_none() -> None:
    assert set(EVENTS) <= set(table_columns())
    assert not {view.name for view in views()} & set(EVENTS)
