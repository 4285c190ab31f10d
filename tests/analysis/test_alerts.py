"""S28: alerts need a baseline, a threshold, a test and patience."""

from __future__ import annotations

import numpy as np
import pytest

from bizq_lab.analysis import alerts
from bizq_lab.errors import InputError
from bizq_lab.store import Log
from tests.support.analysis_log import START_US, Stream

NOW_US = START_US + 40 * 86_400_000_000
OLD_US = NOW_US - 10 * 86_400_000_000
NEW_US = NOW_US - 3_600_000_000


def fill(stream: Stream, at_us: int, *, n: int, success: float, latency_s: float, seed: int, model: str = "m") -> None:
    """Outcomes of one model around one instant."""
    rng = np.random.default_rng(seed)
    for number in range(n):
        stream.run(
            arm="default",
            task=f"t{at_us}_{model}_{number}",
            succeeded=bool(rng.uniform() < success),
            latency_s=latency_s * float(rng.lognormal(0, 0.3)),
            decide={"recorded_at_us": at_us + number, "model": model, "design": "observational"},
        )


def test_a_slower_and_a_worse_model_are_reported_by_the_specifications_names(log: Log, stream: Stream) -> None:
    fill(stream, OLD_US, n=120, success=0.95, latency_s=1.0, seed=1)
    fill(stream, NEW_US, n=60, success=0.6, latency_s=2.0, seed=2)
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


def test_windows_without_length_are_refused(log: Log) -> None:
    with pytest.raises(InputError, match="recent_hours"):
        alerts(log, now_us=NOW_US, recent_hours=0.0)
