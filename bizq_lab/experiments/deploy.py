"""From a comparison to a rollout: who is to ramp up, with what evidence and guardrails. Writes and logs nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bizq_lab.config import EvidenceRow
from bizq_lab.errors import UnsafeProposal
from bizq_lab.tuning.guardrails import GUARDRAILS, Guardrail

if TYPE_CHECKING:
    from bizq_lab.analysis import Comparison
    from bizq_lab.analysis.comparison import ComparisonRow
    from bizq_lab.core.estimate import Estimate

_TRADED = frozenset({"success", "quality"})
_TRADES = frozenset({"failures", "quality"})  # a failure is worth no quality: one moves the other
SUFFICIENT = frozenset({"winner", "non_inferior_cheaper"})


def arm_to_deploy(comparison: Comparison, *, override: str) -> str:
    """The arm that the verdict names; against the verdict, the most promising treatment.

    Raises:
        UnsafeProposal: The verdict does not suffice, and no reason for an override was given.
    """
    if comparison.verdict in SUFFICIENT and comparison.winner:
        return comparison.winner
    if not override.strip():
        message = f"verdict == {comparison.verdict!r} at {comparison.task_type!r}, which deploys nothing"
        hint = "collect more, or pass override='the reason', which is logged"
        raise UnsafeProposal(f"{message}: {comparison.headline()}", hint=hint)
    return comparison.main_row().arm


def evidence_of(comparison: Comparison) -> list[EvidenceRow]:
    """Each arm's own figure in each metric; the control has one for every treatment, of which the first is kept."""
    rows: dict[tuple[str, str], EvidenceRow] = {}
    for row in comparison.rows:
        for arm, figure in ((row.control, row.control_mean), (row.arm, row.arm_mean)):
            rows.setdefault((arm, row.metric), _row(comparison, row, arm, figure))
    return list(rows.values())


def _row(comparison: Comparison, row: ComparisonRow, arm: str, figure: Estimate) -> EvidenceRow:
    return EvidenceRow(
        task_type=comparison.task_type,
        arm=arm,
        metric=row.metric,
        value=figure.value,
        lower=figure.lower if math.isfinite(figure.lower) else None,
        upper=figure.upper if math.isfinite(figure.upper) else None,
        n=row.n,
        method=f"{figure.method}, {figure.level:.0%} interval",
        design=comparison.design,
        experiment=comparison.experiment,
    )


def guardrails_of(comparison: Comparison) -> tuple[Guardrail, ...]:
    """The usual ones; what won by being cheaper may cost the quality that the comparison allowed, and no more."""
    if comparison.verdict != "non_inferior_cheaper" or comparison.primary not in _TRADED:
        return GUARDRAILS
    allowed = comparison.margin
    return tuple(
        Guardrail(metric=g.metric, margin=max(g.margin, allowed), tolerated=allowed) if g.metric in _TRADES else g
        for g in GUARDRAILS
    )
