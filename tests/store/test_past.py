"""A past day is answered as it was known then, whatever arrived later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bizq_lab.core.events import EVENTS
from bizq_lab.errors import JournalWriteError
from bizq_lab.store import Log
from bizq_lab.store.views import views
from tests.support.store_events import START_US, make_event

HOUR_US = 3_600_000_000
ROW = "SELECT decision_id, status, succeeded, rating_ppm, ratings FROM task_outcome ORDER BY ALL"


@pytest.fixture
def log(tmp_path: Path) -> Any:
    """Decided at 0 h, finished at 1 h, rated at 2 h and again at 3 h; another one decided at 4 h."""
    with Log.open(tmp_path / "lab.duckdb") as opened:
        for hour, kind, fields in (
            (0, "decision", {}),
            (1, "outcome", {"status": "completed", "succeeded": True}),
            (2, "feedback", {"rating_ppm": 2_000_000, "rater": "ann"}),
            (3, "feedback", {"rating_ppm": 5_000_000, "rater": "ann"}),
            (4, "decision", {"decision_id": "later"}),
        ):
            own = {"decision_id": "first", "recorded_at_us": START_US + hour * HOUR_US, **fields}
            opened.append(make_event(kind, **own))
        yield opened


def known(log: Log, hour: float) -> list[tuple[Any, ...]]:
    frame = log.as_of(START_US + round(hour * HOUR_US)).sql(ROW)
    return [tuple(row) for row in frame.astype(object).where(frame.notna(), None).itertuples(index=False)]


def test_each_instant_shows_what_had_been_recorded_before_it(log: Log) -> None:
    assert known(log, 0) == []
    assert known(log, 0.5) == [("first", "pending", None, None, 0)]
    assert known(log, 1.5) == [("first", "completed", True, None, 0)]
    assert known(log, 2.5) == [("first", "completed", True, 2_000_000, 1)]
    assert known(log, 3.5) == [("first", "completed", True, 5_000_000, 2)]
    assert known(log, 4.5) == [*known(log, 3.5), ("later", "pending", None, None, 0)]


def test_the_present_is_the_past_of_tomorrow(log: Log) -> None:
    frame = log.sql("FROM task_outcome ORDER BY decision_id")
    assert frame.equals(log.as_of(START_US + 100 * HOUR_US).sql("FROM task_outcome ORDER BY decision_id"))


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_no_event_of_the_future_is_seen(log: Log, name: str) -> None:
    log.append(make_event(name, recorded_at_us=START_US + 9 * HOUR_US))
    seen = log.as_of(START_US + 9 * HOUR_US).sql(f"FROM {name}")
    assert not (seen["recorded_at_us"] >= START_US + 9 * HOUR_US).any()


def test_views_are_of_the_past_too(log: Log) -> None:
    past = log.as_of(START_US + round(2.5 * HOUR_US))
    assert past.sql("SELECT rating FROM feedback_latest")["rating"].tolist() == [2.0]
    for view in views():
        past.sql(f"FROM {view.name}")


def test_the_past_cannot_be_written(log: Log) -> None:
    with pytest.raises(JournalWriteError, match="past instant"):
        log.as_of(START_US).append(make_event("feedback"))


def test_named_queries_see_the_past(log: Log) -> None:
    past = log.as_of(START_US + HOUR_US // 2)
    assert [row["decision_id"] for row in past.query("decisions_of_task", task_id="text")] == ["first"]
    assert len(log.query("decisions_of_task", task_id="text")) == 2
