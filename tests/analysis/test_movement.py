"""What moved: real changes are named, chance is not, and what came or went is told."""

from __future__ import annotations

import numpy as np
import pytest

from bizq_lab.analysis import Movement, day_by_day, happenings, movement
from bizq_lab.core.events import AlertEvent
from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.store import Log
from tests.support.analysis_log import START_US, Stream

DAY_US = 86_400_000_000


def day(stream: Stream, number: int, rate: float, n: int = 200, *, task_type: str = "t", seed: int = 0) -> None:
    """A day of tasks of which about a share succeeds."""
    rng = np.random.default_rng([seed, number])
    for i, succeeded in enumerate(rng.random(n) < rate):
        stream.run(
            arm="a",
            task=f"{task_type}-{seed}-{number}-{i}",
            succeeded=bool(succeeded),
            latency_s=float(rng.exponential()),
            decide={"task_type": task_type, "recorded_at_us": START_US + number * DAY_US + i},
        )


def moved(log: Log) -> Movement:
    """The second day against the first."""
    return movement(log, from_us=START_US + DAY_US, to_us=START_US + 2 * DAY_US, before_from_us=START_US)


def test_a_real_drop_is_worse_and_the_rest_is_unchanged(log: Log) -> None:
    stream = Stream(log)
    for number, rate in ((0, 0.9), (1, 0.6)):
        day(stream, number, rate, task_type="falls")
        day(stream, number, 0.8, task_type="stays")
    found = moved(log)
    readings = {(row.task_type, row.metric): row.reading for row in found.rows}
    assert readings["falls", "success"] == "worse"
    assert readings["falls", "quality"] == "worse"
    assert {value for key, value in readings.items() if key[0] == "stays"} == {"unchanged"}
    assert found.summary().startswith("success of falls is worse: 0.5")


def test_chance_is_read_as_movement_in_few_of_many_quiet_logs(log: Log) -> None:
    """False discovery rate 5 %: of 60 quiet task types with three tested figures each, hardly one moves."""
    stream = Stream(log)
    for number in (0, 1):
        for each in range(60):
            day(stream, number, 0.8, 40, task_type=f"t{each}", seed=each)
    found = moved(log)
    assert len([row for row in found.rows if row.p_adjusted is not None]) >= 150
    assert len([row for row in found.rows if row.reading != "unchanged"]) <= 2


def test_units_that_are_all_alike_say_as_little_as_they_are_few(log: Log) -> None:
    """Two workspaces with the same latency and no failure have no variance; that is not certainty."""
    stream = Stream(log)
    day(stream, 0, 0.8)
    for i in range(2):
        stream.run(
            arm="a", task=f"new-{i}", succeeded=True, latency_s=9.0,
            decide={"task_type": "t", "recorded_at_us": START_US + DAY_US + i},
        )  # fmt: skip
    assert {row.reading for row in moved(log).rows} == {"unchanged"}


def test_an_outage_is_worse_although_nothing_varies_in_it(log: Log) -> None:
    stream = Stream(log)
    day(stream, 0, 0.8)
    day(stream, 1, 0.0, 60)
    readings = {row.metric: row.reading for row in moved(log).rows}
    assert (readings["success"], readings["latency"]) == ("worse", "unchanged")


def test_task_types_that_came_and_went_are_named(log: Log) -> None:
    stream = Stream(log)
    day(stream, 0, 0.8, task_type="old")
    day(stream, 1, 0.8, task_type="new")
    assert moved(log).summary() == "new: new; no longer seen: old."


def test_a_first_day_has_nothing_to_be_compared_with(log: Log) -> None:
    day(Stream(log), 1, 0.8)
    assert moved(log).summary() == "There is nothing before it to compare with."


def test_an_empty_window_is_refused(log: Log) -> None:
    day(Stream(log), 0, 0.8)
    with pytest.raises(NotEnoughData):
        moved(log)


def test_days_are_told_apart_and_a_single_day_has_no_trend(log: Log) -> None:
    stream = Stream(log)
    day(stream, 0, 1.0, 5)
    with pytest.raises(InputError, match="one day"):
        day_by_day(log).plot()
    day(stream, 1, 0.0, 5)
    found = day_by_day(log)
    assert [(row.day, row.n, row.success.value) for row in found.rows] == [
        ("2026-11-01", 5, 1.0),
        ("2026-11-02", 5, 0.0),
    ]
    assert found.summary() == "10 tasks on 2 days; the weakest was t on 2026-11-02 with 0% of 5."
    assert "2026-11-02" not in str(found.plot().get_label())


def test_only_the_busiest_ten_are_drawn(log: Log) -> None:
    stream = Stream(log)
    for number in (0, 1):
        for each in range(12):
            day(stream, number, 0.5, 2 + each, task_type=f"t{each:02d}")
    ax = day_by_day(log).plot()
    assert [label.get_text() for label in ax.get_yticklabels()] == [f"t{each:02d}" for each in range(2, 12)]


def test_what_happened_is_listed_counted_and_marked(log: Log) -> None:
    Stream(log).register("exp", ["a", "b"], task_type="t")
    log.append(
        AlertEvent(
            event_id="al", recorded_at_us=START_US + DAY_US + 1, alert_type="success_rate_drop", task_type="t",
            model="m", metric="success", current_value=0.5, baseline_value=0.9, threshold=0.81, n_current=50,
            n_baseline=500,
            p_value=0.001, message="success of m at t fell",
        )
    )  # fmt: skip
    found = happenings(log, from_us=START_US, to_us=START_US + 2 * DAY_US)
    assert [(row.what, row.subject, row.detail) for row in found.rows] == [
        ("experiment running", "t", "exp"),
        ("alert", "t", "success of m at t fell"),
    ]
    assert found.summary() == "1 alert, 1 experiment running."
    assert found.alerts == 1
    assert [when.isoformat() for when in found.marks] == ["2026-11-02"]
    assert "no alert was raised" in happenings(log, from_us=0, to_us=1).summary()
