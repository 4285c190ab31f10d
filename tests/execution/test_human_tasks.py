"""A human task passes open, claimed, done or cancelled; its money is exact."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizq_lab.core.events import HumanTaskEvent
from bizq_lab.core.money import Money
from bizq_lab.core.task import RoutingContext
from bizq_lab.errors import InputError
from bizq_lab.execution import HumanDesk
from bizq_lab.execution.human_tasks import HumanStatus, transition

DESK = HumanDesk(rate_usd_per_hour=30)


def task(priority: str = "normal") -> HumanTaskEvent:
    context = RoutingContext.model_validate({"workspace_id": "w", "priority": priority})
    return DESK.open(
        event_id="e", human_task_id="h", decision_id="d", now_us=10**6, context=context, minutes=45, reason="it failed"
    )


def test_an_open_task_names_priority_minutes_rate_cost_and_when_it_is_due() -> None:
    opened = task()
    assert (opened.status, opened.priority, opened.estimated_minutes) == ("open", "high", 45)
    assert opened.cost_nano_usd == Money.from_usd("22.50").nano_usd
    assert opened.due_at_us == 10**6 + 4 * 3600 * 10**6
    assert task("urgent").due_at_us == 10**6 + 3600 * 10**6


def test_a_finished_task_costs_the_minutes_it_took() -> None:
    claimed = transition(task(), "claimed", event_id="e2", now_us=2, worker="ana")
    done = transition(claimed, "done", event_id="e3", now_us=3, minutes_spent=10, succeeded=True, resolution="written")
    assert (done.worker, done.minutes_spent, done.cost_nano_usd) == ("ana", 10, 5 * 10**9)


@pytest.mark.parametrize("closed", ["done", "cancelled"])
@pytest.mark.parametrize("step", ["open", "claimed", "done", "cancelled"])
def test_a_closed_task_stays_closed(closed: HumanStatus, step: HumanStatus) -> None:
    over = transition(task(), closed, event_id="e2", now_us=2, minutes_spent=1, succeeded=True)
    with pytest.raises(InputError, match="nothing, it is closed"):
        transition(over, step, event_id="e3", now_us=3, minutes_spent=1, succeeded=True)


def test_done_needs_minutes_and_a_verdict() -> None:
    with pytest.raises(InputError, match="minutes_spent"):
        transition(task(), "done", event_id="e", now_us=2)


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_cost_is_never_rounded_down_and_splits_cost_no_less(one: int, other: int) -> None:
    together = DESK.cost(one + other)
    assert DESK.cost(one) + DESK.cost(other) >= together
    assert together.nano_usd * 60 >= DESK.rate_nano_usd_per_hour * (one + other)
