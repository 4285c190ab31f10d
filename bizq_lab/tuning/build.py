"""The program that follows from evidence and limits: options with bounds, and one row a limit. Solves nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bizq_lab.tuning.limits import Limits
from bizq_lab.tuning.options import PERCENT, Measured, TaskEvidence
from bizq_lab.tuning.program import Limit, Option, Problem

MINUTES_A_DAY = 1_440.0
Place = tuple[int, TaskEvidence, Measured]


def build(found: Sequence[TaskEvidence], limits: Limits, *, kept: frozenset[str] = frozenset()) -> Problem:
    """The program over these task types; those in `kept` are fixed at what runs now."""
    options: list[Option] = []
    places: list[Place] = []
    for e in found:
        for arm in (*e.measured, *_unmeasured_rest(e, limits)):
            low, high = _bounds(e, arm, limits, kept=e.task_type in kept)
            m = e.measured.get(arm)
            if m is None:
                options.append(Option(group=e.task_type, arm=arm, value=0.0, low=low, high=high))
                continue
            places.append((len(options), e, m))
            options.append(
                Option(
                    group=e.task_type,
                    arm=arm,
                    value=m.worth.estimate.lower,
                    low=low,
                    high=high,
                    expected_value=m.worth.estimate.value,
                    expected_cost_usd=m.cost_usd.value,
                )
            )
    moving = [place for place in places if place[1].task_type not in kept]
    soft = (*_by_type(moving, limits), *_capacities(places, limits), *_budget(places, limits))
    volumes = {e.task_type: limits.volume(e.task_type) for e in found}
    return Problem(options=tuple(options), volumes=volumes, limits=soft)


def _by_type(places: Sequence[Place], limits: Limits) -> list[Limit]:
    """Success floor and latency limit of each task type that may move."""
    floors: dict[str, dict[int, float]] = {}
    seconds: dict[str, dict[int, float]] = {}
    for position, e, m in places:
        floors.setdefault(e.task_type, {})[position] = limits.quality_floor - m.success.lower
        late = m.latency_s.upper - (limits.latency_limit_s or 0.0) if m.latency_s else 0.0
        seconds.setdefault(e.task_type, {})[position] = late
    soft = []
    for name, floor in floors.items():
        if limits.quality_floor > 0:
            soft.append(
                Limit(
                    name=f"success floor of {name}",
                    coefficients=floor,
                    bound=0.0,
                    unit="points of success",
                    scale=0.01,
                )
            )
        if limits.latency_limit_s is not None:
            soft.append(Limit(name=f"latency limit of {name}", coefficients=seconds[name], bound=0.0, unit="s"))
    return soft


def _capacities(places: Sequence[Place], limits: Limits) -> list[Limit]:
    """Requests and tokens that each model takes in the busiest minute, over all task types together."""
    requests: dict[str, dict[int, float]] = {}
    tokens: dict[str, dict[int, float]] = {}
    bounds: dict[str, tuple[int | None, int | None]] = {}
    for position, e, m in places:
        peak = limits.volume(e.task_type) / MINUTES_A_DAY * limits.peak_factor
        for use in m.uses:
            if use.rpm is not None:
                own = requests.setdefault(use.model, {})
                own[position] = own.get(position, 0.0) + peak * use.share
            if use.tpm is not None:
                own = tokens.setdefault(use.model, {})
                own[position] = own.get(position, 0.0) + peak * use.share * use.tokens
            bounds[use.model] = use.rpm, use.tpm
    return [
        Limit(name=f"{what} limit of {model}", coefficients=rows, bound=float(bound), unit=unit, scale=bound / 100)
        for what, unit, table, place in (
            ("request", "requests a minute", requests, 0),
            ("token", "tokens a minute", tokens, 1),
        )
        for model, rows in table.items()
        if (bound := bounds[model][place]) is not None
    ]


def _budget(places: Sequence[Place], limits: Limits) -> list[Limit]:
    if limits.budget_usd is None:
        return []
    costs = {position: m.cost_usd.upper * limits.volume(e.task_type) for position, e, m in places}
    scale = limits.budget_usd / 100
    return [Limit(name="budget", coefficients=costs, bound=limits.budget_usd, unit="usd", scale=scale)]


def _unmeasured_rest(e: TaskEvidence, limits: Limits) -> list[str]:
    """Arms that run now, were never measured, and cannot be replaced within the ramp."""
    return [a for a, p in e.present.items() if a not in e.measured and p / PERCENT > limits.ramp_limit]


def _bounds(e: TaskEvidence, arm: str, limits: Limits, *, kept: bool) -> tuple[float, float]:
    now = e.present.get(arm, 0) / PERCENT
    if kept:
        return now, now
    if arm not in e.measured:
        return now - limits.ramp_limit, now - limits.ramp_limit
    if arm in e.forbidden:  # no ramp delays what must not be
        return 0.0, 0.0
    room = _room(e, limits)
    floor = min(limits.exploration_floor, 1.0 / (len(e.measured) - len(e.forbidden)), now + limits.ramp_limit)
    low = max(now - limits.ramp_limit, floor)
    return max(low, 0.0), min(now + limits.ramp_limit + room, 1.0)


def _room(e: TaskEvidence, limits: Limits) -> float:
    """What forbidden arms give up beyond the ramp has to go somewhere."""
    given: Mapping[str, float] = {arm: e.present.get(arm, 0) / PERCENT for arm in e.forbidden}
    return sum(given.values()) if limits.ramp_limit < 1.0 else 0.0
