"""What a context asks for, as numbers: floors, caps and the prices of utility (S9, S11). Must not know candidates."""

from __future__ import annotations

from typing import NamedTuple

from bizq_lab.core.task import RoutingContext, WorkspacePreferences

ECONOMY, STANDARD, PREMIUM = range(3)
TIER_RANK = {"economy": ECONOMY, "standard": STANDARD, "premium": PREMIUM}

QUALITY_FLOOR = {"basic": ECONOMY, "standard": ECONOMY, "premium": PREMIUM}
COMPLEXITY_FLOOR = {"simple": ECONOMY, "moderate": ECONOMY, "complex": STANDARD}
OUTPUT_MULTIPLIER = {"simple": 0.75, "moderate": 1.0, "complex": 1.5}
ENTITLEMENT_CAP = {"starter": STANDARD, "growth": PREMIUM, "scale": PREMIUM}
LATENCY_USD_PER_S = {"low": 0.0002, "normal": 0.0005, "high": 0.001, "urgent": 0.005}
DEFAULT_COST_SENSITIVITY = 0.5
NO_PREFERENCES = WorkspacePreferences()


class Terms(NamedTuple):
    """A context's categorical wishes, resolved against the base model's tier.

    Attributes:
        floor: Least tier rank, from `quality_tier` and, unless that is `basic`, `task_complexity`.
        cap: Greatest tier rank, from `budget_tier`; never below the floor.
        conflict: The budget tier's own cap lay below the floor, so the cheapest model that meets the floor is taken.
        entitlement: Greatest tier rank, from `user_tier`; asking for premium quality lifts it.
        premium_quality: Premium quality was asked for.
        urgent: Prefer fast models and cap `max_tokens`.
        consistent: `requires_consistency`.
        provider: Preferred provider, or None.
        local_only: No byte leaves this machine.
        remote_failover: A local model may fail over to a remote one.
        model_failover: `requires_consistency` may fail over to another model.
        cost_weight: USD of utility per USD of cost.
        latency_usd_per_s: Price of waiting one second.
        output_multiplier: Scales the expected output where the log does not know it.
    """

    floor: int
    cap: int
    conflict: bool
    entitlement: int
    premium_quality: bool
    urgent: bool
    consistent: bool
    provider: str | None
    local_only: bool
    remote_failover: bool
    model_failover: bool
    cost_weight: float
    latency_usd_per_s: float
    output_multiplier: float


def terms_of(context: RoutingContext, base_tier: int) -> Terms:
    """Resolve a context.

    `budget_tier` economy allows economy models; standard those up to the matrix's own choice or the floor, and at least
    the standard tier; premium all. So only economy can conflict with the floor. `cost_sensitivity` 0.5 weighs a dollar
    of cost as a dollar, 0 ignores cost, 1 counts it twice.
    `quality_over_speed` halves the price of a second when true and doubles it when false.
    """
    wishes = context.workspace_preferences or NO_PREFERENCES
    floor = QUALITY_FLOOR[context.quality_tier]
    if context.quality_tier != "basic":
        floor = max(floor, COMPLEXITY_FLOOR[context.task_complexity])
    budget_cap = {"economy": ECONOMY, "standard": max(STANDARD, base_tier, floor), "premium": PREMIUM}[
        context.budget_tier
    ]
    premium_quality = context.quality_tier == "premium"
    patience = {True: 0.5, False: 2.0, None: 1.0}[wishes.quality_over_speed]
    sensitivity = DEFAULT_COST_SENSITIVITY if wishes.cost_sensitivity is None else wishes.cost_sensitivity
    return Terms(
        floor=floor,
        cap=max(budget_cap, floor),
        conflict=budget_cap < floor,
        entitlement=PREMIUM if premium_quality else ENTITLEMENT_CAP[context.user_tier],
        premium_quality=premium_quality,
        urgent=context.priority == "urgent",
        consistent=context.requires_consistency,
        provider=wishes.preferred_provider,
        local_only=wishes.residency == "local",
        remote_failover=wishes.allow_remote_failover,
        model_failover=wishes.allow_failover_when_consistent,
        cost_weight=sensitivity / DEFAULT_COST_SENSITIVITY,
        latency_usd_per_s=LATENCY_USD_PER_S[context.priority] * patience,
        output_multiplier=OUTPUT_MULTIPLIER[context.task_complexity],
    )
