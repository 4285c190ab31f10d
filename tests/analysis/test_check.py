"""One check of everything: what is new comes first, and each kind keeps its own share of the error."""

from __future__ import annotations

import pytest

from bizq_lab.analysis import alerts, check, drift
from bizq_lab.errors import InputError
from bizq_lab.store import Log
from tests.analysis.test_drift import DAY_US, FIRST_US, days
from tests.support.analysis_log import Stream
from tests.support.store_events import make_event


@pytest.fixture
def now_us(log: Log, stream: Stream) -> int:
    """A model whose quality has drifted and whose last day is slow; another that was exchanged."""
    end_us = days(stream, 34, changed_from=26, change={"quality": -0.15})
    days(stream, 33, changed_from=99, model="n", seed=2)
    for number in range(40):
        stream.run(
            arm="default", task=f"slow{number}", succeeded=True, latency_s=4.0 + number / 100,
            decide={"recorded_at_us": end_us - 7_200_000_000 + number, "model": "n", "design": "observational"},
        )  # fmt: skip
    for day, served in ((1, "k-1"), (33, "k-2")):
        at_us = FIRST_US + day * DAY_US
        log.append(make_event("attempt", recorded_at_us=at_us, model="k", request_model="k", response_model=served))
    return end_us


def test_every_kind_of_change_is_one_row_the_new_ones_first(log: Log, now_us: int) -> None:
    found = check(log, now_us=now_us, sink=log)
    assert {(row.change, row.model, row.status) for row in found.rows} == {
        ("quality_drift", "m", "raised"),
        ("performance_degradation", "n", "raised"),
        ("served_model_changed", "k", "raised"),
    }
    assert found.raised == 3
    assert found.summary().startswith("3 alerts were raised. ")
    logged = {row["alert_type"] for row in log.query("alerts", since_us=0)}
    assert logged == {"quality_drift", "performance_degradation", "served_model_changed"}
    again = check(log, now_us=now_us + 3_600_000_000, sink=log)
    assert again.raised == 0
    assert {row.status for row in again.rows} == {"known"}
    assert again.summary().startswith("No alerts were raised. ")


def test_it_renders_like_every_answer(log: Log, now_us: int) -> None:
    found = check(log, now_us=now_us)
    for answer, rows, title in (
        (found, 3, "Changed since"),
        (found.alerts, 2, "Success now and before"),
        (found.drift, 6, "Quality before and since its last change"),
        (found.served, 2, "Ids that answered"),
    ):
        assert answer.summary().endswith(".")
        assert len(answer.to_frame()) == rows
        assert "<section" in answer._repr_html_()
        assert all(tuple(record) == answer.columns for record in answer.records())
        assert " ".join(answer.plot().get_title(loc="left").split()) == title
    assert not log.query("alerts", since_us=0), "only looked"


def test_each_test_gets_half_of_alpha(log: Log, now_us: int) -> None:
    found = check(log, now_us=now_us, alpha=0.02)
    assert found.alerts.to_dicts() == alerts(log, now_us=now_us, alpha=0.01).to_dicts()
    assert found.drift.to_dicts() == drift(log, now_us=now_us, alpha=0.01).to_dicts()


def test_an_empty_log_has_nothing_to_report_and_a_wrong_alpha_is_refused(log: Log) -> None:
    found = check(log, now_us=FIRST_US)
    assert (found.rows, found.raised) == ((), 0)
    with pytest.raises(InputError, match="alpha == 1"):
        check(log, now_us=FIRST_US, alpha=1.0)
