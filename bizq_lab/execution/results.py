"""The end of a task: completed, escalated or cancelled, as result and as rows. Knows how it ended, not why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bizq_lab.core.execution import Attempt, Status, TaskResult
from bizq_lab.core.money import Money
from bizq_lab.execution.checks import share_passed
from bizq_lab.execution.human_tasks import HumanDesk, iso_utc
from bizq_lab.execution.job import Ended, Job
from bizq_lab.execution.records import metrics_of, outcome_event

if TYPE_CHECKING:
    from bizq_lab.core.events import HumanTaskEvent
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
        how = f"{last.config.key} completed the task" if len(ended) == 1 else _journey(ended)
        return self._end(
            job, ended, "completed", elapsed_s=elapsed_s, reasoning=[how, *notes],
            output=last.reply.text if last.reply else "",
        )  # fmt: skip

    def escalated(
        self, job: Job, ended: Sequence[Ended], *, elapsed_s: float, notes: Sequence[str], error_type: str
    ) -> TaskResult:
        """No model completed it: a person takes over (S21)."""
        reasoning = ["AI execution failed, escalated to a human", *([_journey(ended)] if ended else []), *notes]
        opened = self.desk.open(
            event_id=self.ids("evt"),
            human_task_id=self.ids("hum"),
            decision_id=job.decision.decision_id,
            now_us=self.clock.now_us(),
            context=job.context,
            minutes=job.entry.human_minutes,
            reason="; ".join(reasoning),
        )
        self.sink.append(opened)
        return self._end(
            job, ended, "escalated", elapsed_s=elapsed_s, error_type=error_type, reasoning=reasoning, opened=opened
        )

    def failed(
        self, job: Job, ended: Sequence[Ended], *, elapsed_s: float, notes: Sequence[str], error_type: str
    ) -> TaskResult:
        """No model completed it, and nobody waits for it: an offline comparison hands no work to people."""
        reasoning = ["failed in a study", *([_journey(ended)] if ended else []), *notes]
        return self._end(job, ended, "failed", elapsed_s=elapsed_s, error_type=error_type, reasoning=reasoning)

    def unfunded(self, job: Job, ended: Sequence[Ended], *, elapsed_s: float, notes: Sequence[str]) -> TaskResult:
        """No money was left for the rest of the chain, and nobody takes over: a bulk run is resumed with more."""
        reasoning = ["stopped", *([_journey(ended)] if ended else []), *notes]
        return self._end(job, ended, "cancelled", elapsed_s=elapsed_s, error_type="budget", reasoning=reasoning)

    def cancelled(self, job: Job, ended: Sequence[Ended], *, elapsed_s: float) -> TaskResult:
        """The caller cancelled; nothing more is sent."""
        reasoning = ["cancelled by the caller"]
        return self._end(job, ended, "cancelled", elapsed_s=elapsed_s, error_type="cancelled", reasoning=reasoning)

    def _end(
        self, job: Job, ended: Sequence[Ended], status: Status, *, elapsed_s: float, reasoning: Sequence[str],
        error_type: str | None = None, output: str = "", opened: HumanTaskEvent | None = None,
    ) -> TaskResult:  # fmt: skip
        """Write how it ended, and say it. People's minutes are in what it cost, and in no row of a model's."""
        attempts = tuple([one.attempt for one in ended])
        last = next((one for one in reversed(ended) if one.attempt.reply), None)
        answered = None if last is None else last.attempt
        quality, spent = _quality(job, answered, status), _total(attempts)
        asked = None if opened is None or spent is None else self.desk.cost(job.entry.human_minutes)
        result = TaskResult(
            task_id=job.task.id,
            decision_id=job.decision.decision_id,
            status=status,
            output=output,
            quality=quality,
            quality_source="" if quality is None else job.quality_source,
            cost=spent if spent is None or asked is None else spent + asked,
            processing_time=elapsed_s,
            metrics=metrics_of(attempts, elapsed_s=elapsed_s, error_type=error_type),
            attempts=attempts,
            checks=() if answered is None else answered.checks,
            human_task_id=None if opened is None else opened.human_task_id,
            estimated_completion=None if opened is None else iso_utc(opened.due_at_us),
            reasoning="; ".join(reasoning),
        )
        self.sink.append(
            outcome_event(
                result,
                event_id=self.ids("evt"),
                recorded_at_us=self.clock.now_us(),
                assigned_model=job.decision.config.key,
                served_model=last.served.model if last else "",
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


def _total(attempts: Sequence[Attempt]) -> Money | None:
    costs = [attempt.total_cost for attempt in attempts]
    return None if None in costs else Money(sum([cost.nano_usd for cost in costs if cost]))


def _journey(ended: Sequence[Ended]) -> str:
    """`openai/a: server_error (…), then anthropic/b: completed`."""
    return ", then ".join(
        f"{one.attempt.config.key}: {one.attempt.error_class}"
        + (f" ({one.attempt.error_message})" if one.attempt.error_message else "")
        if one.attempt.error_class
        else f"{one.attempt.config.key}: completed"
        for one in ended
    )
