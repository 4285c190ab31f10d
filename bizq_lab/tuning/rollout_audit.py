"""A rollout's steps and looks as rows of the log, each with what it was decided on. Writes nothing itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bizq_lab.core.events import ConfigEvent
from bizq_lab.core.ids import derived_id

if TYPE_CHECKING:
    from bizq_lab.config import RoutingConfig
    from bizq_lab.tuning.guardrails import Reading
    from bizq_lab.tuning.rollout_decision import Judgement
    from bizq_lab.tuning.rollout_plan import Rollout, Step


def step_event(rollout: Rollout, step: Step, config: RoutingConfig, said: Judgement | None) -> ConfigEvent:
    """A step; its id follows from the step, so that logging it again adds nothing."""
    return ConfigEvent(
        event_id=derived_id("evt", rollout.id, step.action, step.at_us),
        recorded_at_us=step.at_us,
        config_hash=config.hash,
        parent_hash=config.parent,
        action=step.action,
        purpose=config.purpose,
        author=step.author,
        override=rollout.override if step.action == "rollout_started" else "",
        document=config.model_dump(mode="json"),
        evidence=_evidence(rollout, step.percent, step.reason, said),
    )


def look_event(rollout: Rollout, now_us: int, reason: str, said: Judgement) -> ConfigEvent:
    """A look that left everything as it was."""
    return ConfigEvent(
        event_id=derived_id("evt", rollout.id, "looked", now_us),
        recorded_at_us=now_us,
        config_hash=rollout.steps[-1].config_hash,
        parent_hash="",
        action="held",
        purpose=rollout.baseline.purpose,
        author="check",
        override="",
        document=None,
        evidence=_evidence(rollout, rollout.percent, reason, said),
    )


def _evidence(rollout: Rollout, percent: int, reason: str, said: Judgement | None) -> dict[str, Any]:
    return {
        "rollout": rollout.id,
        "task_type": rollout.task_type,
        "arm": rollout.arm,
        "percent": percent,
        "before": rollout.before().get(rollout.arm, 0),
        "ramp": list(rollout.ramp),
        "alpha": rollout.alpha,
        "reason": reason,
        "guardrails": [_row(reading) for reading in (() if said is None else said.readings)],
    }


def _row(reading: Reading) -> dict[str, Any]:
    harm = reading.harm
    return {
        "metric": reading.guardrail.metric,
        "state": reading.state,
        "margin": reading.guardrail.margin,
        "tolerated": reading.guardrail.tolerated,
        "why": reading.why,
        "harm": None if harm is None else harm.value,
        "at_least": None if harm is None else harm.lower,
        "at_most": reading.ceiling,
        "units": None if harm is None else harm.n,
        "unit": "" if harm is None else harm.unit,
        "method": "" if harm is None else harm.method,
    }
