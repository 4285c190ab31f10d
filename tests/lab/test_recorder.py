"""A lab remembers for an adaptive router: once, whoever says it again, and however late (S27)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bizq_lab.core.execution import TaskResult
from bizq_lab.core.task import RoutingContext, UserFeedback
from bizq_lab.errors import AmbiguousTask, InputError
from bizq_lab.lab import Lab
from bizq_lab.routing import AdaptiveRouter
from tests.support.lab_small import catalog, contents, rows, small_lab, tasks_of

SHOP = RoutingContext(workspace_id="ws_shop")
TASK = tasks_of(n=1)[0]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with small_lab(tmp_path, config=None) as opened:
        yield opened


def adaptive(lab: Lab) -> AdaptiveRouter:
    return AdaptiveRouter(catalog(), recorder=lab.recorder)


def executed(lab: Lab, router: AdaptiveRouter) -> TaskResult:
    decision = router.route_task_with_learning(TASK, SHOP, decision_id=lab.ids("dec"))
    return lab.executor.execute_with_failover(TASK, decision, SHOP)


def counts(lab: Lab) -> dict[str, int]:
    lab.log.collect()
    return {name: len(contents(lab.log.path)[name]) for name in ("decision", "outcome", "feedback")}


def test_tracking_a_result_again_adds_nothing(lab: Lab) -> None:
    router = adaptive(lab)
    result = executed(lab, router)
    assert router.track_task_result(TASK.id, result, {"rating": 4.5}) is True
    assert router.track_task_result(TASK.id, result, {"rating": 4.5}) is False
    assert router.track_task_result(TASK.id, result) is False
    assert counts(lab) == {"decision": 1, "outcome": 1, "feedback": 1}


def test_feedback_may_come_later_and_more_than_once(lab: Lab) -> None:
    router = adaptive(lab)
    result = executed(lab, router)
    assert router.track_task_result(TASK.id, result) is False
    assert router.track_task_result(TASK.id, result, {"rating": 2}) is True
    assert router.track_task_result(TASK.id, result, UserFeedback(rating=5, feedback="after a second look")) is True
    assert counts(lab)["feedback"] == 2
    latest = rows(lab.log.path, "SELECT rating_ppm, ratings FROM task_outcome")
    assert latest == [{"rating_ppm": 5_000_000, "ratings": 2}]


def test_another_process_may_track_what_this_one_routed(lab: Lab) -> None:
    """The recorder reads the log where this process's memory has nothing."""
    result = executed(lab, adaptive(lab))
    assert adaptive(lab).track_task_result(TASK.id, result, {"rating": 3}) is True


def test_two_decisions_of_a_task_must_be_told_apart(lab: Lab) -> None:
    router = adaptive(lab)
    first, second = executed(lab, router), executed(lab, router)
    with pytest.raises(AmbiguousTask, match="has 2 decisions"):
        router.track_task_result(TASK.id, first, {"rating": 3})
    assert router.track_task_result(TASK.id, second, {"rating": 3}, decision_id=second.decision_id)
    lab.log.collect()
    assert rows(lab.log.path, "SELECT decision_id FROM feedback") == [{"decision_id": second.decision_id}]


def test_a_decision_of_another_process_makes_a_task_ambiguous_too(lab: Lab) -> None:
    elsewhere, here = adaptive(lab), adaptive(lab)
    executed(lab, elsewhere)
    result = executed(lab, here)
    with pytest.raises(AmbiguousTask):
        here.track_task_result(TASK.id, result)


def test_a_task_that_was_never_routed_is_refused(lab: Lab) -> None:
    router = adaptive(lab)
    result = executed(lab, router)
    with pytest.raises(InputError, match="'nobody'"):
        router.track_task_result("nobody", result)
    with pytest.raises(InputError, match="'nothing'"):
        router.track_task_result(TASK.id, result, decision_id="nothing")
    with pytest.raises(InputError, match="rating"):
        router.track_task_result(TASK.id, result, {"rating": 6})


def test_a_result_executed_elsewhere_becomes_an_outcome(lab: Lab, tmp_path: Path) -> None:
    """Whoever executes outside this package still closes the decision, with what it cost and how long it took."""
    with small_lab(tmp_path / "elsewhere", config=None) as other:
        result = other.run(TASK, SHOP)
    router = adaptive(lab)
    decision = router.route_task_with_learning(TASK, SHOP, decision_id=lab.ids("dec"))
    assert router.track_task_result(TASK.id, result, {"rating": 4}) is True
    assert router.track_task_result(TASK.id, result, {"rating": 4}) is False
    lab.log.collect()
    [row] = rows(lab.log.path, "FROM task_outcome")
    assert row["decision_id"] == decision.decision_id
    assert row["status"] == result.status
    assert row["succeeded"] == (result.status == "completed")
    assert row["cost_nano_usd"] == (None if result.cost is None else result.cost.nano_usd)
    assert row["attempts"] == len(result.attempts)
    assert row["rating_ppm"] == 4_000_000


def test_the_same_rating_of_a_result_counts_once(lab: Lab) -> None:
    result = lab.run(TASK, SHOP)
    for _ in range(3):
        lab.give_feedback(result, UserFeedback(rating=4, rater="ann"))
    lab.give_feedback(result, UserFeedback(rating=4, rater="bob"))
    lab.give_feedback(result, UserFeedback(rating=4, rater="bob"), source="audit")
    assert counts(lab)["feedback"] == 3
