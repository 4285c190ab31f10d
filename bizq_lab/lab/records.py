"""A routing decision as a row of the log. Knows the two nouns and nothing else."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from bizq_lab.core.decision import PPB, Candidate, RoutingDecision
from bizq_lab.core.events import DecisionEvent
from bizq_lab.core.ids import digest
from bizq_lab.core.model import Reason
from bizq_lab.core.money import Money

Payloads = Literal["full", "hash", "none"]
_ABSENT = (None, "")
_REASON, _CANDIDATE = Reason._fields, Candidate._fields


class Place(NamedTuple):
    """Where a decision belongs in a bulk run: which row, and which try of it, both from 0."""

    run_id: str = ""
    row: int | None = None
    tries: int | None = None


NOWHERE = Place()


def decision_event(
    decision: RoutingDecision, *, event_id: str, recorded_at_us: int, repeat: int, payloads: Payloads, origin: str,
    place: Place = NOWHERE,
) -> DecisionEvent:  # fmt: skip
    """The event that records a decision with everything it takes to replay it.

    Args:
        decision: What routing decided.
        event_id: Id of the event itself.
        recorded_at_us: UTC microseconds since the epoch.
        repeat: Which repetition of the task, from 0.
        payloads: Whether the task's input is kept in full, as a hash, or not at all.
        origin: Who routed, such as `lab` or `service`.
        place: Which row of which bulk run.
    """
    config, estimate = decision.config, decision.estimate
    return DecisionEvent(
        event_id=event_id,
        recorded_at_us=recorded_at_us,
        decision_id=decision.decision_id,
        task_id=decision.task.id,
        task_key=decision.task.key,
        task_type=decision.task.type,
        base_source=decision.base_source,
        workspace_id=decision.context.workspace_id,
        unit=decision.unit,
        segment=decision.segment,
        arm=decision.arm,
        model=config.key,
        provider=config.provider,
        policy=decision.policy,
        design=decision.design,
        experiment=decision.experiment,
        stage=decision.stage,
        repeat=repeat,
        # A propensity below one in a billion is still not zero: an arm that was chosen can be chosen.
        propensity_ppb=max(1, round(decision.propensity * PPB)),
        config_hash=decision.config_hash,
        catalog_version=decision.catalog_version,
        snapshot_id=decision.snapshot_id,
        seed=decision.seed,
        prompt=config.prompt,
        prompt_version=config.prompt_version,
        temperature=config.temperature,
        max_tokens=config.max_tokens,
        estimated_cost_nano_usd=_nano(estimate.estimated_cost),
        estimated_high_nano_usd=_nano(estimate.high),
        flags=list(decision.flags),
        reasons=[_reason(reason) for reason in config.reasons],
        candidates=[_candidate(candidate) for candidate in decision.candidates],
        context=decision.context.model_dump(mode="json", exclude_defaults=True),
        task_input=_payload(decision, payloads),
        origin=origin,
        run_id=place.run_id,
        run_row=place.row,
        run_try=place.tries,
    )


def _payload(decision: RoutingDecision, payloads: Payloads) -> Any:
    if payloads == "full":
        return decision.task.input
    return {"sha256": digest(decision.task.model_dump_json(include={"input"}))} if payloads == "hash" else None


def _nano(usd: float | None) -> int | None:
    return None if usd is None else Money.from_usd(usd).nano_usd


def _reason(reason: Reason) -> dict[str, Any]:
    return {name: value for name, value in zip(_REASON, reason, strict=True) if value not in _ABSENT}


def _candidate(candidate: Candidate) -> dict[str, Any]:
    row: dict[str, Any] = {name: value for name, value in zip(_CANDIDATE, candidate, strict=True) if value is not None}
    if candidate.reasons:
        row["reasons"] = [_reason(reason) for reason in candidate.reasons]
    return row
