"""What happens beside the tasks: alerts, experiments, configs, bulk runs. Must not know any single task."""

from __future__ import annotations

from dataclasses import dataclass

from bizq_lab.core.events.event import Event, Json


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
