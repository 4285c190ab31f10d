"""The health score is its formula, and its interval holds what it says."""

from __future__ import annotations

import numpy as np
import pytest

from bizq_lab.analysis import model_health
from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.store import Log
from tests.support.analysis_log import START_US, Stream, fill

NOW_US = START_US + 40 * 86_400_000_000
OLD_US, NEW_US = NOW_US - 10 * 86_400_000_000, NOW_US - 3_600_000_000


def test_a_model_that_does_as_it_did_and_always_succeeds_has_100(log: Log, stream: Stream) -> None:
    for at_us in (OLD_US, NEW_US):
        fill(stream, at_us, n=40, ok=40, latency_s=1.0, quality=0.8, model="m")
    answer = model_health(log, now_us=NOW_US)
    assert answer.score("m").value == 100.0
    assert answer.score("m").upper == 100.0
    assert answer.score("m").lower < 100.0
    assert "100 of 100." in answer.summary()


def test_the_score_is_success_times_speed_times_quality_kept(log: Log, stream: Stream) -> None:
    fill(stream, OLD_US, n=40, ok=40, latency_s=1.0, quality=0.8, model="m")
    fill(stream, NEW_US, n=40, ok=36, latency_s=2.0, quality=0.6, model="m")
    [row] = model_health(log, now_us=NOW_US).rows
    assert (row.success, row.speed, row.quality_kept) == pytest.approx((0.9, 0.5, 0.75))
    assert row.health.value == pytest.approx(100 * 0.9 * 0.5 * 0.75)
    assert row.health.lower < row.health.value < row.health.upper


def test_faster_and_better_than_before_is_no_more_than_healthy(log: Log, stream: Stream) -> None:
    fill(stream, OLD_US, n=40, ok=30, latency_s=2.0, quality=0.5, model="m")
    fill(stream, NEW_US, n=40, ok=40, latency_s=1.0, quality=0.9, model="m")
    assert model_health(log, now_us=NOW_US).score("m").value == 100.0


def test_a_change_of_the_mix_of_tasks_is_no_change_of_the_model(log: Log, stream: Stream) -> None:
    """A long task type that grows would make any mean over all tasks slower."""
    for kind, latency_s, old, new in (("short", 1.0, 80, 20), ("long", 9.0, 20, 80)):
        for at_us, n in ((OLD_US, old), (NEW_US, new)):
            fill(stream, at_us, n=n, ok=n, latency_s=latency_s, quality=0.8, model="m", task_type=kind)
    [row] = model_health(log, now_us=NOW_US).rows
    assert (row.task_types, row.n, row.health.value) == (2, 100, 100.0)


def test_the_worst_comes_first_and_what_ails_it_is_named(log: Log, stream: Stream) -> None:
    for model, latency_s in (("fine", 1.0), ("slow", 4.0)):
        fill(stream, OLD_US, n=40, ok=40, latency_s=1.0, quality=0.8, model=model)
        fill(stream, NEW_US, n=40, ok=40, latency_s=latency_s, quality=0.8, model=model)
    answer = model_health(log, now_us=NOW_US)
    assert [row.model for row in answer.rows] == ["slow", "fine"]
    assert answer.summary() == "The least healthy of 2 models is slow with 25 of 100, most of it lost by speed (25%)."
    assert answer.plot().get_title(loc="left") == "Health, 0 to 100"
    assert len(answer.to_frame()) == 2
    assert "<section" in answer._repr_html_()


def test_without_a_baseline_only_success_is_scored_and_it_says_so(log: Log, stream: Stream) -> None:
    fill(stream, NEW_US, n=40, ok=30, latency_s=9.0, quality=0.1, model="new")
    answer = model_health(log, now_us=NOW_US)
    assert answer.score("new").value == 75.0
    assert "no_baseline" in {caveat.code for caveat in answer.caveats}


def test_the_interval_holds_the_true_score_at_least_as_often_as_it_says(log: Log, stream: Stream) -> None:
    """Thirty models of one truth: 100 x .8 x 1/1.5 x 1."""
    rng = np.random.default_rng(5)
    for model in range(30):
        for at_us, slow in ((OLD_US, 1.0), (NEW_US, 1.5)):
            for number in range(40):
                stream.run(
                    arm="default",
                    task=f"{model}-{at_us}-{number}",
                    succeeded=bool(rng.random() < 0.8),
                    latency_s=slow * float(rng.lognormal(0, 0.4)),
                    quality=None,
                    decide={"recorded_at_us": at_us + number, "model": f"m{model}", "design": "observational"},
                )
    truth = 100 * 0.8 / 1.5
    rows = model_health(log, now_us=NOW_US).rows
    assert sum(row.health.lower <= truth <= row.health.upper for row in rows) >= 27


def test_what_cannot_be_scored_is_refused(log: Log, stream: Stream) -> None:
    with pytest.raises(NotEnoughData, match="no outcome in the last 24 hours"):
        model_health(log, now_us=NOW_US)
    fill(stream, NEW_US, n=5, ok=5, latency_s=1.0, quality=0.5, model="m")
    with pytest.raises(NotEnoughData, match="'other' did nothing"):
        model_health(log, now_us=NOW_US).score("other")
    with pytest.raises(InputError, match="baseline_hours == 0"):
        model_health(log, now_us=NOW_US, baseline_hours=0)
