"""Drift of quality, latency and cost is found by day, dated, and reported once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from bizq_lab.analysis import drift
from bizq_lab.errors import InputError
from bizq_lab.store import Log
from tests.support.analysis_log import START_US, Stream

DAY_US = 86_400_000_000
FIRST_US = START_US // DAY_US * DAY_US + DAY_US


def days(
    stream: Stream,
    n_days: int,
    *,
    changed_from: int,
    change: Mapping[str, float] | None = None,
    model: str = "m",
    seed: int = 1,
) -> int:
    """Whole days of one model's outcomes; from one day on they change. The instant after the last of them."""
    rng = np.random.default_rng(seed)
    for day in range(n_days):
        now = change if change and day >= changed_from else {}
        for number in range(25):
            quality = min(1.0, max(0.0, 0.8 + now.get("quality", 0.0) + float(rng.normal(0, 0.1))))
            stream.run(
                arm="default",
                task=f"{model}{day}-{number}",
                succeeded=True,
                latency_s=float(rng.lognormal(0, 0.3)) * now.get("latency", 1.0),
                cost_usd=0.001 * float(rng.lognormal(0, 0.3)) * now.get("cost", 1.0),
                quality=quality,
                decide={
                    "recorded_at_us": FIRST_US + day * DAY_US + number * 1_000_000,
                    "model": model,
                    "design": "observational",
                },
            )
    return FIRST_US + n_days * DAY_US


@pytest.mark.parametrize(("metric", "change"), [("quality", -0.15), ("latency", 1.6), ("cost", 1.6)])
def test_each_metric_is_followed_and_its_change_is_dated(log: Log, stream: Stream, metric: str, change: float) -> None:
    now_us = days(stream, 34, changed_from=26, change={metric: change})
    found = {row.metric: row for row in drift(log, now_us=now_us, sink=log).rows}
    assert set(found) == {"quality", "latency", "cost"}
    row = found.pop(metric)
    assert (row.reading, row.raised, row.days) == ("worse", True, 34)
    first = np.datetime64(FIRST_US, "us").astype("datetime64[D]")
    assert abs((np.datetime64(row.since) - first).astype(int) - 26) <= 1
    assert row.now is not None
    assert row.now.excludes_zero
    assert {other.reading for other in found.values()} == {"steady"}
    [alert] = log.query("alerts", since_us=0)
    assert alert["alert_type"] == f"{metric}_drift"


def test_an_improvement_is_shown_and_raises_nothing(log: Log, stream: Stream) -> None:
    now_us = days(stream, 34, changed_from=26, change={"latency": 0.5})
    answer = drift(log, now_us=now_us, sink=log)
    [row] = [row for row in answer.rows if row.metric == "latency"]
    assert (row.reading, row.raised) == ("improved", False)
    assert "Latency of m" in answer.summary()
    assert not log.query("alerts", since_us=0)


def test_a_drift_is_reported_once_and_old_ones_are_no_news(log: Log, stream: Stream) -> None:
    now_us = days(stream, 34, changed_from=26, change={"quality": -0.15})
    assert len(drift(log, now_us=now_us, sink=log).raised) == 1
    assert not drift(log, now_us=now_us + 3_600_000_000, sink=log).raised
    assert not drift(log, now_us=now_us + 20 * DAY_US).raised
    assert len(log.query("alerts", since_us=0)) == 1


def test_a_drift_too_small_to_matter_is_shown_and_raises_nothing(log: Log, stream: Stream) -> None:
    now_us = days(stream, 34, changed_from=26, change={"quality": -0.15})
    answer = drift(log, now_us=now_us, least_change=0.5)
    assert not answer.raised
    assert {row.reading for row in answer.rows if row.metric == "quality"} == {"worse"}


def test_the_day_that_is_not_over_does_not_count(log: Log, stream: Stream) -> None:
    now_us = days(stream, 34, changed_from=33, change={"quality": -0.5})
    during, after = (drift(log, now_us=at) for at in (now_us - 1, now_us))
    assert {row.days for row in during.rows} == {33}
    assert {row.days for row in after.rows} == {34}


def test_short_series_say_that_they_are_and_an_empty_log_that_it_is(log: Log, stream: Stream) -> None:
    assert drift(log, now_us=FIRST_US).summary() == "There is not one whole day to follow yet."
    answer = drift(log, now_us=days(stream, 10, changed_from=99))
    assert {row.reading for row in answer.rows} == {"too few days"}
    assert "too_few_days" in {caveat.code for caveat in answer.caveats}
    assert "No drift" in answer.summary()


def test_what_cannot_be_asked_is_refused(log: Log) -> None:
    with pytest.raises(InputError, match="least_change == -1"):
        drift(log, now_us=FIRST_US, least_change=-1)
    with pytest.raises(InputError, match="alpha == 2"):
        drift(log, now_us=FIRST_US, alpha=2.0)
