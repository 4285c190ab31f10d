"""From the log to weights: measure, optimise within limits, keep what the evidence does not move, write the config."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bizq_lab.analysis.cells import Window
from bizq_lab.core.decision import DEFAULT_ARM
from bizq_lab.core.estimate import Caveat, Estimate
from bizq_lab.core.money import format_usd
from bizq_lab.core.result import Provenance
from bizq_lab.errors import InfeasibleLimits, InputError, NotEnoughData
from bizq_lab.tuning.document import write_config
from bizq_lab.tuning.gain import PairedSums, gain, total
from bizq_lab.tuning.options import PERCENT, Measured, TaskEvidence, arms_of, task_evidence
from bizq_lab.tuning.program import Infeasible, Limit, Option, Problem, Solution, solve
from bizq_lab.tuning.proposal import CHANGED, Proposal, ProposalRow, ShadowPrice, Status
from bizq_lab.tuning.publish import MIN_TASKS

if TYPE_CHECKING:
    from datetime import date

    from bizq_lab.catalog import Catalog
    from bizq_lab.config import RoutingConfig
    from bizq_lab.store import Log

VOLUME = 1_000.0
BOUND_LEVEL = 0.8  # two-sided, so that each end is a 90 % bound
BUDGET_LEVEL = 0.9  # each end a 95 % bound: money is promised more firmly than value
EXPLORATION_FLOOR = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the weights must keep.

    Attributes:
        budget_usd: Most that all volumes together may cost, at the upper bound of cost; None means no cap.
        quality_floor: Least success rate of each task type, at its lower bound.
        latency_limit_s: Most mean seconds of each task type, at the upper bound; None means no limit.
        exploration_floor: Least share of each measured arm: without it the log stops learning.
        ramp_limit: Most that any arm's share may change at once.
        volumes: Tasks by task type; 1,000 where not given.
    """

    budget_usd: float | None = None
    quality_floor: float = 0.0
    latency_limit_s: float | None = None
    exploration_floor: float = EXPLORATION_FLOOR
    ramp_limit: float = 1.0
    volumes: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        """Refuse what means nothing."""
        shares = {"quality_floor": self.quality_floor, "exploration_floor": self.exploration_floor}
        for name, value in {**shares, "ramp_limit": self.ramp_limit}.items():
            if not 0.0 <= value <= 1.0:
                message = f"{name} == {value!r}, must be in [0, 1]"
                raise InputError(message)
        for name, amount in (("budget_usd", self.budget_usd), ("latency_limit_s", self.latency_limit_s)):
            if amount is not None and not amount > 0:
                message = f"{name} == {amount!r}, must be positive, or None for no limit"
                raise InputError(message)

    def volume(self, task_type: str) -> float:
        """Tasks of this type."""
        return float((self.volumes or {}).get(task_type, VOLUME))


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
    )
    window = Window(experiment=experiment, from_us=from_us, to_us=to_us)
    arms = arms_of(log, config)
    found = task_evidence(
        log, catalog, config=config, arms=arms, min_tasks=min_tasks, level=BOUND_LEVEL, window=window
    )
    if not found:
        message = "neither the log nor the config knows a task type"
        raise NotEnoughData(message, hint="run some tasks first")
    plan = _plan(found, limits, PairedSums(log, window), level)
    blockers = [f"{e.task_type}: fewer than {MIN_TASKS} independent tasks" for e in found if _thin(e, plan)]
    return Proposal(
        config=write_config(config, catalog, arms=arms, plan=plan.percent, evidence=found, as_of=as_of),
        rows=tuple(row for e in found for row in _rows(e, plan)),
        gain=total([(g, limits.volume(name)) for name, g in plan.gains.items()], level=level),
        cost=total([(c, limits.volume(name)) for name, c in _costs(found, plan).items()], level=BUDGET_LEVEL),
        volume=sum(limits.volume(e.task_type) for e in found),
        shadow_prices=plan.prices,
        blockers=tuple(blockers),
        caveats=_caveats(found, plan, limits),
        provenance=Provenance(
            view="task_outcome",
            window=str(window),
            n_decisions=sum(m.cell.n for e in found for m in e.measured.values()),
            config_hash=config.hash if config is not None else "",
            catalog_version=catalog.version,
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What becomes of each task type."""

    percent: Mapping[str, Mapping[str, int]]
    statuses: Mapping[str, Status]
    gains: Mapping[str, Estimate]
    prices: tuple[ShadowPrice, ...]


def _plan(found: Sequence[TaskEvidence], limits: Limits, paired: PairedSums, level: float) -> _Plan:
    """Optimise, keep what is undecided where the limits allow it, and optimise the rest again."""
    open_types = [e for e in found if _choice(e)]
    statuses: dict[str, Status] = {e.task_type: "no_evidence" for e in found}
    if not open_types:
        return _Plan(percent={}, statuses=statuses, gains={}, prices=())
    solution, problem = _solved(open_types, limits, kept=frozenset())
    gains = _gains(open_types, problem, solution, paired, level)
    undecided = {name for name, estimate in gains.items() if estimate.lower <= 0.0}
    # What was never measured cannot be held to a limit, so it leaves the program; what was, stays in it, fixed.
    leaving = {e.task_type for e in open_types if e.task_type in undecided and e.known_present is None}
    kept = undecided - leaving
    remaining = [e for e in open_types if e.task_type not in leaving]
    statuses |= dict.fromkeys(leaving, "undecided")
    if not remaining:
        return _Plan(percent={}, statuses=statuses, gains={}, prices=())
    again = _try(remaining, limits, kept=frozenset(kept))
    forced: frozenset[str] = frozenset()
    if again is None:
        forced, again = frozenset(kept), _solved(remaining, limits, kept=frozenset())
    solution, problem = again
    percent, final = _percent(problem, solution), _gains(remaining, problem, solution, paired, level)
    for e in remaining:
        moved = dict(percent[e.task_type]) != dict(e.present)
        mandatory = e.task_type in forced or final[e.task_type].lower <= 0.0
        statuses[e.task_type] = (
            ("required" if mandatory else "improved") if moved else ("undecided" if e.task_type in kept else "unchanged")
        )
    changed = {name: shares for name, shares in percent.items() if statuses[name] in CHANGED}
    return _Plan(
        percent=changed,
        statuses=statuses,
        gains={name: estimate for name, estimate in final.items() if statuses[name] in CHANGED},
        prices=tuple(
            ShadowPrice(limit=limit.name, value_usd=solution.prices[limit.name], unit=limit.unit, step=limit.scale)
            for limit in problem.limits
        ),
    )


def _choice(evidence: TaskEvidence) -> bool:
    """Whether there is anything to choose: two measured arms, or one that is not what runs now."""
    return len(evidence.measured) > 1


def _solved(found: Sequence[TaskEvidence], limits: Limits, *, kept: frozenset[str]) -> tuple[Solution, Problem]:
    problem = build(found, limits, kept=kept)
    answer = solve(problem)
    if isinstance(answer, Infeasible):
        wishes = [f"{r.name} by {_amount(r.amount, r.unit)}" for r in answer.relaxations]
        message = "no weights keep all limits"
        hint = f"relax {' and '.join(wishes)}" if wishes else "no whole percentages keep them; relax any of them a little"
        error = InfeasibleLimits(message, hint=hint)
        error.relax = tuple((r.name, r.amount, r.unit) for r in answer.relaxations)
        raise error
    return answer, problem


def _try(found: Sequence[TaskEvidence], limits: Limits, *, kept: frozenset[str]) -> tuple[Solution, Problem] | None:
    try:
        return _solved(found, limits, kept=kept)
    except InfeasibleLimits:
        return None


def build(found: Sequence[TaskEvidence], limits: Limits, *, kept: frozenset[str] = frozenset()) -> Problem:
    """The program over these task types; those in `kept` are fixed at what runs now."""
    options: list[Option] = []
    soft: list[Limit] = []
    budget: dict[int, float] = {}
    for e in found:
        floors: dict[int, float] = {}
        seconds: dict[int, float] = {}
        for arm in (*e.measured, *_unmeasured_rest(e, limits)):
            low, high = _bounds(e, arm, limits, kept=e.task_type in kept)
            position, m = len(options), e.measured.get(arm)
            value = m.worth.estimate.lower if m is not None else 0.0
            options.append(Option(group=e.task_type, arm=arm, value=value, low=low, high=high))
            if m is not None:
                budget[position] = m.cost_usd.upper * limits.volume(e.task_type)
                floors[position] = limits.quality_floor - m.success.lower
                seconds[position] = m.latency_s.upper - (limits.latency_limit_s or 0.0) if m.latency_s else 0.0
        if limits.quality_floor > 0 and e.task_type not in kept:
            soft.append(Limit(name=f"success floor of {e.task_type}", coefficients=floors, bound=0.0, unit="points of success", scale=0.01))
        if limits.latency_limit_s is not None and e.task_type not in kept:
            soft.append(Limit(name=f"latency limit of {e.task_type}", coefficients=seconds, bound=0.0, unit="s"))
    if limits.budget_usd is not None:
        soft.append(Limit(name="budget", coefficients=budget, bound=limits.budget_usd, unit="usd", scale=limits.budget_usd / 100))
    volumes = {e.task_type: limits.volume(e.task_type) for e in found}
    return Problem(options=tuple(options), volumes=volumes, limits=tuple(soft))


def _unmeasured_rest(e: TaskEvidence, limits: Limits) -> list[str]:
    """Arms that run now, were never measured, and cannot be replaced within the ramp."""
    return [a for a, p in e.present.items() if a not in e.measured and p / PERCENT > limits.ramp_limit]


def _bounds(e: TaskEvidence, arm: str, limits: Limits, *, kept: bool) -> tuple[float, float]:
    now = e.present.get(arm, 0) / PERCENT
    if kept:
        return now, now
    if arm not in e.measured:
        return now - limits.ramp_limit, now - limits.ramp_limit
    low = max(now - limits.ramp_limit, min(limits.exploration_floor, 1.0 / len(e.measured), now + limits.ramp_limit))
    return max(low, 0.0), min(now + limits.ramp_limit, 1.0)


def _percent(problem: Problem, solution: Solution) -> dict[str, dict[str, int]]:
    chosen: dict[str, dict[str, int]] = {group: {} for group in problem.groups}
    for option, percent in zip(problem.options, solution.percent, strict=True):
        if percent:
            chosen[option.group][option.arm] = percent
    return chosen


def _gains(
    found: Sequence[TaskEvidence], problem: Problem, solution: Solution, paired: PairedSums, level: float
) -> dict[str, Estimate]:
    percent = _percent(problem, solution)
    shares = {name: {arm: p / PERCENT for arm, p in arms.items()} for name, arms in percent.items()}
    # The best of k arms was picked on these data: Bonferroni over its k - 1 rivals keeps the promise of `level`.
    fair = {e.task_type: 1 - (1 - level) / max(len(e.measured) - 1, 1) for e in found}
    return {e.task_type: gain(e, shares[e.task_type], paired, level=fair[e.task_type]) for e in found}


def _costs(found: Sequence[TaskEvidence], plan: _Plan) -> dict[str, Estimate]:
    """Expected cost of a task by task type, where all that will run was measured."""
    costs = {}
    for e in found:
        weights = plan.percent.get(e.task_type, e.present)
        if all(arm in e.measured for arm in weights):
            parts = [(e.measured[arm].cost_usd, percent / PERCENT) for arm, percent in weights.items()]
            costs[e.task_type] = total(parts, level=BOUND_LEVEL)
    return costs


def _rows(e: TaskEvidence, plan: _Plan) -> list[ProposalRow]:
    weights = plan.percent.get(e.task_type, e.present)
    arms = sorted({*e.present, *weights, *e.measured}, key=lambda arm: (-weights.get(arm, 0), arm))
    return [_row(e, arm, weights.get(arm, 0), e.measured.get(arm), plan) for arm in arms]


def _row(e: TaskEvidence, arm: str, percent: int, measured: Measured | None, plan: _Plan) -> ProposalRow:
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


def _thin(e: TaskEvidence, plan: _Plan) -> bool:
    chosen = plan.percent.get(e.task_type, {})
    return any(arm in e.measured and e.measured[arm].cell.clusters < MIN_TASKS for arm in chosen)


def _caveats(found: Sequence[TaskEvidence], plan: _Plan, limits: Limits) -> tuple[Caveat, ...]:
    notes = []
    blind = [e.task_type for e in found if e.task_type in plan.percent and e.known_present is None]
    if blind:
        message = f"What runs now was never measured for {', '.join(blind)}: the gain is over an equal split of the arms"
        notes.append(Caveat(code="present_not_measured", message=message))
    unpriced = [e.task_type for e in found if e.task_type not in plan.percent and e.known_present is None]
    if unpriced and limits.budget_usd is not None:
        message = f"The budget does not cover {len(unpriced)} task types that stay on routing whose cost is unknown"
        notes.append(Caveat(code="budget_partial", message=message))
    left_out = sorted({f"{arm} at {e.task_type}: {why}" for e in found for arm, why in e.excluded.items() if arm != DEFAULT_ARM})
    if left_out:
        shown = "; ".join(left_out[:3]) + (f"; and {len(left_out) - 3} more" if len(left_out) > 3 else "")  # noqa: PLR2004 - as shown
        notes.append(Caveat(code="arms_left_out", message=f"Arms without a share: {shown}"))
    if any(status == "required" for status in plan.statuses.values()):
        notes.append(Caveat(code="moved_by_limit", message="Some task types move because a limit demands it, not for a gain"))
    return tuple(notes)


def _amount(amount: float, unit: str) -> str:
    return format_usd(amount) if unit == "usd" else f"{amount:.3g} {unit}"
