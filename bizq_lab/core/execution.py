"""What goes to a provider, what comes back, and what became of the task. Knows no SDK and no log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from pydantic import JsonValue

from bizq_lab.core.model import ModelConfig
from bizq_lab.core.money import Money
from bizq_lab.core.noun import Noun
from bizq_lab.core.task import Task

Status = Literal["completed", "escalated", "failed", "cancelled"]
AttemptStatus = Literal["completed", "rejected", "failed", "cancelled", "unknown"]
Severity = Literal["reject", "flag"]
Parameters = dict[str, float | int | str | list[str] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderCall:
    """One call to make, complete in itself.

    Attributes:
        config: Model and parameters.
        prompt: The rendered user message.
        system: The rendered system message, or empty.
        task_type: For replayed and simulated outcomes.
        task_key: Which task this is, over arms and repeats.
        repeat: Which repetition of that task, from 0.
        arm: Assigned arm id.
        stream: Whether to stream, and so to measure the time to first token.
        idempotency_key: For tasks with side effects; or empty.
        timeout_s: Seconds left for this attempt.
        ordinal: Which attempt of the decision this is, from 1.
        json_schema: What the answer must be, where the model can be held to a schema; None leaves it free.
        task: The task itself, for a simulated world that must write a passing or a failing answer; for nobody else.
    """

    config: ModelConfig
    prompt: str
    system: str = ""
    task_type: str = ""
    task_key: str = ""
    repeat: int = 0
    arm: str = ""
    stream: bool = True
    idempotency_key: str = ""
    timeout_s: float | None = None
    ordinal: int = 1
    json_schema: Mapping[str, JsonValue] | None = None
    task: Task | None = None


class Usage(NamedTuple):
    """Tokens of one call. `input_tokens` includes the cached ones; `estimated` when the provider gave none."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderReply:
    """What a provider answered.

    Attributes:
        text: The output; hostile until escaped.
        finish_reason: `stop`, `length`, `content_filter`, `refusal`, or what the provider said.
        served_model: The id the provider says it served.
        request_id: The provider's id of the call.
        usage: Tokens.
        response_time_s: Seconds from send to the last byte.
        first_token_s: Seconds to the first token; None when not streaming (S24).
        core_seconds: Local compute; 0 for a hosted model.
        sent: Parameters that were really sent, such as `{"temperature": 0.2}`.
        cached: Whether the response cache answered, for nothing, instead of the provider.
    """

    text: str
    finish_reason: str
    served_model: str
    usage: Usage
    response_time_s: float
    request_id: str = ""
    first_token_s: float | None = None
    core_seconds: float = 0.0
    sent: Parameters = field(default_factory=dict)
    cached: bool = False


class CheckResult(NamedTuple):
    """One acceptance check: its name, whether it passed, and what failing means."""

    name: str
    passed: bool
    severity: Severity
    detail: str = ""


class Opinion(NamedTuple):
    """What a judge made of an answer before it was accepted, and what asking took.

    Attributes:
        score: In [0, 1]; None when there is none to be believed.
        cost: Of the judge's call; None when its price is unknown.
        seconds: From the answer to the verdict.
    """

    score: float | None
    cost: Money | None
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One call that was made, charged to the model it went to; the judge's call, if one was asked, is apart."""

    attempt_id: str
    ordinal: int
    config: ModelConfig
    status: AttemptStatus
    cost: Money | None
    response_time_s: float
    reply: ProviderReply | None = None
    error_class: str = ""
    error_message: str = ""
    maybe_billed: bool = False
    checks: tuple[CheckResult, ...] = ()
    opinion: Opinion | None = None

    @property
    def total_cost(self) -> Money | None:
        """Of the call and of its judge; None when some price is unknown."""
        if self.opinion is None:
            return self.cost
        judged = self.opinion.cost
        return None if self.cost is None or judged is None else self.cost + judged

    @property
    def total_seconds(self) -> float:
        """Of the call and of its judge."""
        return self.response_time_s + (0.0 if self.opinion is None else self.opinion.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionMetrics:
    """The specification's metrics of one task. Times in seconds, cost in USD; None where not measured."""

    response_time: float
    first_token_time: float | None
    tokens_per_second: float | None
    total_tokens: int
    cost: float | None
    success: bool
    error_type: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult(Noun):
    """What became of a task.

    Attributes:
        task_id: The task.
        decision_id: The decision that was executed.
        status: Only `completed` is a success (S21).
        output: The accepted text; hostile until escaped.
        quality: In [0, 1] from one named source (S7); None when not measured.
        quality_source: `rating`, `judge` or `checks`; empty when not measured.
        cost: All attempts, judges and escalations; None when some price is unknown.
        processing_time: Seconds for the whole chain.
        metrics: The specification's metrics.
        attempts: In order.
        checks: Checks of the accepted or last reply.
        human_task_id: When escalated.
        estimated_completion: UTC, ISO 8601, when escalated.
        reasoning: Why it ended this way.
    """

    task_id: str
    decision_id: str
    status: Status
    output: str
    quality: float | None
    quality_source: str
    cost: Money | None
    processing_time: float
    metrics: ExecutionMetrics
    attempts: tuple[Attempt, ...]
    checks: tuple[CheckResult, ...] = ()
    human_task_id: str | None = None
    estimated_completion: str | None = None
    reasoning: str = ""
