"""What routing may know of the world at one instant: frozen, versioned, free of I/O (S14)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """One model as execution last saw it.

    Attributes:
        available: False while its circuit is open.
        success_rate: Recent share of successful attempts; None when unobserved.
        p95_latency_s: Predicted 95th percentile in seconds; None when unobserved.
        requests_left: Requests that the rate limit still allows; None means no limit known.
        tokens_left: Tokens that the rate limit still allows; None means no limit known.
        slots_left: Concurrent calls that may start at once; the next ones queue. None means no limit known.
        retry_in_s: Seconds until the circuit is probed again.
    """

    available: bool = True
    success_rate: float | None = None
    p95_latency_s: float | None = None
    requests_left: int | None = None
    tokens_left: int | None = None
    slots_left: int | None = None
    retry_in_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What the log knows of one (task type, segment, model).

    Attributes:
        n: Decisions with a known outcome.
        successes: How many succeeded.
        quality_mean: In [0, 1]; None without quality measurements.
        quality_n: How many measurements.
        latency_mean_s: Mean seconds.
        latency_sd_s: Standard deviation of seconds.
        latency_p95_s: 95th percentile of seconds.
        rating_mean: 1 to 5; None without ratings.
        rating_sd: Standard deviation of the ratings.
        rating_n: How many ratings.
        cost_mean_usd: Mean cost of a decision.
        input_tokens: Low, middle and high quantile (0.1, 0.5, 0.95) of logged input tokens.
        output_tokens: The same for output tokens.
        effective_n: `n` after decay by age.
    """

    n: int = 0
    successes: int = 0
    quality_mean: float | None = None
    quality_n: int = 0
    latency_mean_s: float | None = None
    latency_sd_s: float | None = None
    latency_p95_s: float | None = None
    rating_mean: float | None = None
    rating_sd: float | None = None
    rating_n: int = 0
    cost_mean_usd: float | None = None
    input_tokens: tuple[int, int, int] | None = None
    output_tokens: tuple[int, int, int] | None = None
    effective_n: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the log taught: history by (task type, segment, model key), and efficiency orderings.

    Attributes:
        version: Identifies the log state it was computed from.
        history: Segment `""` holds the whole of a (task type, model).
        orderings: Model keys by cost efficiency, best first, for each task type.
    """

    version: str = "none"
    history: Mapping[tuple[str, str, str], History] = field(default_factory=lambda: MappingProxyType({}))
    orderings: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetView:
    """Money left for a workspace in its current period, in USD; None means no cap."""

    remaining_usd: float | None = None
    version: str = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything besides task, context, config and catalog that a decision may depend on.

    Attributes:
        id: Changes whenever any part changes.
        health: By model key; a missing key is healthy and unobserved.
        evidence: What the log taught.
        budget: What is left to spend.
    """

    id: str = "empty"
    health: Mapping[str, Health] = field(default_factory=lambda: MappingProxyType({}))
    evidence: Evidence = field(default_factory=Evidence)
    budget: BudgetView = field(default_factory=BudgetView)
