"""What weights must keep, in the words of the business. Builds and solves nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bizq_lab.core.model import TIERS, Tier
from bizq_lab.errors import InputError

if TYPE_CHECKING:
    from bizq_lab.catalog.schema import ModelEntry

VOLUME = 1_000.0
EXPLORATION_FLOOR = 0.05
PEAK_FACTOR = 3.0
ANY_TYPE = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the weights must keep.

    Attributes:
        budget_usd: Most that a day's volumes together may cost, at the upper bound of cost; None means no cap.
        quality_floor: Least success rate of each task type, at its lower bound.
        latency_limit_s: Most mean seconds of each task type, at the upper bound; None means no limit.
        exploration_floor: Least share of each measured arm: without it the log stops learning.
        ramp_limit: Most that any arm's share may change at once.
        volumes: Tasks a day by task type; 1,000 where not given.
        peak_factor: Tasks of the busiest minute over those of a mean one, for the models' rate limits.
        local_only: Task types whose data must not leave the machine; `*` means all (residency).
        tier_caps: Greatest model tier by task type; `*` means all others (entitlement).
    """

    budget_usd: float | None = None
    quality_floor: float = 0.0
    latency_limit_s: float | None = None
    exploration_floor: float = EXPLORATION_FLOOR
    ramp_limit: float = 1.0
    volumes: Mapping[str, float] | None = None
    peak_factor: float = PEAK_FACTOR
    local_only: Collection[str] = ()
    tier_caps: Mapping[str, Tier] | None = None

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
        if not self.peak_factor >= 1.0:
            message = f"peak_factor == {self.peak_factor!r}, must be at least 1: no peak lies below the mean"
            raise InputError(message)
        for name, tier in (self.tier_caps or {}).items():
            if tier not in TIERS:
                message = f"tier_caps[{name!r}] == {tier!r}, must be one of {', '.join(TIERS)}"
                raise InputError(message)

    def volume(self, task_type: str) -> float:
        """Tasks of this type a day."""
        return float((self.volumes or {}).get(task_type, VOLUME))

    def forbids(self, task_type: str, model: ModelEntry) -> str:
        """Why this model may not serve the task type under these limits; empty if it may."""
        if model.residency != "local" and not {task_type, ANY_TYPE}.isdisjoint(self.local_only):
            return f"{model.key} would take {task_type} off this machine"
        caps = self.tier_caps or {}
        cap = caps.get(task_type, caps.get(ANY_TYPE, TIERS[-1]))
        if TIERS.index(model.tier) > TIERS.index(cap):
            return f"{model.key} is {model.tier}, above the {cap} that {task_type} is entitled to"
        return ""
