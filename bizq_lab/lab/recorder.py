"""What an adaptive router remembers, kept in the log: decisions, results, ratings. Knows no routing rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bizq_lab.core.events import FeedbackEvent
from bizq_lab.core.ids import derived_id
from bizq_lab.execution.records import outcome_event

if TYPE_CHECKING:
    from bizq_lab.core.decision import RoutingDecision
    from bizq_lab.core.execution import TaskResult
    from bizq_lab.core.protocols import Clock
    from bizq_lab.core.snapshot import Evidence
    from bizq_lab.core.task import UserFeedback
    from bizq_lab.lab.records import Payloads
    from bizq_lab.store import Log

MICRO = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRecorder:
    """Routing's `ResultRecorder` over a log. An event's id follows from what it says: saying it again adds nothing.

    Attributes:
        log: Where events go.
        clock: Wall time of the record.
        log_decision: Writes a decision.
        learn: Reads the evidence.
        payloads: Whether what people write is kept: with `full` only.
    """

    log: Log
    clock: Clock
    log_decision: Callable[[RoutingDecision], object]
    learn: Callable[[], Evidence]
    payloads: Payloads
    _seen: dict[str, list[str]] = field(default_factory=dict)

    def remember(self, decision: RoutingDecision) -> None:
        """Log the decision."""
        known = self._seen.setdefault(decision.task.id, [])
        if decision.decision_id not in known:
            known.append(decision.decision_id)
            self.log_decision(decision)

    def decisions_of(self, task_id: str) -> Sequence[str]:
        """Ids of the decisions of a task, oldest first: the log's, and any of this process not collected yet."""
        logged = [row["decision_id"] for row in self.log.query("decisions_of_task", task_id=task_id)]
        return (*logged, *(seen for seen in self._seen.get(task_id, ()) if seen not in logged))

    def record(self, decision_id: str, result: TaskResult, feedback: UserFeedback | None) -> bool:
        """Log a result that was executed elsewhere, and feedback; False when the log had both already."""
        known = self.log.query("record_of_decision", decision_id=decision_id)[0]
        new = not known["outcomes"]
        if new:
            served = result.attempts[-1].config.key if result.attempts else ""
            event = outcome_event(
                replace(result, decision_id=decision_id),
                event_id=derived_id("evt", "outcome", decision_id),
                recorded_at_us=self.clock.now_us(),
                assigned_model=known["assigned_model"] or served,
                served_model=served,
                cost_nano_usd=None if result.cost is None else result.cost.nano_usd,
            )
            self.log.append(event)
        if feedback is not None:
            said = feedback_event(
                decision_id, result.task_id, feedback, recorded_at_us=self.clock.now_us(), payloads=self.payloads
            )
            if said.event_id not in known["feedback_ids"]:
                self.log.append(said)
                new = True
        return new

    def evidence(self) -> Evidence:
        """What the log teaches now."""
        return self.learn()


def feedback_event(
    decision_id: str, task_id: str, feedback: UserFeedback, *, recorded_at_us: int, payloads: Payloads,
    source: str = "user",
) -> FeedbackEvent:  # fmt: skip
    """Feedback as a row; the same words of the same rater on the same decision are the same event.

    Words are kept only where payloads are kept in full: people quote what they rate.
    """
    return FeedbackEvent(
        event_id=derived_id("evt", "feedback", decision_id, feedback.model_dump_json(), source),
        recorded_at_us=recorded_at_us,
        decision_id=decision_id,
        task_id=task_id,
        rating_ppm=None if feedback.rating is None else round(feedback.rating * MICRO),
        comment=feedback.feedback if payloads == "full" else "",
        rater=feedback.rater,
        source=source,
    )
