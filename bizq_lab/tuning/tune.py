"""From the log to weights: measure, optimise within limits, keep what the evidence does not move, write the config."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from bizq_lab.analysis.cells import Window
from bizq_lab.core.decision import DEFAULT_ARM
from bizq_lab.core.estimate import Caveat, Estimate
from bizq_lab.core.result import Provenance
from bizq_lab.errors import NotEnoughData
from bizq_lab.tuning.document import write_config
from bizq_lab.tuning.gain import PairedSums, total
from bizq_lab.tuning.limits import EXPLORATION_FLOOR, PEAK_FACTOR, Limits
from bizq_lab.tuning.options import FIRM_LEVEL, PERCENT, Measured, TaskEvidence, arms_of, task_evidence
from bizq_lab.tuning.plan import Plan, make_plan
from bizq_lab.tuning.proposal import Proposal, ProposalRow
from bizq_lab.tuning.publish import MIN_TASKS
from bizq_lab.tuning.reprice import repriced

if TYPE_CHECKING:
    from datetime import date

    from bizq_lab.catalog import Catalog
    from bizq_lab.config import RoutingConfig
    from bizq_lab.core.model import Tier
    from bizq_lab.store import Log

SHOWN = 3


def tune(
    log: Log,
    catalog: Catalog,
    *,
    as_of: date,
    config: RoutingConfig | None = None,
    budget_usd: float | None = None,
    quality_floor: float = 0.0,
    latency_limit_s: float | None = None,
    exploration_floor: float = EXPLORATION_FLOOR,
    ramp_limit: float = 1.0,
    volumes: Mapping[str, float] | None = None,
    peak_factor: float = PEAK_FACTOR,
    local_only: Collection[str] = (),
    tier_caps: Mapping[str, Tier] | None = None,
    reprice: bool = False,
    min_tasks: int = MIN_TASKS,
    level: float = 0.95,
    experiment: str | None = None,
    from_us: int | None = None,
    to_us: int | None = None,
) -> Proposal:
    """Weights of greatest net benefit that the log supports.

    A linear program maximises value less cost at its lower confidence bound over all task types together. A task type
    moves only if the gain over what runs now is above zero with confidence `level`, or if a limit demands a move. What
    was never measured, or not by at least `min_tasks` independent tasks, keeps its routing.

    Args:
        log: The log.
        catalog: Values, prices and retirements.
        as_of: The date the config carries; never the clock's.
        config: What runs now, and the arms it defines; without it, the rules, and the arms of the log.
        budget_usd: See `Limits`.
        quality_floor: See `Limits`.
        latency_limit_s: See `Limits`.
        exploration_floor: See `Limits`.
        ramp_limit: See `Limits`.
        volumes: See `Limits`.
        peak_factor: See `Limits`.
        local_only: See `Limits`.
        tier_caps: See `Limits`.
        reprice: Take logged tokens at the catalog's prices of today instead of the costs as they were logged.
        min_tasks: Fewest independent tasks an arm must have; publishing refuses less than 10.
        level: Confidence of the gain that a move must show.
        experiment: Only this experiment's outcomes.
        from_us: Decisions at or after this instant, UTC microseconds.
        to_us: Decisions before this instant.

    Raises:
        InfeasibleLimits: No weights keep all limits; says which to relax by how much.
        NotEnoughData: The log and the config know no task type.
        InputError: A limit out of its range.
    """
    limits = Limits(
        budget_usd=budget_usd,
        quality_floor=quality_floor,
        latency_limit_s=latency_limit_s,
        exploration_floor=exploration_floor,
        ramp_limit=ramp_limit,
        volumes=volumes,
        peak_factor=peak_factor,
        local_only=local_only,
        tier_caps=tier_caps,
    )
    window = Window(experiment=experiment, from_us=from_us, to_us=to_us)
    arms = arms_of(log, config)
    found = task_evidence(log, catalog, config=config, arms=arms, limits=limits, min_tasks=min_tasks, window=window)
    if reprice:
        found = repriced(found, log, catalog, window)
    if not found:
        message = "neither the log nor the config knows a task type"
        raise NotEnoughData(message, hint="run some tasks first")
    plan = make_plan(found, limits, PairedSums(log, window), level)
    blockers = [f"{e.task_type}: fewer than {MIN_TASKS} independent tasks" for e in found if _thin(e, plan)]
    return Proposal(
        config=write_config(config, catalog, arms=arms, plan=plan.percent, evidence=found, as_of=as_of),
        rows=tuple(row for e in found for row in _rows(e, plan)),
        gain=total([(g, limits.volume(name)) for name, g in plan.gains.items()], level=level),
        cost=total([(c, limits.volume(name)) for name, c in _costs(found, plan).items()], level=FIRM_LEVEL),
        volume=sum(limits.volume(e.task_type) for e in found),
        shadow_prices=plan.prices,
        blockers=tuple(blockers),
        problem=plan.problem,
        caveats=_caveats(found, plan, limits),
        provenance=Provenance(
            view="task_outcome",
            window=str(window),
            n_decisions=sum(m.cell.n for e in found for m in e.measured.values()),
            config_hash=config.hash if config is not None else "",
            catalog_version=catalog.version,
        ),
    )


def _costs(found: Sequence[TaskEvidence], plan: Plan) -> dict[str, Estimate]:
    """Expected cost of a task by task type, where all that will run was measured."""
    costs = {}
    for e in found:
        weights = plan.percent.get(e.task_type, e.present)
        if all(arm in e.measured for arm in weights):
            parts = [(e.measured[arm].cost_usd, percent / PERCENT) for arm, percent in weights.items()]
            costs[e.task_type] = total(parts, level=FIRM_LEVEL)
    return costs


def _rows(e: TaskEvidence, plan: Plan) -> list[ProposalRow]:
    weights = plan.percent.get(e.task_type, e.present)
    arms = sorted({*e.present, *weights, *e.measured}, key=lambda arm: (-weights.get(arm, 0), arm))
    return [_row(e, arm, weights.get(arm, 0), e.measured.get(arm), plan) for arm in arms]


def _row(e: TaskEvidence, arm: str, percent: int, measured: Measured | None, plan: Plan) -> ProposalRow:
    return ProposalRow(
        task_type=e.task_type,
        status=plan.statuses[e.task_type],
        arm=arm,
        percent_now=e.present.get(arm, 0),
        percent=percent,
        tasks=measured.cell.clusters if measured else 0,
        success=measured.success if measured else None,
        quality=measured.quality if measured else None,
        cost_usd=measured.cost_usd if measured else None,
        net_benefit_usd=measured.worth.estimate if measured else None,
        gain_usd=plan.gains.get(e.task_type),
    )


def _thin(e: TaskEvidence, plan: Plan) -> bool:
    chosen = plan.percent.get(e.task_type, {})
    return any(arm in e.measured and e.measured[arm].cell.clusters < MIN_TASKS for arm in chosen)


def _caveats(found: Sequence[TaskEvidence], plan: Plan, limits: Limits) -> tuple[Caveat, ...]:
    notes = []
    blind = [e.task_type for e in found if e.task_type in plan.percent and e.known_present is None]
    if blind:
        message = (
            f"What runs now was never measured for {', '.join(blind)}: the gain is over an equal split of the arms"
        )
        notes.append(Caveat(code="present_not_measured", message=message))
    unpriced = [e.task_type for e in found if e.task_type not in plan.percent and e.known_present is None]
    if unpriced and limits.budget_usd is not None:
        message = f"The budget does not cover {len(unpriced)} task types that stay on routing whose cost is unknown"
        notes.append(Caveat(code="budget_partial", message=message))
    left_out = sorted(
        {
            f"{arm} at {e.task_type}: {why}"
            for e in found
            for arm, why in {**e.excluded, **e.forbidden}.items()
            if arm != DEFAULT_ARM
        }
    )
    if left_out:
        shown = "; ".join(left_out[:SHOWN]) + (f"; and {len(left_out) - SHOWN} more" if len(left_out) > SHOWN else "")
        notes.append(Caveat(code="arms_left_out", message=f"Arms without a share: {shown}"))
    if any(status == "required" for status in plan.statuses.values()):
        notes.append(
            Caveat(code="moved_by_limit", message="Some task types move because a limit demands it, not for a gain")
        )
    return tuple(notes)
