"""A routing decision as a table: who was considered, what spoke against them, and why one won. Knows no rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bizq_lab.core.display import Sheet
from bizq_lab.core.money import format_usd

if TYPE_CHECKING:
    from bizq_lab.core.decision import Candidate, RoutingDecision
    from bizq_lab.core.result import Cell

COLUMNS = (
    "candidate",
    "model",
    "verdict",
    "propensity",
    "utility_usd",
    "cost_usd",
    "latency_s",
    "quality",
    "violates",
)


def explain(decision: RoutingDecision) -> Sheet:
    """Every candidate with every number and every constraint it violates; the chosen one first."""
    config, estimate = decision.config, decision.estimate
    price = "unknown cost" if estimate.estimated_cost is None else f"about {format_usd(estimate.estimated_cost)}"
    high = "" if estimate.high is None else f", at most {format_usd(estimate.high)}"
    chain = ", then ".join(fallback.key for fallback in decision.fallbacks) or "none"
    return Sheet(
        title=f"{decision.task.type}: {config.key}",
        summary=(
            f"{config.key} serves {decision.task.type} as arm {decision.arm}, decided by {decision.policy} "
            f"with probability {decision.propensity:.4g}, at {price}{high}. Why: {config.reasoning or 'the matrix'}."
        ),
        columns=COLUMNS,
        rows=[
            _row(candidate, decision) for candidate in sorted(decision.candidates, key=lambda c: not _won(c, decision))
        ],
        caveats=[*[f"flag {flag}" for flag in decision.flags], *_objections(decision)],
        notes=(
            f"fallbacks: {chain} · base {decision.base_source} · segment {decision.segment} · unit {decision.unit} · "
            f"config {decision.config_hash[:12] or 'none'} · prices {decision.catalog_version[:12]} · "
            f"snapshot {decision.snapshot_id} · seed {decision.seed}"
        ),
    )


def _objections(decision: RoutingDecision) -> list[str]:
    """One line for each violated constraint, with its numbers."""
    return [f"{candidate.arm}: {reason}" for candidate in decision.candidates for reason in candidate.reasons]


def _won(candidate: Candidate, decision: RoutingDecision) -> bool:
    if decision.policy == "rules":
        return candidate.model == decision.config.key
    return candidate.arm == decision.arm


def _row(candidate: Candidate, decision: RoutingDecision) -> dict[str, Cell]:
    won = _won(candidate, decision)
    return {
        "candidate": candidate.arm,
        "model": candidate.model,
        "verdict": "chosen" if won else "eligible" if candidate.eligible else "ineligible",
        "propensity": candidate.propensity,
        "utility_usd": candidate.utility_usd,
        "cost_usd": candidate.cost_usd,
        "latency_s": candidate.latency_s,
        "quality": candidate.quality,
        "violates": ", ".join(reason.code for reason in candidate.reasons) or "nothing",
    }
