"""One call, booked before it is sent and after it ended, however it ended. Knows no retry and no next model."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bizq_lab.core.events import AttemptStartedEvent
from bizq_lab.core.execution import Attempt, ProviderCall, ProviderReply
from bizq_lab.core.ids import derived_id
from bizq_lab.core.model import ModelConfig
from bizq_lab.core.money import Money
from bizq_lab.errors import BizqLabError, BudgetRefused, EngineMissing, MissingKey, ProviderError, UnknownModel
from bizq_lab.execution.checks import is_acceptable, run_checks
from bizq_lab.execution.classify import classify
from bizq_lab.execution.error_table import action_for
from bizq_lab.execution.job import Ended, Job, Ledger, Timeout, why_cancelled
from bizq_lab.execution.pricing import reply_cost_nano_usd, worst_case_nano_usd
from bizq_lab.execution.records import Payloads, Served, attempt_event, attempt_flags
from bizq_lab.execution.redact import redact

if TYPE_CHECKING:
    from bizq_lab.catalog import Catalog
    from bizq_lab.core.protocols import Clock, EventSink, IdSource, Provider
    from bizq_lab.execution.health import HealthBook

log = logging.getLogger("bizq_lab.execution")


@dataclass(slots=True, kw_only=True)
class Attempts:
    """Makes calls and books them.

    Attributes:
        catalog: Renders prompts, resolves served models.
        sink: Where events go.
        clock: Times what a provider does not.
        ids: Where ids come from.
        health: Learns from every call.
        ledger: Caps money; None means no cap.
        stream: Whether to stream.
        payloads: Whether outputs, and what checks and providers say of them, are kept: `full`, `hash` or `none`.
        timeout: Bounds a call in time; `asyncio.timeout` in life.
    """

    catalog: Catalog
    sink: EventSink
    clock: Clock
    ids: IdSource
    health: HealthBook
    ledger: Ledger | None
    stream: bool
    payloads: Payloads
    timeout: Timeout

    def prepare(self, job: Job, config: ModelConfig, *, ordinal: int, timeout_s: float) -> ProviderCall:
        """The call that `make` would send."""
        prompt = job.prompt
        if prompt is None or prompt.version != config.prompt_version:
            prompt = self.catalog.render(job.task, config.prompt)
        once = derived_id("idem", job.decision.decision_id, job.task.id, job.repeat) if job.entry.side_effects else ""
        return ProviderCall(
            config=config,
            prompt=prompt.user,
            system=prompt.system,
            task_type=job.task.type,
            task_key=job.task.key,
            repeat=job.repeat,
            arm=job.decision.arm,
            ordinal=ordinal,
            task=job.task,
            stream=self.stream,
            idempotency_key=once,
            timeout_s=timeout_s,
        )

    @staticmethod
    def worst_case(call: ProviderCall, provider: Provider) -> int | None:
        """Most that the call can cost, in nano-USD; None when the price is unknown."""
        core_seconds = float(getattr(provider, "cores", 1)) * (call.timeout_s or 0.0)
        return worst_case_nano_usd(
            call.config.price, prompt=call.prompt, system=call.system, max_tokens=call.config.max_tokens,
            core_seconds=core_seconds,
        )  # fmt: skip

    async def make(
        self,
        job: Job,
        call: ProviderCall,
        provider: Provider,
        worst: int | None,
        keep: Callable[[Ended], None],
        *,
        flags: tuple[str, ...] = (),
        review: Callable[[Attempt], Awaitable[Attempt]] | None = None,
    ) -> Ended:
        """Reserve, write that it starts, send, judge, write how it ended, settle (N1, N5).

        Args:
            job: The task.
            call: What to send.
            provider: To whom.
            worst: As `worst_case` said.
            keep: Told of the attempt the moment its row is written, even if the caller is being cancelled.
            flags: What else the row should say.
            review: Has the last word on an answer that the checks let pass, before its row is written; it may say that
                the caller cancelled meanwhile.

        Raises:
            BudgetRefused: The worst case would pass a cap; nothing was sent or written.
            JournalWriteError: An event could not be written.
            asyncio.CancelledError: The caller cancelled; the attempt is booked as `cancelled`.
        """
        attempt_id = self.ids("att")
        await self._reserve(job, attempt_id, worst)
        try:
            self.sink.append(self._started(attempt_id, job, call, worst))
        except BizqLabError:
            if self.ledger is not None:
                self.ledger.settle(attempt_id, 0)  # nothing was sent, and nothing will be
            raise
        started = self.clock.monotonic()
        try:
            reply = await self._send(call, provider)
        except asyncio.CancelledError as cancelled:
            gone = ProviderError(why_cancelled(cancelled), error_class="cancelled")
            await self._book(job, Ended(self._failed(attempt_id, call, gone, worst, started)), gone, keep, flags)
            raise
        except BizqLabError as error:
            failure = classify(error)
            original = error if isinstance(error, MissingKey | EngineMissing) else failure
            attempt = self._failed(attempt_id, call, failure, worst, started)
            return await self._book(job, Ended(attempt, failure.retry_after_s, original), failure, keep, flags)
        attempt, served = self._answered(attempt_id, job, call, reply)
        if review is not None and attempt.status == "completed":
            attempt = await review(attempt)
        ended = await self._book(job, Ended(attempt, served=served), None, keep, flags)
        if attempt.status == "cancelled":  # in the middle of the review
            raise asyncio.CancelledError(attempt.error_message)
        return ended

    def _started(self, attempt_id: str, job: Job, call: ProviderCall, worst: int | None) -> AttemptStartedEvent:
        return AttemptStartedEvent(
            event_id=self.ids("evt"),
            recorded_at_us=self.clock.now_us(),
            attempt_id=attempt_id,
            decision_id=job.decision.decision_id,
            ordinal=call.ordinal,
            model=call.config.key,
            provider=call.config.provider,
            worst_case_nano_usd=worst,
        )

    async def _send(self, call: ProviderCall, provider: Provider) -> ProviderReply:
        seconds = call.timeout_s or 0.0
        late = f"no complete answer within {seconds:.3g} s"
        try:
            async with self.timeout(seconds):
                reply = await provider.complete(call)
        except TimeoutError:
            failure = ProviderError(late, error_class="timeout_read")
        except BizqLabError:
            raise
        except Exception as error:  # noqa: BLE001 - a plug-in may raise anything, and no attempt may go unbooked
            failure = classify(error)
        else:
            # Replayed and simulated answers carry their time with them: the deadline holds for them too.
            if getattr(provider, "live", False) or reply.response_time_s <= seconds:
                return reply
            failure = ProviderError(late, error_class="timeout_read", response_time_s=seconds, partial_text=reply.text)
        raise failure

    async def _reserve(self, job: Job, attempt_id: str, worst: int | None) -> None:
        if self.ledger is None:
            return
        if worst is None:
            message = "a budget cannot be kept over a model without a price"
            raise BudgetRefused(message, hint="add its price to the catalog, or lift the cap")
        reserving = asyncio.ensure_future(
            asyncio.to_thread(
                self.ledger.reserve, workspace_id=job.context.workspace_id, attempt_id=attempt_id, nano_usd=worst
            )
        )
        try:
            await asyncio.shield(reserving)
        except asyncio.CancelledError:
            await asyncio.wait([reserving])  # a thread cannot be cancelled: give back what it still sets aside
            if reserving.exception() is None:
                self.ledger.settle(attempt_id, 0)
            raise

    def _answered(self, attempt_id: str, job: Job, call: ProviderCall, reply: ProviderReply) -> tuple[Attempt, Served]:
        served = self._served(call.config, reply.served_model)
        price = call.config.price
        if "served_model_mismatch" in served.flags:
            price = self.catalog.price(served.model)
        nano = 0 if reply.cached else reply_cost_nano_usd(price, reply)
        checks = run_checks(job.entry, job.task, reply)
        accepted = is_acceptable(checks)
        failed = ", ".join(check.name for check in checks if not check.passed and check.severity == "reject")
        attempt = Attempt(
            attempt_id=attempt_id,
            ordinal=call.ordinal,
            config=replace(call.config, price=price) if price is not call.config.price else call.config,
            status="completed" if accepted else "rejected",
            cost=None if nano is None else Money(nano),
            response_time_s=reply.response_time_s,
            reply=reply,
            error_class="" if accepted else "quality_reject",
            error_message="" if accepted else f"rejected by {failed}",
            checks=checks,
        )
        return attempt, served

    def _failed(
        self, attempt_id: str, call: ProviderCall, failure: ProviderError, worst: int | None, started: float
    ) -> Attempt:
        billed = action_for(failure.error_class).billed
        seconds = failure.response_time_s
        return Attempt(
            attempt_id=attempt_id,
            ordinal=call.ordinal,
            config=call.config,
            status="cancelled" if failure.error_class == "cancelled" else "failed",
            # What may have been billed stays booked at its worst, so that no budget can be overspent unseen.
            cost=Money(0) if billed == "no" else None if worst is None else Money(worst),
            response_time_s=max(0.0, self.clock.monotonic() - started) if seconds is None else seconds,
            error_class=failure.error_class,
            # A provider may quote what it was sent: its class, status and request id stay.
            error_message=redact(failure.message) if self.payloads == "full" else "",
            maybe_billed=billed != "no",
        )

    async def _book(
        self,
        job: Job,
        ended: Ended,
        failure: ProviderError | None,
        keep: Callable[[Ended], None],
        flags: tuple[str, ...],
    ) -> Ended:
        attempt = ended.attempt
        reply = attempt.reply
        text = reply.text if reply else failure.partial_text if failure else ""
        self.sink.append(
            attempt_event(
                attempt,
                event_id=self.ids("evt"),
                recorded_at_us=self.clock.now_us(),
                decision_id=job.decision.decision_id,
                text=text,
                failure=failure,
                flags=[*flags, *ended.served.flags, *attempt_flags(attempt)],
                payloads=self.payloads,
                purpose=job.purpose,
            )
        )
        keep(ended)
        if reply is None or not reply.cached:  # a cache says nothing of the model's health
            self.health.record(attempt)
        if action_for(attempt.error_class).surface and attempt.error_class:
            log.warning("%s: %s: %s", attempt.config.key, attempt.error_class, attempt.error_message)
        if self.ledger is not None and attempt.cost is not None and not attempt.maybe_billed:
            await asyncio.to_thread(self.ledger.settle, attempt.attempt_id, attempt.cost.nano_usd)
        return ended

    def _served(self, config: ModelConfig, served_id: str) -> Served:
        if served_id in {"", config.api_model, config.model, config.key}:
            return Served(config.key)
        try:
            key = self.catalog.resolve(served_id).key
        except UnknownModel:
            return Served(served_id, ("priced_as_requested",))
        return Served(key) if key == config.key else Served(key, ("served_model_mismatch",))
