"""What weights must keep, and the program that follows from it and the evidence. Solves nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bizq_lab.errors import InputError
from bizq_lab.tuning.options import PERCENT, TaskEvidence
from bizq_lab.tuning.program import Limit, Option, Problem

VOLUME = 1_000.0
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
            soft.append(
                Limit(
                    name=f"success floor of {e.task_type}",
                    coefficients=floors,
                    bound=0.0,
                    unit="points of success",
                    scale=0.01,
                )
            )
        if limits.latency_limit_s is not None and e.task_type not in kept:
            soft.append(Limit(name=f"latency limit of {e.task_type}", coefficients=seconds, bound=0.0, unit="s"))
    if limits.budget_usd is not None:
        soft.append(
            Limit(
                name="budget", coefficients=budget, bound=limits.budget_usd, unit="usd", scale=limits.budget_usd / 100
            )
        )
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
