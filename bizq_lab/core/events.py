"""The events of the log, one class a table: the contract between those who act and those who ask.

Knows neither the journal nor DuckDB. Every field is a column of the table `kind` names. Integers carry
their unit: `_us` microseconds, `_nano_usd` billionths of a dollar, `_ppm` millionths, `_ppb` billionths.
Times are UTC microseconds since the epoch. Events are only ever appended.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

Json = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every event has: its own id and the instant it was recorded."""

    kind: ClassVar[str]
    event_id: str
    recorded_at_us: int


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


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertEvent(Event):
    """Something degraded. One row per alert raised."""

    kind = "alert"
    alert_type: str
    task_type: str
    model: str
    metric: str
    current_value: float | None
    baseline_value: float | None
    threshold: float | None
    n_current: int
    n_baseline: int
    p_value: float | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryEvent(Event):
    """An alert went to a channel, failed to, or was laid to rest there. One row per alert, channel and try."""

    kind = "delivery"
    alert_event_id: str
    channel: str
    status: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentEvent(Event):
    """An experiment was planned or changed state. One row per transition; the plan is pre-registered."""

    kind = "experiment"
    experiment: str
    status: str
    task_type: str
    arms: Json
    design: str
    primary_metric: str
    direction: str
    margin: float
    alpha: float
    planned_n_per_arm: int
    planned_cost_nano_usd: int | None
    salt: str
    plan: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LookEvent(Event):
    """Someone looked at a running experiment. One row per look and treatment; its interval holds at all looks."""

    kind = "experiment_look"
    experiment: str
    look: int
    as_of_us: int
    arm: str
    control: str
    metric: str
    n_arm: int
    n_control: int
    value: float
    lower: float | None
    upper: float | None
    level: float
    unit: str
    p_value: float | None
    method: str
    sample_ratio_p: float | None
    spent_nano_usd: int
    stop: str
    verdict: str
    winner: str
    reason: str
    detail: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigEvent(Event):
    """A routing config was published, ramped, held or rolled back. One row per step, with what it was decided on."""

    kind = "config_version"
    config_hash: str
    parent_hash: str
    action: str
    purpose: str
    author: str
    override: str
    document: Json
    evidence: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEvent(Event):
    """A bulk run began, went on, or ended. One row per step; its rows are the decisions that name it."""

    kind = "run"
    run_id: str
    status: str
    planned_rows: int
    tasks_sha256: str
    reason: str
    max_cost_nano_usd: int | None


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


EVENTS: dict[str, type[Event]] = {
    event.kind: event
    for event in (
        DecisionEvent,
        AttemptStartedEvent,
        AttemptEvent,
        OutcomeEvent,
        FeedbackEvent,
        HumanTaskEvent,
        AlertEvent,
        DeliveryEvent,
        ExperimentEvent,
        LookEvent,
        ConfigEvent,
        RunEvent,
        EvaluationEvent,
    )
}
