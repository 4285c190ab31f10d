"""A day's score is the score of that day alone, held against the weeks before it."""

from __future__ import annotations

import numpy as np
import pytest

from bizq_lab.analysis import health_by_day, model_health
from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.store import Log
from tests.support.analysis_log import START_US, Stream, fill

DAY_US = 86_400_000_000
FIRST_US = START_US - START_US % DAY_US + DAY_US  # a midnight
NOW_US = FIRST_US + 9 * DAY_US + 13 * 3_600_000_000


def days_of(stream: Stream) -> None:
    """Ten days of a steady model, and of one that is twice as slow on the eighth and fails half on the ninth."""
    for day in range(10):
        for model in ("steady", "ill"):
            slow, ok = (2.0 if (model, day) == ("ill", 7) else 1.0), (20 if (model, day) == ("ill", 8) else 40)
            fill(stream, FIRST_US + day * DAY_US, n=40, ok=ok, latency_s=slow, quality=0.8, model=model)


def test_the_day_a_model_fell_ill_is_told_from_the_others_and_so_is_its_recovery(log: Log, stream: Stream) -> None:
    days_of(stream)
    answer = health_by_day(log, now_us=NOW_US, days=4)
    scores = {(row.score.model, row.day[-2:]): row.score.health.value for row in answer.rows}
    days = [row.day[-2:] for row in answer.rows[:4]]
    assert [row.score.model for row in answer.rows] == ["ill"] * 4 + ["steady"] * 4
    assert days == sorted(days)
    ill = [scores["ill", day] for day in days]
    assert ill[0] == 100.0
    assert ill[1] == pytest.approx(50, abs=1)  # a baseline of one slow day among others
    assert ill[2] == pytest.approx(50)
    assert ill[3] == 100.0
    assert [scores["steady", day] for day in days] == [100.0] * 4
    assert "ill with 50 of 100" in answer.summary()
    assert len(answer.to_frame()) == 8


def test_a_day_is_scored_as_the_score_of_its_last_instant(log: Log, stream: Stream) -> None:
    days_of(stream)
    eighth = health_by_day(log, now_us=NOW_US, days=3).rows[0]
    alone = model_health(log, now_us=FIRST_US + 8 * DAY_US - 1, recent_hours=24)
    assert eighth.score == next(row for row in alone.rows if row.model == "ill")


def test_the_figure_has_a_strip_a_model_and_says_the_last_score_in_words(log: Log, stream: Stream) -> None:
    days_of(stream)
    ax = health_by_day(log, now_us=NOW_US).plot()
    assert [label.get_text() for label in ax.get_yticklabels()] == ["ill", "steady"]
    assert "steady: 100" in str(ax.get_label())
    drawn = [np.asarray(line.get_xdata()) for line in ax.lines if line.get_marker() == "o"]
    assert [len(xs) for xs in drawn] == [10, 10]


def test_what_cannot_be_scored_is_refused(log: Log, stream: Stream) -> None:
    with pytest.raises(NotEnoughData, match="no outcome in the 14 days"):
        health_by_day(log, now_us=NOW_US)
    days_of(stream)
    for wrong in (0, 367):
        with pytest.raises(InputError, match=f"days == {wrong}"):
            health_by_day(log, now_us=NOW_US, days=wrong)
