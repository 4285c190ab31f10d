# ruff: noqa: ARG002 - all constraints of a kind share one signature, whatever each of them looks at
"""What makes a model ineligible: small objects, each answers None or a reason with numbers. Must not know who won.

A `Standing` constraint follows from the context's wishes and the catalog alone; it is checked once for all tasks of a
kind, and it restricts the arms of a config before they are assigned. A `Passing` constraint depends on the task, the
budget or the snapshot; it is checked for every decision, and acts after assignment (S15).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, NamedTuple, Protocol

from bizq_lab.core.model import TIERS, Reason

if TYPE_CHECKING:
    from bizq_lab.catalog.schema import ModelEntry, TaskTypeEntry
    from bizq_lab.core.snapshot import Health
    from bizq_lab.routing.option import Option
    from bizq_lab.routing.terms import Terms


class Setting(NamedTuple):
    """What standing constraints may look at besides the model.

    Attributes:
        terms: The context's wishes.
        entry: The task type.
        live: Real vendors will be called, so that retirement matters (S2).
        as_of: Today, as the catalog says.
        tier: Rank of the model's tier.
    """

    terms: Terms
    entry: TaskTypeEntry
    live: bool
    as_of: date
    tier: int


class Standing(Protocol):
    """A constraint that follows from context and catalog alone."""

    def check(self, model: ModelEntry, setting: Setting) -> Reason | None:
        """None when eligible."""


class Ask(NamedTuple):
    """What one task asks for.

    Attributes:
        max_cost_usd: Most USD for the task; None means no limit.
        deadline_s: Most seconds for the task; None means no limit.
        remaining_usd: What the workspace may still spend; None means no cap.
    """

    max_cost_usd: float | None
    deadline_s: float | None
    remaining_usd: float | None


High = tuple[float, float | None]
"""Input tokens and USD of one call at the high estimate; None: unknown price. Plain, for it is made often."""


class Passing(Protocol):
    """A constraint that depends on the task, the budget or the snapshot."""

    def binds(self, ask: Ask) -> bool:
        """Whether it can exclude anything at all, so that the rest of the time it costs nothing."""

    def check(self, option: Option, ask: Ask, health: Health | None, high: High) -> Reason | None:
        """None when eligible."""


Check = Callable[["Option", Ask, "Health | None", High], Reason | None]


@dataclass(frozen=True, slots=True)
class NotRetired:
    """A live config may not call a model that its vendor switched off."""

    def check(self, model: ModelEntry, setting: Setting) -> Reason | None:
        """Retired on or before today."""
        if not setting.live or model.retired_on is None or setting.as_of < model.retired_on:
            return None
        instead = f"; use {model.replaced_by}" if model.replaced_by else ""
        return Reason("retired", f"switched off on {model.retired_on}{instead}")


@dataclass(frozen=True, slots=True)
class Residency:
    """Some workspaces keep every byte on this machine."""

    def check(self, model: ModelEntry, setting: Setting) -> Reason | None:
        """A remote model where only local ones are allowed."""
        if setting.terms.local_only and model.residency != "local":
            return Reason("residency", "the workspace allows local models only")
        return None


@dataclass(frozen=True, slots=True)
class Capability:
    """A task type may need more than text."""

    def check(self, model: ModelEntry, setting: Setting) -> Reason | None:
        """A capability the task type declares and the model lacks."""
        missing = setting.entry.capabilities - model.capabilities
        return Reason("capability", f"lacks {', '.join(sorted(missing))}") if missing else None


@dataclass(frozen=True, slots=True)
class Entitled:
    """`user_tier` caps the tier."""

    def check(self, model: ModelEntry, setting: Setting) -> Reason | None:
        """A tier above the entitlement."""
        if setting.tier <= setting.terms.entitlement:
            return None
        return Reason("entitlement", f"{model.tier} tier, the user is entitled to {TIERS[setting.terms.entitlement]}")


@dataclass(frozen=True, slots=True)
class QualityFloor:
    """`quality_tier` and `task_complexity` set the least tier."""

    def check(self, model: ModelEntry, setting: Setting) -> Reason | None:
        """A tier below the floor."""
        if setting.tier >= setting.terms.floor:
            return None
        return Reason("quality_floor", f"{model.tier} tier, at least {TIERS[setting.terms.floor]} is required")


@dataclass(frozen=True, slots=True)
class BudgetCap:
    """`budget_tier` caps the tier, unless the quality floor lies above it."""

    def check(self, model: ModelEntry, setting: Setting) -> Reason | None:
        """A tier above the cap."""
        if setting.tier <= setting.terms.cap:
            return None
        return Reason("budget_cap", f"{model.tier} tier, the budget allows {TIERS[setting.terms.cap]}")


@dataclass(frozen=True, slots=True)
class Available:
    """An open circuit means the model is not answering."""

    def binds(self, ask: Ask) -> bool:
        """Always."""
        return True

    def check(self, option: Option, ask: Ask, health: Health | None, high: High) -> Reason | None:
        """The circuit is open."""
        if health is None or health.available:
            return None
        if health.retry_in_s is None:
            return Reason("unavailable", "its circuit is open")
        return Reason("unavailable", "its circuit is open, probed again in", value=health.retry_in_s, unit="s")


@dataclass(frozen=True, slots=True)
class WithinRateLimits:
    """A call that the vendor would refuse is not sent.

    Busy slots refuse nothing: they free within seconds, and execution queues for them in order.
    """

    def binds(self, ask: Ask) -> bool:
        """Always."""
        return True

    def check(self, option: Option, ask: Ask, health: Health | None, high: High) -> Reason | None:
        """No request or tokens left."""
        if health is None:
            return None
        if health.requests_left is not None and health.requests_left < 1:
            return Reason("rate_limited", "requests left", value=health.requests_left, limit=1.0)
        if health.tokens_left is not None:
            needed = high[0] + option.config.max_tokens
            if needed > health.tokens_left:
                return Reason("rate_limited", "needs", value=needed, limit=float(health.tokens_left), unit="tokens")
        return None


@dataclass(frozen=True, slots=True)
class FitsContextWindow:
    """Prompt and least useful output must fit."""

    def binds(self, ask: Ask) -> bool:
        """Always."""
        return True

    def check(self, option: Option, ask: Ask, health: Health | None, high: High) -> Reason | None:
        """The window cannot hold the input and the task type's least output."""
        needed = high[0] + option.min_tokens
        if needed <= option.entry.context_window:
            return None
        return Reason("context_window", "needs", value=needed, limit=float(option.entry.context_window), unit="tokens")


