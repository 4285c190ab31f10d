"""Attempts and results as rows of the log. Knows the nouns and the events; decides nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from bizq_lab.core.events import AttemptEvent, EvaluationEvent, OutcomeEvent
from bizq_lab.core.execution import Attempt, CheckResult, ExecutionMetrics, Parameters, TaskResult, Usage
from bizq_lab.core.model import ModelConfig
from bizq_lab.errors import ProviderError

if TYPE_CHECKING:
    from bizq_lab.execution.judge import Verdict

Payloads = Literal["full", "hash", "none"]
_WIRE_NAMES = {"stop": "stop_sequences"}  # where an API's own name is another one
US_PER_S = 1_000_000
PPM = 1_000_000


class Served(NamedTuple):
    """Which model really answered, and what is odd about that (S4, S24)."""

    model: str
    flags: tuple[str, ...] = ()


def to_us(seconds: float) -> int:
    """Whole microseconds; never negative, whatever a clock did."""
    return max(0, round(seconds * US_PER_S))


def attempt_event(
    attempt: Attempt, *, event_id: str, recorded_at_us: int, decision_id: str, text: str, failure: ProviderError | None,
    flags: Sequence[str], payloads: Payloads, purpose: str = "task",
) -> AttemptEvent:  # fmt: skip
    """The row of one call, however it ended."""
    config, reply = attempt.config, attempt.reply
    usage = reply.usage if reply else Usage()
    sent = reply.sent if reply else failure.sent if failure else None
    temperature = (sent or {}).get("temperature")
    return AttemptEvent(
        event_id=event_id,
        recorded_at_us=recorded_at_us,
        attempt_id=attempt.attempt_id,
        decision_id=decision_id,
        ordinal=attempt.ordinal,
        model=config.key,
        provider=config.provider,
        purpose=purpose,
        status=attempt.status,
        error_type=attempt.error_class,
        error_message=attempt.error_message,
        http_status=failure.status if failure else None,
        request_model=config.api_model,
        response_model=reply.served_model if reply else "",
        response_id=reply.request_id if reply else (failure.request_id or "") if failure else "",
        finish_reason=reply.finish_reason if reply else "",
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_input_tokens=usage.cached_input_tokens,
        reasoning_output_tokens=usage.reasoning_tokens,
        usage_estimated=usage.estimated,
        request_temperature=config.temperature,
        sent_temperature=float(temperature) if isinstance(temperature, int | float) else None,
        request_max_tokens=config.max_tokens,
        response_time_us=to_us(attempt.response_time_s),
        time_to_first_chunk_us=to_us(reply.first_token_s) if reply and reply.first_token_s is not None else None,
        core_us=to_us(reply.core_seconds) if reply else 0,
        cost_nano_usd=attempt.cost.nano_usd if attempt.cost is not None else None,
        maybe_billed=attempt.maybe_billed,
        input_nano_usd_per_mtok=config.price.input_nano_usd_per_mtok,
        output_nano_usd_per_mtok=config.price.output_nano_usd_per_mtok,
        core_second_nano_usd=config.price.core_second_nano_usd,
        price_version=config.price.version,
        flags=list(flags),
        # What a check found quotes the output, or what was expected of it.
        checks=[_check(check, payloads) for check in attempt.checks],
        output=text if payloads == "full" else None,
        output_sha256=_sha256(text) if payloads != "none" and text else "",
        requested_parameters=_requested(config),
        sent_parameters=sent,
    )


def outcome_event(
    result: TaskResult, *, event_id: str, recorded_at_us: int,
    assigned_model: str, served_model: str, cost_nano_usd: int | None,
) -> OutcomeEvent:  # fmt: skip
    """The row of one decision, charged to its assigned arm: all attempts, their waits, their money (S24).

    A human task that follows is not in it: people are an arm of their own (S21).
    """
    replies = [attempt.reply for attempt in result.attempts if attempt.reply]
    first = result.metrics.first_token_time
    return OutcomeEvent(
        event_id=event_id,
        recorded_at_us=recorded_at_us,
        decision_id=result.decision_id,
        status=result.status,
        succeeded=result.status == "completed",
        served_model=served_model,
        attempts=len(result.attempts),
        failed_over=any(attempt.config.key != assigned_model for attempt in result.attempts),
        timed_out=any(attempt.error_class in {"timeout_read", "timeout_connect"} for attempt in result.attempts)
        or result.metrics.error_type == "deadline",
        error_type=result.metrics.error_type or "",
        response_time_us=to_us(result.processing_time),
        time_to_first_chunk_us=to_us(first) if first is not None else None,
        input_tokens=sum(reply.usage.input_tokens for reply in replies),
        output_tokens=sum(reply.usage.output_tokens for reply in replies),
        cost_nano_usd=cost_nano_usd,
        quality_ppm=None if result.quality is None else round(result.quality * PPM),
        quality_source=result.quality_source,
        human_task_id=result.human_task_id or "",
    )


def metrics_of(attempts: Sequence[Attempt], *, elapsed_s: float, error_type: str | None) -> ExecutionMetrics:
    """The specification's metrics of one task; first token and speed are those of the last answered call."""
    answered = next((attempt for attempt in reversed(attempts) if attempt.reply), None)
    reply = answered.reply if answered else None
    first = speed = None
    if answered and reply and reply.first_token_s is not None:
        first = max(0.0, elapsed_s - answered.response_time_s) + reply.first_token_s
        generating_s = reply.response_time_s - reply.first_token_s
        speed = reply.usage.output_tokens / generating_s if generating_s > 0 else None
    costs = [attempt.total_cost for attempt in attempts]
    return ExecutionMetrics(
        response_time=elapsed_s,
        first_token_time=first,
        tokens_per_second=speed,
        total_tokens=sum(a.reply.usage.input_tokens + a.reply.usage.output_tokens for a in attempts if a.reply),
        cost=None if None in costs else sum(cost.nano_usd for cost in costs if cost) / 1e9,
        success=error_type is None,
        error_type=error_type,
    )


