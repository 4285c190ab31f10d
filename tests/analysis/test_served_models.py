"""A provider that serves another model under the same name is noticed at its first answer, and reported once."""

from __future__ import annotations

from bizq_lab.analysis import served_models
from bizq_lab.store import Log
from tests.support.store_events import START_US, make_event

DAY_US = 86_400_000_000


def answer(log: Log, day: float, served: str, *, model: str = "openai/m", asked: str = "m") -> None:
    at_us = START_US + round(day * DAY_US)
    log.append(make_event("attempt", recorded_at_us=at_us, model=model, request_model=asked, response_model=served))


def test_the_first_answer_under_a_new_id_raises_an_alert_and_the_second_none(log: Log) -> None:
    for day, served in ((0, "m-2026-01"), (1, "m-2026-01"), (2, "m-2026-09"), (2.1, "m-2026-09")):
        answer(log, day, served)
    now_us = START_US + 3 * DAY_US
    found = served_models(log, now_us=now_us, sink=log)
    assert [(row.served, row.before, row.n, row.raised) for row in found.rows] == [
        ("m-2026-01", "", 2, False),
        ("m-2026-09", "m-2026-01", 2, True),
    ]
    assert "openai/m is served as m-2026-09 since" in found.summary()
    assert not served_models(log, now_us=now_us + 1, sink=log).raised
    [alert] = log.query("alerts", since_us=0)
    assert (alert["alert_type"], alert["task_type"], alert["model"]) == ("served_model_changed", "", "openai/m")


def test_a_later_exchange_of_the_same_model_is_reported_again(log: Log) -> None:
    answer(log, 0, "a")
    answer(log, 1, "b")
    assert len(served_models(log, now_us=START_US + 2 * DAY_US, sink=log).raised) == 1
    answer(log, 3, "c")
    [row] = served_models(log, now_us=START_US + 4 * DAY_US, sink=log).raised
    assert (row.served, row.before) == ("c", "b")


def test_ids_are_compared_within_a_model_and_what_was_asked_of_it(log: Log) -> None:
    """Two deployments of one model may well answer under two ids."""
    answer(log, 0, "m-eu", asked="m-eu")
    answer(log, 1, "m-us", asked="m-us")
    answer(log, 2, "other", model="openai/other")
    found = served_models(log, now_us=START_US + 3 * DAY_US)
    assert not found.raised
    assert found.summary() == "Each of 3 models asked for was served under one id."


def test_an_old_exchange_and_one_in_the_future_are_no_news(log: Log) -> None:
    answer(log, 0, "a")
    answer(log, 1, "b")
    answer(log, 50, "c")
    found = served_models(log, now_us=START_US + 20 * DAY_US)
    assert [row.served for row in found.rows] == ["a", "b"]
    assert not found.raised


def test_providers_that_do_not_say_are_left_out(log: Log) -> None:
    answer(log, 0, "")
    found = served_models(log, now_us=START_US + DAY_US)
    assert not found.rows
    assert found.summary() == "No provider has said yet which model it served."


def test_a_hostile_id_stays_text(log: Log) -> None:
    answer(log, 0, "a")
    answer(log, 1, "<script>$x$</script>")
    found = served_models(log, now_us=START_US + 2 * DAY_US, sink=log)
    assert "<script>$" not in found.to_html()
    assert found.plot().get_figure() is not None
