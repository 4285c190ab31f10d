"""Which task types move, and to what: optimise, keep what is undecided, optimise the rest again. Writes no config."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import InfeasibleLimits
from bizq_lab.tuning.build import build
from bizq_lab.tuning.gain import PairedSums, gain
from bizq_lab.tuning.limits import Limits
from bizq_lab.tuning.options import PERCENT, TaskEvidence
from bizq_lab.tuning.program import Infeasible, Problem, Solution
from bizq_lab.tuning.proposal import CHANGED, ShadowPrice, Status
from bizq_lab.tuning.solver import infeasible, solve


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What becomes of each task type; `problem` is the last program, None where there was nothing to choose."""

    percent: Mapping[str, Mapping[str, int]]
    statuses: Mapping[str, Status]
    gains: Mapping[str, Estimate]
    prices: tuple[ShadowPrice, ...]
    problem: Problem | None = None


def make_plan(found: Sequence[TaskEvidence], limits: Limits, paired: PairedSums, level: float) -> Plan:
    """Optimise, keep what is undecided where the limits allow it, and optimise the rest again."""
    open_types = [e for e in found if _choice(e)]
    statuses: dict[str, Status] = {e.task_type: "no_evidence" for e in found}
    if not open_types:
        return Plan(percent={}, statuses=statuses, gains={}, prices=())
    solution, problem = _solved(open_types, limits, kept=frozenset())
    gains = _gains(open_types, problem, solution, paired, level)
    barred = {e.task_type for e in open_types if any(e.present.get(arm) for arm in e.forbidden)}
    undecided = {name for name, estimate in gains.items() if estimate.lower <= 0.0} - barred
    # What was never measured cannot be held to a limit, so it leaves the program; what was, stays in it, fixed.
    leaving = {e.task_type for e in open_types if e.task_type in undecided and e.known_present is None}
    kept = undecided - leaving
    remaining = [e for e in open_types if e.task_type not in leaving]
    statuses |= dict.fromkeys(leaving, "undecided")
    if not remaining:
        return Plan(percent={}, statuses=statuses, gains={}, prices=())
    again = _try(remaining, limits, kept=frozenset(kept))
    forced: frozenset[str] = frozenset()
    if again is None:
        forced, again = frozenset(kept), _solved(remaining, limits, kept=frozenset())
    solution, problem = again
    percent, final = _percent(problem, solution), _gains(remaining, problem, solution, paired, level)
    for e in remaining:
        moved = dict(percent[e.task_type]) != dict(e.present)
        mandatory = e.task_type in forced | barred or final[e.task_type].lower <= 0.0
        statuses[e.task_type] = (
            ("required" if mandatory else "improved")
            if moved
            else ("undecided" if e.task_type in kept else "unchanged")
        )
    changed = {name: shares for name, shares in percent.items() if statuses[name] in CHANGED}
    return Plan(
        percent=changed,
        statuses=statuses,
        gains={name: estimate for name, estimate in final.items() if statuses[name] in CHANGED},
        prices=tuple(
            ShadowPrice(limit=limit.name, value_usd=solution.prices[limit.name], unit=limit.unit, step=limit.scale)
            for limit in problem.limits
        ),
        problem=problem,
    )


def _choice(evidence: TaskEvidence) -> bool:
    """Whether there is anything to choose: two measured arms, of which one at least is allowed."""
    return len(evidence.measured) > 1 and len(evidence.forbidden) < len(evidence.measured)


def _solved(found: Sequence[TaskEvidence], limits: Limits, *, kept: frozenset[str]) -> tuple[Solution, Problem]:
    problem = build(found, limits, kept=kept)
    answer = solve(problem)
    if isinstance(answer, Infeasible):
        raise infeasible(answer)
    return answer, problem


def _try(found: Sequence[TaskEvidence], limits: Limits, *, kept: frozenset[str]) -> tuple[Solution, Problem] | None:
    try:
        return _solved(found, limits, kept=kept)
    except InfeasibleLimits:
        return None


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