@dataclass(frozen=True, slots=True)
class MeetsDeadline:
    """`max_processing_time` against the predicted 95th percentile."""

    def binds(self, ask: Ask) -> bool:
        """When there is a deadline."""
        return ask.deadline_s is not None

    def check(self, option: Option, ask: Ask, health: Health | None, high: High) -> Reason | None:
        """Too slow; what execution saw last precedes the log."""
        limit = ask.deadline_s
        p95 = predicted_p95_s(option, health)
        if limit is None or p95 <= limit:
            return None
        return Reason("deadline", "predicted p95", value=p95, limit=limit, unit="s")


@dataclass(frozen=True, slots=True)
class WithinMaxCost:
    """`max_cost` against the high estimate (S16)."""

    def binds(self, ask: Ask) -> bool:
        """When the caller set a limit."""
        return ask.max_cost_usd is not None

    def check(self, option: Option, ask: Ask, health: Health | None, high: High) -> Reason | None:
        """Too dear, or of unknown price."""
        return _over("max_cost", high[1], ask.max_cost_usd)


@dataclass(frozen=True, slots=True)
class WithinWorkspaceBudget:
    """What the workspace has left, against the high estimate (S18)."""

    def binds(self, ask: Ask) -> bool:
        """When the workspace has a cap."""
        return ask.remaining_usd is not None

    def check(self, option: Option, ask: Ask, health: Health | None, high: High) -> Reason | None:
        """Too dear, or of unknown price."""
        return _over("workspace_budget", high[1], ask.remaining_usd)


def predicted_p95_s(option: Option, health: Health | None) -> float:
    """Predicted 95th percentile in seconds: what execution saw last, else the log, else the prior."""
    return option.outlook.p95_s if health is None or health.p95_latency_s is None else health.p95_latency_s


def _over(code: str, high_usd: float | None, limit_usd: float | None) -> Reason | None:
    if limit_usd is None:
        return None
    if high_usd is None:
        return Reason(code, "its price is unknown, so no budget can be kept")
    return Reason(code, "high estimate", value=high_usd, limit=limit_usd, unit="usd") if high_usd > limit_usd else None
