"""People take over what no model completed: one at a time, in a lifecycle, and as an arm of their own (S21)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bizq_lab.core.execution import ProviderCall
from bizq_lab.errors import InputError, NotEnoughData, ProviderError
from bizq_lab.lab import Lab
from bizq_lab.lab.people import HumanRow
from tests.support.lab_bulk import WHERE, Watched, bulk_lab, bulk_tasks
from tests.support.lab_small import OTHER, rows


def nobody(call: ProviderCall) -> str:
    """No model can do it, but for one task."""
    if "Item 0." in call.prompt:
        return "We open at 6."
    raise ProviderError("no", error_class="bad_request", status=400)


def lab_with_work(folder: Path, n: int = 3, **options: Any) -> Lab:
    """One completed task, and the others with people; they are due in four hours."""
    lab = bulk_lab(folder, Watched(nobody), **options)
    lab.run_many(bulk_tasks(n), WHERE)
    return lab


def first(lab: Lab) -> HumanRow:
    return lab.humans(status="open").rows[0]


def test_a_task_is_claimed_done_and_costs_the_minutes_that_were_spent(tmp_path: Path) -> None:
    with lab_with_work(tmp_path) as lab:
        task = first(lab)
        assert (task.status, task.worker, task.minutes, task.cost_usd, task.overdue) == ("open", "", 10, 5.0, False)
        assert lab.claim_task(task.human_task_id, worker="ada").worker == "ada"
        done = lab.resolve_task(task.human_task_id, minutes_spent=12, succeeded=True, resolution="Written by hand.")
        assert (done.status, done.worker, done.minutes, done.cost_usd, done.succeeded) == ("done", "ada", 12, 6.0, True)
        queue = lab.humans()
    assert queue.summary().startswith("1 open, 1 done; 0 overdue; ")
    assert [row["status"] for row in queue.records()].count("done") == 1
    assert queue.plot().get_title(loc="left")


def test_only_the_steps_of_the_lifecycle_are_taken(tmp_path: Path) -> None:
    with lab_with_work(tmp_path) as lab:
        one, two = (row.human_task_id for row in lab.humans().rows)
        with pytest.raises(InputError, match="is open, cannot become open"):
            lab.release_task(one)
        lab.claim_task(one, worker="ada")
        with pytest.raises(InputError, match="is claimed, cannot become claimed"):
            lab.claim_task(one, worker="bob")
        with pytest.raises(InputError, match="minutes_spent == -1"):
            lab.resolve_task(one, minutes_spent=-1, succeeded=True)
        assert lab.release_task(one).worker == ""
        lab.claim_task(one, worker="bob")
        lab.resolve_task(one, minutes_spent=5, succeeded=False)
        lab.cancel_task(two, resolution="withdrawn")
        for closed in (one, two):
            with pytest.raises(InputError, match=r"cannot become cancelled\nHint: allowed: nothing, it is closed"):
                lab.cancel_task(closed)
        with pytest.raises(NotEnoughData, match="no human task 'hum_none'"):
            lab.claim_task("hum_none", worker="ada")
        with pytest.raises(InputError, match="must name a person"):
            lab.claim_task(one, worker=" ")
        assert {row.status for row in lab.humans().rows} == {"done", "cancelled"}
    transitions = rows(tmp_path / "lab.duckdb", "SELECT status FROM human_task ORDER BY human_task_id, recorded_at_us")
    assert len(transitions) == 7, "nothing was overwritten"


def test_what_is_late_is_shown(tmp_path: Path) -> None:
    with lab_with_work(tmp_path) as lab:
        lab.clock.advance(14_401)  # type: ignore[attr-defined] # it is a SeededClock
        assert {row.overdue for row in lab.humans().rows} == {True}
        late = lab.resolve_task(first(lab).human_task_id, minutes_spent=1, succeeded=True)
        assert late.overdue
        assert "1 overdue" in lab.humans().summary()


def test_people_are_an_arm_of_their_own_and_the_assigned_arm_keeps_its_failure(tmp_path: Path) -> None:
    """S21, S24: what a person did later flatters no model."""
    with lab_with_work(tmp_path, n=5) as lab:
        before = {row.arm: row for row in lab.performance().rows}
        assert "human" not in before
        for number, task in enumerate(lab.humans().rows[:3]):
            lab.clock.advance(600)  # type: ignore[attr-defined] # it is a SeededClock
            lab.resolve_task(task.human_task_id, minutes_spent=20, succeeded=number > 0)
        answer = lab.performance()
        after = {row.arm: row for row in answer.rows}
        human = after.pop("human")
        assert after == before
        assert (human.task_type, human.n, human.pending) == (OTHER, 3, 0)
        assert human.success.value == pytest.approx(2 / 3)
        assert human.cost_usd is not None
        assert human.cost_usd.value == pytest.approx(10.0)
        assert human.latency_s is not None
        assert human.latency_s.value == pytest.approx((600 + 1200 + 1800) / 3, rel=0.01)
        assert human.quality is not None
        assert human.quality.value == pytest.approx(2 / 3)
        assert "people" in {caveat.code for caveat in answer.caveats}
        assert answer.summary().startswith("1 of 5 tasks succeeded")
        assert all(row.arm != "human" for row in lab.efficiency().rows)


def test_words_of_people_follow_the_payload_policy(tmp_path: Path) -> None:
    with lab_with_work(tmp_path, payloads="none") as lab:
        lab.resolve_task(first(lab).human_task_id, minutes_spent=1, succeeded=True, resolution="It was Mrs Holm.")
        lab.cancel_task(first(lab).human_task_id, resolution="It was Mrs Holm.")
    assert [row for row in rows(tmp_path / "lab.duckdb", "FROM human_task") if row["resolution"]] == []
