"""What happens to one task: decided, called, answered, rated, judged, handed to people. Must not know why it runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from bizq_lab.core.events.event import Event, Json


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionEvent(Event):
    """Routing decided. One row per decision."""

    kind = "decision"
    decision_id: str
    task_id: str
    task_key: str
    task_type: str
    base_source: str
    workspace_id: str
    unit: str
    segment: str
    arm: str
    model: str
    provider: str
    policy: str
    design: str
    experiment: str
    stage: str
    repeat: int
    propensity_ppb: int | None
    config_hash: str
    catalog_version: str
    snapshot_id: str
    seed: int
    prompt: str
    prompt_version: str
    temperature: float | None
    max_tokens: int
    estimated_cost_nano_usd: int | None
    estimated_high_nano_usd: int | None
    flags: list[str] = field(default_factory=list)
    reasons: Json = None
    candidates: Json = None
    context: Json = None
    task_input: Json = None
    origin: str = "lab"
    run_id: str = ""
    run_row: int | None = None
    run_try: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStartedEvent(Event):
    """A call is about to be sent. Written before the first byte, so that no call goes unbooked (N1)."""

    kind = "attempt_started"
    attempt_id: str
    decision_id: str
    ordinal: int
    model: str
    provider: str
    worst_case_nano_usd: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEvent(Event):
    """A call ended, however it ended. One row per attempt; column names follow OpenTelemetry GenAI."""

    kind = "attempt"
    attempt_id: str
    decision_id: str
    ordinal: int
    model: str
    provider: str
    purpose: str
    status: str
    error_type: str
    error_message: str
    http_status: int | None
    request_model: str
    response_model: str
    response_id: str
    finish_reason: str
    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int
    reasoning_output_tokens: int
    usage_estimated: bool
    request_temperature: float | None
    sent_temperature: float | None
    request_max_tokens: int
    response_time_us: int
    time_to_first_chunk_us: int | None
    core_us: int
    cost_nano_usd: int | None
    maybe_billed: bool
    input_nano_usd_per_mtok: int | None
    output_nano_usd_per_mtok: int | None
    core_second_nano_usd: int | None
    price_version: str
    flags: list[str] = field(default_factory=list)
    checks: Json = None
    output: str | None = None
    output_sha256: str = ""
    requested_parameters: Json = None
    sent_parameters: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeEvent(Event):
    """What became of a decision, charged to the assigned arm. One row per decision (S21, S24)."""

    kind = "outcome"
    decision_id: str
    status: str
    succeeded: bool
    served_model: str
    attempts: int
    failed_over: bool
    timed_out: bool
    error_type: str
    response_time_us: int
    time_to_first_chunk_us: int | None
    input_tokens: int
    output_tokens: int
    cost_nano_usd: int | None
    quality_ppm: int | None
    quality_source: str
    human_task_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackEvent(Event):
    """A person rated a result. Any number of rows per decision, days later if need be."""

    kind = "feedback"
    decision_id: str
    task_id: str
    rating_ppm: int | None
    comment: str
    rater: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationEvent(Event):
    """A judge scored an answer. Any number of rows per decision; names follow OpenTelemetry GenAI evaluation."""

    kind = "evaluation"
    decision_id: str
    attempt_id: str
    evaluation_name: str
    evaluator: str
    rubric_version: str
    score_ppm: int | None
    score_label: str
    explanation: str
    judge_attempt_id: str
    cost_nano_usd: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HumanTaskEvent(Event):
    """A human task was opened or changed state. One row per transition; the last one counts."""

    kind = "human_task"
    human_task_id: str
    decision_id: str
    status: str
    priority: str
    reason: str
    estimated_minutes: int
    cost_rate_nano_usd_per_hour: int
    cost_nano_usd: int
    due_at_us: int
    worker: str
    minutes_spent: int | None
    resolution: str
    succeeded: bool | None