def evaluation_event(
    verdict: Verdict, *, event_id: str, recorded_at_us: int, decision_id: str, attempt_id: str, evaluator: str,
    rubric_version: str, payloads: Payloads,
) -> EvaluationEvent:  # fmt: skip
    """The row of one verdict."""
    return EvaluationEvent(
        event_id=event_id,
        recorded_at_us=recorded_at_us,
        decision_id=decision_id,
        attempt_id=attempt_id,
        evaluation_name="judge",
        evaluator=evaluator,
        rubric_version=rubric_version,
        score_ppm=None if verdict.score is None else round(verdict.score * PPM),
        score_label=verdict.label,
        explanation=verdict.reason if payloads == "full" else "",
        judge_attempt_id=verdict.attempt_id,
        cost_nano_usd=None if verdict.cost is None else verdict.cost.nano_usd,
    )


def attempt_flags(attempt: Attempt) -> list[str]:
    """What a reader of the row should know, as codes; each failed check by name (S23)."""
    flags = [f"check:{check.name}" for check in attempt.checks if not check.passed]
    if attempt.cost is None:
        flags.append("price_unknown")
    if attempt.maybe_billed:
        flags.append("worst_case_cost")
    reply = attempt.reply
    if reply is None:
        return flags
    if reply.cached:
        flags.append("cached")
    if reply.usage.estimated:
        flags.append("usage_estimated")
    if reply.finish_reason == "length":
        flags.append("truncated")
    if reply.finish_reason in {"refusal", "content_filter"}:
        flags.append(reply.finish_reason)
    named = {name: _WIRE_NAMES.get(name, name) for name in attempt.config.requested}
    return [*flags, *(f"{name}_not_sent" for name in named if not {name, named[name]} & reply.sent.keys())]


def _check(check: CheckResult, payloads: Payloads) -> dict[str, str | bool]:
    detail = check.detail if payloads == "full" else ""
    return {"name": check.name, "passed": check.passed, "severity": check.severity, "detail": detail}


def _requested(config: ModelConfig) -> Parameters:
    """What was decided, whether or not the model takes it."""
    return {"model": config.api_model, "max_tokens": config.max_tokens, **config.requested}


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
