"""The end of a task: completed, escalated or cancelled, as result and as rows. Knows how it ended, not why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bizq_lab.core.execution import Attempt, Status, TaskResult
from bizq_lab.core.money import Money
from bizq_lab.execution.checks import share_passed
from bizq_lab.execution.human_tasks import HumanDesk, iso_utc
from bizq_lab.execution.job import Ended, Job
from bizq_lab.execution.records import metrics_of, outcome_event

if TYPE_CHECKING:
    from bizq_lab.core.protocols import Clock, EventSink, IdSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """Writes how tasks ended.

    Attributes:
        sink: Where events go.
        clock: Wall time of the record.
        ids: Where ids come from.
        desk: Terms on which people take over.
    """

    sink: EventSink
    clock: Clock
    ids: IdSource
    desk: HumanDesk

    def completed(self, job: Job, ended: Sequence[Ended], *, elapsed_s: float, notes: Sequence[str]) -> TaskResult:
        """The last attempt was accepted."""
        last = ended[-1].attempt
        result = self._result(job, ended, "completed", elapsed_s=elapsed_s, error_type=None)
        how = f"{last.config.key} completed the task" if len(ended) == 1 else _journey(ended)
        result = replace(result, output=last.reply.text if last.reply else "", reasoning="; ".join([how, *notes]))
        return self._write(job, ended, result)

    def escalated(
        self, job: Job, ended: Sequence[Ended], *, elapsed_s: float, notes: Sequence[str], error_type: str
    ) -> TaskResult:
        """No model completed it: a person takes over (S21)."""
        reasoning = "; ".join(
            ["AI execution failed, escalated to a human", *([_journey(ended)] if ended else []), *notes]
        )
        minutes = job.entry.human_minutes
        human_task_id = self.ids("hum")
        opened = self.desk.open(
            event_id=self.ids("evt"),
            human_task_id=human_task_id,
            decision_id=job.decision.decision_id,
            now_us=self.clock.now_us(),
            context=job.context,
            minutes=minutes,
            reason=reasoning,
        )
        self.sink.append(opened)
        result = self._result(job, ended, "escalated", elapsed_s=elapsed_s, error_type=error_type)
        result = replace(
            result,
            cost=None if result.cost is None else result.cost + self.desk.cost(minutes),
            human_task_id=human_task_id,
            estimated_completion=iso_utc(opened.due_at_us),
            reasoning=reasoning,
        )
        return self._write(job, ended, result)

    def failed(
        self, job: Job, ended: Sequence[Ended], *, elapsed_s: float, notes: Sequence[str], error_type: str
    ) -> TaskResult:
        """No model completed it, and nobody waits for it: an offline comparison hands no work to people."""
        result = self._result(job, ended, "failed", elapsed_s=elapsed_s, error_type=error_type)
        journey = [_journey(ended)] if ended else []
        return self._write(job, ended, replace(result, reasoning="; ".join(["failed in a study", *journey, *notes])))

    def unfunded(self, job: Job, ended: Sequence[Ended], *, elapsed_s: float, notes: Sequence[str]) -> TaskResult:
        """No money was left for the rest of the chain, and nobody takes over: a bulk run is resumed with more."""
        result = self._result(job, ended, "cancelled", elapsed_s=elapsed_s, error_type="budget")
        journey = [_journey(ended)] if ended else []
        return self._write(job, ended, replace(result, reasoning="; ".join(["stopped", *journey, *notes])))

    def cancelled(self, job: Job, ended: Sequence[Ended], *, elapsed_s: float) -> TaskResult:
        """The caller cancelled; nothing more is sent."""
        result = self._result(job, ended, "cancelled", elapsed_s=elapsed_s, error_type="cancelled")
        return self._write(job, ended, replace(result, reasoning="cancelled by the caller"))

    def _result(
        self, job: Job, ended: Sequence[Ended], status: Status, *, elapsed_s: float, error_type: str | None
    ) -> TaskResult:
        attempts = tuple(one.attempt for one in ended)
        answered = next((attempt for attempt in reversed(attempts) if attempt.reply), None)
        checks = answered.checks if answered else ()
        quality = _quality(job, answered, status)
        return TaskResult(
            task_id=job.task.id,
            decision_id=job.decision.decision_id,
            status=status,
            output="",
            quality=quality,
            quality_source="" if quality is None else job.quality_source,
            cost=_total(ended),
            processing_time=elapsed_s,
            metrics=metrics_of(attempts, elapsed_s=elapsed_s, error_type=error_type),
            attempts=attempts,
            checks=checks,
        )

    def _write(self, job: Job, ended: Sequence[Ended], result: TaskResult) -> TaskResult:
        spent = _total(ended)
        answered = next((one for one in reversed(ended) if one.attempt.reply), None)
        self.sink.append(
            outcome_event(
                result,
                event_id=self.ids("evt"),
                recorded_at_us=self.clock.now_us(),
                assigned_model=job.decision.config.key,
                served_model=answered.served.model if answered else "",
                cost_nano_usd=None if spent is None else spent.nano_usd,
            )
        )
        return result


def _quality(job: Job, answered: Attempt | None, status: Status) -> float | None:
    """By the task's one source (S7). Nothing delivered is worth nothing: where every call failed it is 0, not missing.

    A judge who gave no verdict leaves it missing: checks would be another source.
    """
    undelivered = 0.0 if status in {"escalated", "failed"} else None
    if job.quality_source == "judge":
        said = None if answered is None or answered.opinion is None else answered.opinion.score
        return undelivered if said is None else said
    return undelivered if answered is None else share_passed(answered.checks)


def _total(ended: Sequence[Ended]) -> Money | None:
    costs = [one.attempt.total_cost for one in ended]
    return None if None in costs else sum((cost for cost in costs if cost is not None), Money(0))


def _journey(ended: Sequence[Ended]) -> str:
    """`openai/a: server_error (…), then anthropic/b: completed`."""
    return ", then ".join(
        f"{one.attempt.config.key}: {one.attempt.error_class}"
        + (f" ({one.attempt.error_message})" if one.attempt.error_message else "")
        if one.attempt.error_class
        else f"{one.attempt.config.key}: completed"
        for one in ended
    )
