"""Where the money went: the parts add up to the nano-dollar, whatever the two windows hold."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizq_lab.analysis import cost_change
from bizq_lab.analysis.cost_change import STEPS, Booked, CostChange, _split
from bizq_lab.errors import NotEnoughData
from bizq_lab.store import Log
from tests.support.analysis_log import START_US, Stream

CENT = 0.01
HOUR_US = 3_600_000_000
booked = st.dictionaries(
    st.sampled_from(["a", "b", "c"]),
    st.builds(Booked, n=st.integers(1, 10**6), nano_usd=st.integers(0, 10**15)),
    max_size=3,
)


@given(booked, booked)
def test_the_parts_add_up_exactly(before: dict[str, Booked], now: dict[str, Booked]) -> None:
    parts = _split(before, now)
    assert parts.keys() <= set(STEPS)
    assert sum(parts.values()) == sum(b.nano_usd for b in now.values()) - sum(b.nano_usd for b in before.values())


@given(booked)
def test_nothing_changed_is_nothing_but_zeros(same: dict[str, Booked]) -> None:
    if same:
        assert set(_split(same, same).values()) == {Fraction(0)}


def change(log: Log) -> CostChange:
    """The second hour against the first."""
    return cost_change(log, from_us=START_US + HOUR_US, to_us=START_US + 2 * HOUR_US, before_from_us=START_US)


def spend(stream: Stream, hour: int, model: str, n: int, cost_usd: float, *, task_type: str = "t") -> None:
    for number in range(n):
        stream.run(
            arm=model,
            task=f"{task_type}{hour}{model}{number}",
            succeeded=True,
            cost_usd=cost_usd,
            decide={"model": model, "task_type": task_type, "recorded_at_us": START_US + hour * HOUR_US + number},
        )


def test_each_reason_is_told_apart(log: Log) -> None:
    stream = Stream(log)
    spend(stream, 0, "cheap", 10, CENT)
    spend(stream, 0, "old", 1, CENT, task_type="gone")
    spend(stream, 1, "cheap", 10, 2 * CENT)  # the same model costs twice as much
    spend(stream, 1, "dear", 10, 5 * CENT)  # a new model took half of twice the tasks
    spend(stream, 1, "cheap", 3, CENT, task_type="new")
    found = change(log)
    assert {name: round(float(usd), 9) for name, usd in found.parts_usd.items()} == {
        "volume": 0.1,
        "new task types": 0.03,
        "ended task types": -0.01,
        "choice of models": 0.4,
        "cost per task": 0.1,
    }
    assert found.summary() == (
        "$0.73 for 23 tasks, $0.11 for 11 before; the largest reason is choice of models (+$0.40)."
    )
    totals = [row["total_usd"] for row in found.records()]
    assert totals[-2] == pytest.approx(totals[-1])


def test_without_a_window_before_there_are_no_reasons(log: Log) -> None:
    spend(Stream(log), 1, "cheap", 2, CENT)
    assert change(log).summary() == "$0.020 for 2 tasks; there is nothing before it to compare with."
    assert len(change(log).records()) == 2


def test_an_unknown_price_is_told_and_never_counted_as_zero(log: Log) -> None:
    stream = Stream(log)
    spend(stream, 1, "cheap", 2, CENT)
    stream.run(arm="x", task="x", succeeded=True, cost_usd=None, decide={"recorded_at_us": START_US + HOUR_US})
    found = change(log)
    assert [caveat.code for caveat in found.caveats] == ["unpriced"]
    assert found.tasks_now == 2


def test_an_empty_window_is_refused(log: Log) -> None:
    spend(Stream(log), 0, "cheap", 2, CENT)
    with pytest.raises(NotEnoughData, match="no decision with a known cost"):
        change(log)
