"""A judge's word in acceptance (S7, S23): asked once the checks let an answer pass, heard only if people agree with it.

A judge nobody has compared with people yet is asked all the same, for its scores are what people are compared with; but
until then its word rejects nothing and is nobody's quality.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bizq_lab.catalog.schema import LEAST_SCORE
from bizq_lab.core.execution import CheckResult, Opinion, Severity
from bizq_lab.core.money import Money
from bizq_lab.errors import InputError
from bizq_lab.execution.job import Job, why_cancelled
from bizq_lab.execution.judge import Verdict
from bizq_lab.execution.records import evaluation_event
from bizq_lab.execution.retry import ChainBudget

if TYPE_CHECKING:
    from bizq_lab.catalog.schema import CheckSpec
    from bizq_lab.core.execution import Attempt
    from bizq_lab.core.protocols import Clock, EventSink, IdSource
    from bizq_lab.execution.judge import Judge
    from bizq_lab.execution.progress import Progress
    from bizq_lab.execution.records import Payloads


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondOpinion:
    """The judge of one task type.

    Attributes:
        judge: Who is asked.
        spec: What failing means, and the least score that passes.
        trusted: Whether people were found to agree with this judge by this rubric.
        sink: Where verdicts go.
        clock: Wall time of the record.
        ids: Where ids come from.
        payloads: Whether the judge's words are kept.
    """

    judge: Judge
    spec: CheckSpec
    trusted: bool
    sink: EventSink
    clock: Clock
    ids: IdSource
    payloads: Payloads

    async def of(self, chain: Progress, attempt: Attempt) -> Attempt:
        """The attempt with the judge's check added, rejected if that check rejects; the verdict is logged.

        No verdict rejects nothing: an answer is not thrown away because its judge is down, or may not read it, or
        because neither time nor money is left to ask.

        Raises:
            JournalWriteError: The log cannot be written.

        Returns:
            With status `cancelled` where the caller cancelled meanwhile: it was answered, but nobody accepted it.
        """
        left = _left(chain.budget, attempt)
        try:
            verdict = await self._verdict(chain.job, attempt, left)
        except asyncio.CancelledError as cancelled:
            gone = Opinion(None, Money(left.spent_nano_usd), left.elapsed_s)
            return replace(
                attempt, status="cancelled", error_class="cancelled", error_message=why_cancelled(cancelled),
                opinion=gone,
            )  # fmt: skip
        job = chain.job
        self.sink.append(
            evaluation_event(
                verdict,
                event_id=self.ids("evt"),
                recorded_at_us=self.clock.now_us(),
                decision_id=job.decision.decision_id,
                attempt_id=attempt.attempt_id,
                evaluator=self.judge.key,
                rubric_version=self.judge.rubric_version(job.task.type),
                payloads=self.payloads,
            )
        )
        if not self.trusted:
            chain.note(f"the judge {self.judge.key} rejects nothing yet: nobody has shown that people agree with it")
        check = self._check(verdict)
        rejected = check.severity == "reject" and not check.passed
        return replace(
            attempt,
            checks=(*attempt.checks, check),
            opinion=Opinion(verdict.score, verdict.cost, verdict.seconds),
            status="rejected" if rejected else attempt.status,
            error_class="quality_reject" if rejected else attempt.error_class,
            error_message="rejected by judge" if rejected else attempt.error_message,
        )

    async def _verdict(self, job: Job, attempt: Attempt, left: ChainBudget) -> Verdict:
        try:
            return await self.judge.score(
                job.task, job.context, attempt.reply.text if attempt.reply else "",
                decision_id=job.decision.decision_id, number=attempt.ordinal, budget=left,
            )  # fmt: skip
        except InputError as error:
            return Verdict(None, "failed", error.message)

    def _check(self, verdict: Verdict) -> CheckResult:
        severity: Severity = self.spec.severity if self.trusted else "flag"
        least = float(self.spec.params.get("min_score", LEAST_SCORE))  # type: ignore[arg-type] # the schema checked it
        if verdict.score is not None:
            fault = "" if verdict.score >= least else f"scored {verdict.score:.2f}, at least {least:g} wanted"
        elif verdict.label == "guarded":
            fault = verdict.reason
        else:
            fault, severity = f"no verdict: {verdict.reason}", "flag"
        return CheckResult("judge", not fault, severity, fault)


def _left(budget: ChainBudget, attempt: Attempt) -> ChainBudget:
    """What the task has left for its judge, once this answer is paid."""
    left_s = None if budget.time_left_s is None else budget.time_left_s - attempt.response_time_s
    cap, spent = budget.cap_nano_usd, attempt.cost.nano_usd if attempt.cost else 0
    money = None if cap is None else cap - budget.spent_nano_usd - spent
    return ChainBudget(attempts_left=1, deadline_s=left_s, cap_nano_usd=money)
