"""What a span and its metrics say of one task. Knows the GenAI conventions' names; reads no text but where it may."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.metrics import Counter, Histogram
    from opentelemetry.trace import Span

    from bizq_lab.core.execution import Attempt, TaskResult
    from bizq_lab.execution.job import Job

Facts = dict[str, str | int | float | bool | Sequence[str]]
_NAMES = {"stop": "stop_sequences"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruments:
    """What is measured."""

    duration: Histogram
    first_chunk: Histogram
    tokens: Histogram
    cost: Counter
    attempts: Counter


@dataclass(frozen=True, slots=True)
class Watch:
    """One task being watched.

    Attributes:
        span: Covers it.
        job: The task.
        instruments: None where no metrics are configured.
        content: Whether prompt and output may be attributes.
    """

    span: Span
    job: Job
    instruments: Instruments | None
    content: bool

    def prompt(self, system: str, user: str) -> None:
        """What is about to be sent; kept only where content may be."""
        if not self.content:
            return
        self.span.set_attribute("gen_ai.input.messages", _messages("user", user))
        if system:
            self.span.set_attribute("gen_ai.system_instructions", json.dumps([{"type": "text", "content": system}]))

    def attempt(self, attempt: Attempt) -> None:
        """A call ended."""
        facts: Facts = {
            "gen_ai.provider.name": attempt.config.provider,
            "gen_ai.request.model": attempt.config.api_model,
            "bizq.attempt.id": attempt.attempt_id,
            "bizq.attempt.ordinal": attempt.ordinal,
            "bizq.attempt.status": attempt.status,
            "bizq.attempt.response_time_s": attempt.response_time_s,
            "bizq.attempt.maybe_billed": attempt.maybe_billed,
            **_error(attempt.error_class),
        }
        if attempt.cost is not None:
            facts["bizq.cost.nano_usd"] = attempt.cost.nano_usd
        self.span.add_event("bizq.attempt", facts)
        if self.instruments is not None:
            _measure(self.instruments, attempt)

    def ended(self, result: TaskResult) -> None:
        """The task ended."""
        from opentelemetry.trace import StatusCode  # noqa: PLC0415 - whoever calls this has it loaded

        config = self.job.decision.config
        answered = next((attempt.reply for attempt in reversed(result.attempts) if attempt.reply), None)
        error = _error("" if result.status == "completed" else result.metrics.error_type or result.status)
        self.span.set_attributes({**_response_facts(result), **error})
        if self.content and result.output:
            self.span.set_attribute("gen_ai.output.messages", _messages("assistant", result.output))
        if error:
            self.span.set_status(StatusCode.ERROR)
        if self.instruments is None:
            return
        facts = {**common_facts(config.provider, config.api_model, answered.served_model if answered else ""), **error}
        self.instruments.duration.record(result.processing_time, facts)
        if result.metrics.first_token_time is not None:
            self.instruments.first_chunk.record(result.metrics.first_token_time, facts)

    def failed(self, error_type: str) -> None:
        """The task raised; only the class of the error is told."""
        from opentelemetry.trace import StatusCode  # noqa: PLC0415 - as above

        self.span.set_status(StatusCode.ERROR)
        self.span.set_attribute("error.type", error_type)


def request_facts(job: Job, *, stream: bool) -> Facts:
    """What is known before the first call."""
    decision = job.decision
    config = decision.config
    facts: Facts = {
        **common_facts(config.provider, config.api_model),
        "gen_ai.request.max_tokens": config.max_tokens,
        "gen_ai.request.stream": stream,
        "gen_ai.prompt.name": f"{job.entry.type}/{config.prompt}",
        "gen_ai.prompt.version": config.prompt_version,
        "bizq.decision.id": decision.decision_id,
        "bizq.task.type": job.task.type,
        "bizq.workspace.id": job.context.workspace_id,
        "bizq.arm": decision.arm,
        "bizq.experiment": decision.experiment,
        "bizq.route.policy": decision.policy,
        "bizq.propensity": decision.propensity,
    }
    for name, value in config.sampling.items():
        facts[f"gen_ai.request.{_NAMES.get(name, name)}"] = tuple(value) if isinstance(value, list) else value
    return facts


def common_facts(provider: str, model: str, served: str = "") -> Facts:
    """What every span and measurement says."""
    facts: Facts = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": model,
    }
    return {**facts, "gen_ai.response.model": served} if served else facts


def _response_facts(result: TaskResult) -> Facts:
    replies = [attempt.reply for attempt in result.attempts if attempt.reply]
    facts: Facts = {
        "bizq.task.status": result.status,
        "bizq.attempts": len(result.attempts),
        "gen_ai.usage.input_tokens": sum(reply.usage.input_tokens for reply in replies),
        "gen_ai.usage.output_tokens": sum(reply.usage.output_tokens for reply in replies),
        "gen_ai.usage.cache_read.input_tokens": sum(reply.usage.cached_input_tokens for reply in replies),
        "gen_ai.usage.reasoning.output_tokens": sum(reply.usage.reasoning_tokens for reply in replies),
    }
    costs = [cost.nano_usd for attempt in result.attempts if (cost := attempt.total_cost) is not None]
    if len(costs) == len(result.attempts):
        facts["bizq.cost.nano_usd"] = sum(costs)
    if replies:
        facts["gen_ai.response.id"] = replies[-1].request_id
        facts["gen_ai.response.model"] = replies[-1].served_model
        facts["gen_ai.response.finish_reasons"] = (replies[-1].finish_reason,)
    if result.metrics.first_token_time is not None:
        facts["gen_ai.response.time_to_first_chunk"] = result.metrics.first_token_time
    return facts


def _measure(instruments: Instruments, attempt: Attempt) -> None:
    reply = attempt.reply
    facts = common_facts(attempt.config.provider, attempt.config.api_model, reply.served_model if reply else "")
    instruments.attempts.add(1, {**facts, **_error(attempt.error_class)})
    if attempt.cost is not None:
        instruments.cost.add(attempt.cost.nano_usd, facts)
    if reply is not None:
        instruments.tokens.record(reply.usage.input_tokens, {**facts, "gen_ai.token.type": "input"})
        instruments.tokens.record(reply.usage.output_tokens, {**facts, "gen_ai.token.type": "output"})


def _error(error_type: str) -> Facts:
    return {"error.type": error_type} if error_type else {}


def _messages(role: str, text: str) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])
