"""From a comparison to the next routing config: a share for the winner, with its evidence. Writes and logs nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from bizq_lab import __version__
from bizq_lab.config import EvidenceRow, RoutingConfig
from bizq_lab.core.decision import DEFAULT_ARM
from bizq_lab.errors import InputError, UnsafeProposal

if TYPE_CHECKING:
    from datetime import date

    from bizq_lab.analysis import Comparison
    from bizq_lab.analysis.comparison import ComparisonRow
    from bizq_lab.core.estimate import Estimate

PRODUCER = f"bizq_lab {__version__} deploy_winner"
SUFFICIENT = frozenset({"winner", "non_inferior_cheaper"})
ALL = 100


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


def winning_config(
    present: RoutingConfig, comparison: Comparison, arm: str, *, rollout_percentage: int, as_of: date
) -> RoutingConfig:
    """The next version of a config: `rollout_percentage` to the arm, and the rest shared as now.

    Args:
        present: What runs now.
        comparison: Becomes evidence of the config.
        arm: Who gets the share.
        rollout_percentage: From 1 to 100, and not less than the arm has now.
        as_of: The date the config carries.

    Raises:
        InputError: The percentage is out of range, or less than the arm's present share.
        InvalidRoutingConfig: The config does not know the arm.
    """
    name = comparison.task_type
    routing = present.tasks.get(name)
    now = dict(routing.weights) if routing is not None and routing.weights else {DEFAULT_ARM: ALL}
    least = max(1, now.get(arm, 0))
    if not least <= rollout_percentage <= ALL:
        message = f"rollout_percentage == {rollout_percentage}, must be from {least} to {ALL}"
        raise InputError(message, hint=f"{arm} gets {now.get(arm, 0)} % of {name!r} now; a rollout never takes away")
    others = {other: share for other, share in now.items() if other != arm and share}
    weights = {**shared(others, ALL - rollout_percentage), arm: rollout_percentage}
    found = _evidence(comparison)
    replaced = {(row.task_type, row.arm, row.metric) for row in found}
    kept = [row for row in present.evidence if (row.task_type, row.arm, row.metric) not in replaced]
    return present.with_weights(name, weights, stage=f"rollout_{rollout_percentage}").evolve(
        parent=present.hash, produced_by=PRODUCER, as_of=as_of, evidence=(*kept, *found)
    )


def shared(shares: Mapping[str, int], total: int) -> dict[str, int]:
    """Integer shares of a smaller total in the same proportions: largest remainders, ties by name."""
    whole = sum(shares.values())
    exact = {name: share * total / whole for name, share in shares.items()}
    floors = {name: math.floor(share) for name, share in exact.items()}
    by_remainder = sorted(exact, key=lambda name: (floors[name] - exact[name], name))
    for name in by_remainder[: total - sum(floors.values())]:
        floors[name] += 1
    return floors


def _evidence(comparison: Comparison) -> list[EvidenceRow]:
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
