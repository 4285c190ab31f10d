"""S28: alerts need a baseline, a threshold, a test and patience."""

from __future__ import annotations

import numpy as np
import pytest

from bizq_lab.analysis import alerts
from bizq_lab.errors import InputError
from bizq_lab.store import Log
from tests.support.analysis_log import START_US, Stream

DAY_US = 86_400_000_000
NOW_US = START_US // DAY_US * DAY_US + 40 * DAY_US
OLD_US = NOW_US - 13 * DAY_US
NEW_US = NOW_US - 3_600_000_000


def fill(stream: Stream, at_us: int, *, n: int, success: float, latency_s: float, seed: int, model: str = "m") -> None:
    """Outcomes of one model around one instant; the old ones on ten days before and after it."""
    rng = np.random.default_rng(seed)
    step_us = (20 if at_us == OLD_US else 0) * DAY_US // n
    for number in range(n):
        stream.run(
            arm="default",
            task=f"t{at_us}_{model}_{number}",
            succeeded=bool(rng.uniform() < success),
            latency_s=latency_s * float(rng.lognormal(0, 0.3)),
            decide={"recorded_at_us": at_us + step_us * (number - n // 2), "model": model, "design": "observational"},
        )


def test_a_slower_and_a_worse_model_are_reported_by_the_specifications_names(log: Log, stream: Stream) -> None:
    fill(stream, OLD_US, n=300, success=0.95, latency_s=1.0, seed=1)
    fill(stream, NEW_US, n=60, success=0.5, latency_s=2.0, seed=2)
    answer = alerts(log, now_us=NOW_US)
    assert {row.alert_type for row in answer.raised} == {"performance_degradation", "success_rate_drop"}
    assert "2 alerts" in answer.summary()


def test_significant_but_small_changes_raise_nothing(log: Log, stream: Stream) -> None:
    fill(stream, OLD_US, n=300, success=0.95, latency_s=1.0, seed=3)
    fill(stream, NEW_US, n=300, success=0.93, latency_s=1.3, seed=4)
    assert not alerts(log, now_us=NOW_US).raised


def test_large_changes_of_a_few_tasks_raise_nothing(log: Log, stream: Stream) -> None:
    fill(stream, OLD_US, n=120, success=0.95, latency_s=1.0, seed=5)
    fill(stream, NEW_US, n=8, success=0.3, latency_s=4.0, seed=6)
    answer = alerts(log, now_us=NOW_US)
    assert not answer.rows
    assert "unchecked" in {c.code for c in answer.caveats}


def test_an_alert_is_logged_once_and_then_cools_down(log: Log, stream: Stream) -> None:
    fill(stream, OLD_US, n=120, success=0.95, latency_s=1.0, seed=7)
    fill(stream, NEW_US, n=60, success=0.5, latency_s=1.0, seed=8)
    assert len(alerts(log, now_us=NOW_US, sink=log).raised) == 1
    again = alerts(log, now_us=NOW_US + 1, sink=log)
    assert not again.raised
    assert [row.alert_type for row in again.rows if row.muted] == ["success_rate_drop"]
    assert len(log.query("alerts", since_us=0)) == 1
    assert len(alerts(log, now_us=NOW_US + 60_000_000, cooldown_hours=0.001).raised) == 1


def test_quiet_models_raise_no_alarm(log: Log, stream: Stream) -> None:
    """Forty checks of unchanged models."""
    for number in range(20):
        fill(stream, OLD_US, n=60, success=0.8, latency_s=1.0, seed=10 + number, model=f"m{number}")
        fill(stream, NEW_US, n=40, success=0.8, latency_s=1.0, seed=50 + number, model=f"m{number}")
    answer = alerts(log, now_us=NOW_US)
    assert len(answer.rows) == 40
    assert not answer.raised


def test_a_model_that_never_failed_before_can_still_raise_one(log: Log, stream: Stream) -> None:
    fill(stream, OLD_US, n=60, success=1.1, latency_s=1.0, seed=9)
    fill(stream, NEW_US, n=40, success=-1.0, latency_s=1.0, seed=9)
    assert [row.alert_type for row in alerts(log, now_us=NOW_US).raised] == ["success_rate_drop"]


def test_a_baseline_of_two_days_says_nothing_of_days(log: Log, stream: Stream) -> None:
    for day in (10, 11):
        fill(stream, NOW_US - day * DAY_US, n=60, success=1.1, latency_s=1.0, seed=day)
    fill(stream, NEW_US, n=40, success=-1.0, latency_s=5.0, seed=9)
    answer = alerts(log, now_us=NOW_US)
    assert not answer.rows
    assert "unchecked" in {c.code for c in answer.caveats}


def test_a_model_whose_days_differ_much_must_change_more(log: Log, stream: Stream) -> None:
    """Each day's own speed is drawn: a day twice as slow as the mean is nothing new here, but is elsewhere."""
    for model, spread in (("calm", 0.05), ("moody", 0.5)):
        rng = np.random.default_rng(4)
        for day in range(3, 23):
            speed = float(np.exp(rng.normal(0, spread)))
            fill(stream, NOW_US - day * DAY_US, n=30, success=1.1, latency_s=speed, seed=day, model=model)
        fill(stream, NEW_US, n=60, success=1.1, latency_s=2.5, seed=99, model=model)
    answer = alerts(log, now_us=NOW_US)
    assert all(row.ratio > 1.5 for row in answer.rows if row.metric == "latency")
    assert [(row.model, row.metric) for row in answer.raised] == [("calm", "latency")]


def test_within_a_slot_every_check_sees_the_same_and_what_comes_later_does_not_count(log: Log, stream: Stream) -> None:
    """Looking more often must not buy more chances of a false alarm."""
    fill(stream, OLD_US, n=120, success=0.95, latency_s=1.0, seed=7)
    fill(stream, NEW_US, n=60, success=0.95, latency_s=1.0, seed=8)
    first = alerts(log, now_us=NOW_US + 1)
    fill(stream, NOW_US + 600_000_000, n=60, success=-1.0, latency_s=9.0, seed=9)
    again = alerts(log, now_us=NOW_US + 3_500_000_000)
    assert again.to_dicts() == first.to_dicts()
    assert alerts(log, now_us=NOW_US + 3_600_000_000).raised


def test_shorter_slots_need_stronger_evidence(log: Log, stream: Stream) -> None:
    fill(stream, OLD_US, n=300, success=0.95, latency_s=1.0, seed=7)
    fill(stream, NEW_US, n=60, success=0.65, latency_s=1.0, seed=8)
    by_day, by_instant = (alerts(log, now_us=NOW_US, slot_hours=hours) for hours in (24.0, 0.01))
    assert by_day.raised
    assert not by_instant.raised


def test_windows_without_length_are_refused(log: Log) -> None:
    with pytest.raises(InputError, match="recent_hours"):
        alerts(log, now_us=NOW_US, recent_hours=0.0)
    with pytest.raises(InputError, match="slot_hours == 721"):
        alerts(log, now_us=NOW_US, slot_hours=721.0)
