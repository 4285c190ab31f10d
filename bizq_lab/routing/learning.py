"""The specification's three thresholds, on confidence bounds (S25, S26). Must not know models or where history is kept.

A threshold fires when the whole one-sided 95 % interval lies beyond it and at least `minimum_n` effective observations
stand behind it. `effective_n` decays with age, so a threshold that fired long ago stops firing, and the original model
gets another chance. A missing rating is missing, never low.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bizq_lab.core.model import Reason
from bizq_lab.core.task import WorkspacePreferences

if TYPE_CHECKING:
    from bizq_lab.core.snapshot import History
    from bizq_lab.core.task import RoutingContext

Z_ONE_SIDED_95 = 1.6448536269514722


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """When history changes the wishes.

    Attributes:
        success_rate: Below it, premium quality is asked for.
        time_share: Above this share of `max_processing_time`, speed is preferred.
        rating: Below it, premium quality and a premium budget are asked for.
        minimum_n: Fewest effective observations.
    """

    success_rate: float = 0.8
    time_share: float = 0.8
    rating: float = 4.0
    minimum_n: float = 20.0


def adjust(
    context: RoutingContext, history: History, thresholds: Thresholds
) -> tuple[RoutingContext, tuple[Reason, ...]]:
    """What history makes of a context: the same one, or one with other wishes and the reasons why.

    Args:
        context: The original.
        history: Of the model that the rules alone would choose, in the context's segment.
        thresholds: When to act.
    """
    changes: dict[str, object] = {}
    reasons: list[Reason] = []
    if (rate := success_upper(history, thresholds)) is not None and rate < thresholds.success_rate:
        changes["quality_tier"] = "premium"
        reasons.append(Reason("learned_success_rate", "at most", rate, thresholds.success_rate))
    limit = None if context.max_processing_time is None else thresholds.time_share * context.max_processing_time
    if limit is not None and (time := seconds_lower(history, thresholds)) is not None and time > limit:
        wishes = context.workspace_preferences or WorkspacePreferences()
        changes["workspace_preferences"] = wishes.model_copy(update={"quality_over_speed": False})
        reasons.append(Reason("learned_response_time", "at least", time, limit, "s"))
    if (rating := rating_upper(history, thresholds)) is not None and rating < thresholds.rating:
        changes |= {"quality_tier": "premium", "budget_tier": "premium"}
        reasons.append(Reason("learned_satisfaction", "at most", rating, thresholds.rating))
    return (context.model_copy(update=changes), tuple(reasons)) if changes else (context, ())


def escalates_in_vain(before: History, after: History, thresholds: Thresholds) -> bool:
    """Whether the log shows that the model escalated to succeeds no more often: then the escalation is undone."""
    if min(before.effective_n, after.effective_n) < thresholds.minimum_n or not before.n or not after.n:
        return False
    return after.successes / after.n <= before.successes / before.n


def success_upper(history: History, thresholds: Thresholds) -> float | None:
    """Upper bound of the success rate (Wilson 1927, one-sided 95 %); None while n is too small."""
    n = history.effective_n
    if n < thresholds.minimum_n or not history.n:
        return None
    rate, z2 = history.successes / history.n, Z_ONE_SIDED_95**2
    spread = Z_ONE_SIDED_95 * math.sqrt(rate * (1.0 - rate) / n + z2 / (4.0 * n * n))
    return (rate + z2 / (2.0 * n) + spread) / (1.0 + z2 / n)


def seconds_lower(history: History, thresholds: Thresholds) -> float | None:
    """Lower bound of the mean response time in seconds (normal, one-sided 95 %)."""
    if history.effective_n < thresholds.minimum_n or history.latency_mean_s is None:
        return None
    error = (history.latency_sd_s or 0.0) / math.sqrt(history.effective_n)
    return history.latency_mean_s - Z_ONE_SIDED_95 * error


def rating_upper(history: History, thresholds: Thresholds) -> float | None:
    """Upper bound of the mean rating (normal, one-sided 95 %); None without enough ratings."""
    if history.rating_mean is None or not history.n:
        return None
    n = history.rating_n * history.effective_n / history.n
    if n < thresholds.minimum_n:
        return None
    return history.rating_mean + Z_ONE_SIDED_95 * (history.rating_sd or 0.0) / math.sqrt(n)
