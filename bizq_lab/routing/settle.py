"""From an assignment to the option that serves, and to the list of all considered. Must not know who assigned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from bizq_lab.core.decision import DEFAULT_ARM, Candidate
from bizq_lab.core.model import ModelConfig, Reason
from bizq_lab.errors import NoFeasibleModel
from bizq_lab.routing.choose import Choice, by_rules

if TYPE_CHECKING:
    from bizq_lab.routing.appraise import Appraisal
    from bizq_lab.routing.assignment import Assignment
    from bizq_lab.routing.option import Option
    from bizq_lab.routing.plan import Plan

INFEASIBLE_FLAG = "assigned_arm_infeasible"
FLAG_CODES = frozenset({"max_tokens_clamped", "budget_quality_conflict", "preferred_provider_unavailable"})


class Verdict(NamedTuple):
    """What serves the task, and the record of the choice.

    Attributes:
        option: The chosen model or arm.
        reasons: What moved the choice there.
        candidates: Arms first, then models, with their propensities.
        flags: Codes to log.
    """

    option: Option
    reasons: tuple[Reason, ...]
    candidates: tuple[Candidate, ...]
    flags: tuple[str, ...]


def settle(
    plan: Plan,
    appraisal: Appraisal,
    assignment: Assignment,
    arms: Mapping[str, Option],
    rows: Sequence[Candidate],
    *,
    explicit: bool,
) -> Verdict:
    """Turn an assignment into a verdict.

    Args:
        plan: Of this kind of task.
        appraisal: Of the models.
        assignment: Who is to serve, and with what probability.
        arms: Named arms that could have been assigned.
        rows: Their appraisal, in the same order.
        explicit: The caller named the arm, so that it is taken even when nothing stands behind it.

    Raises:
        NoFeasibleModel: Nothing can serve the task.
    """
    offers, arm = appraisal.offers, assignment.arm
    if not offers and not (explicit and arm != DEFAULT_ARM):
        raise infeasible(plan, appraisal)
    by_default = by_rules(offers, plan.terms, plan.base_key) if DEFAULT_ARM in assignment.shares and offers else None
    if by_default is not None and arm == DEFAULT_ARM:
        choice = by_default
    elif assignment.policy == "adaptive":
        choice = Choice(next(offer.option for offer in offers if offer.key == arm), ())
    else:
        choice = Choice(arms[arm], ())
    candidates = _candidates(appraisal.candidates, rows, assignment, by_default)
    flags = (
        *plan.flags,
        *choice.option.flags,
        *[reason.code for reason in choice.reasons if reason.code in FLAG_CODES],
    )
    if rows and any(row.arm == arm and not row.eligible for row in rows):
        flags = (*flags, INFEASIBLE_FLAG)
    return Verdict(choice.option, choice.reasons, candidates, flags)


def infeasible(plan: Plan, appraisal: Appraisal) -> NoFeasibleModel:
    """The error, with one line a candidate saying everything that is wrong with it."""
    lines = [(row.model, "; ".join(map(str, row.reasons))) for row in appraisal.candidates]
    return NoFeasibleModel.for_task(plan.entry.type, lines)


def fitted(config: ModelConfig, context_window: int, input_high: float) -> ModelConfig:
    """Clamp `max_tokens` to what the context window leaves beside this input (S5)."""
    room = int(context_window - input_high)
    if config.max_tokens <= room:
        return config
    reason = Reason(
        "max_tokens_clamped", "the context window leaves", value=room, limit=config.max_tokens, unit="tokens"
    )
    return config.because(reason, max_tokens=max(1, room))


def _candidates(
    models: list[Candidate], rows: Sequence[Candidate], assignment: Assignment, by_default: Choice | None
) -> tuple[Candidate, ...]:
    """Everything considered. An arm has its own row; `default` is the row of the model that the rules choose.

    Under the rules alone that model's row is the decision, with propensity 1.
    """
    shares = assignment.shares
    if assignment.policy == "adaptive":
        return tuple([row._replace(propensity=shares.get(row.arm, 0.0)) for row in models])
    ruled = None if by_default is None else by_default.option.key
    if assignment.policy == "rules":
        return tuple([row._replace(propensity=1.0) if row.model == ruled else row for row in models])
    named = {row.arm: row._replace(propensity=shares[row.arm]) for row in rows}
    if DEFAULT_ARM in shares:
        stand_in = next((row for row in models if row.model == ruled), None)
        named[DEFAULT_ARM] = (
            Candidate(DEFAULT_ARM, "", eligible=False, propensity=shares[DEFAULT_ARM])
            if stand_in is None
            else stand_in._replace(arm=DEFAULT_ARM, propensity=shares[DEFAULT_ARM])
        )
    return (*[named[arm] for arm in sorted(named)], *[row for row in models if row.arm not in named])
