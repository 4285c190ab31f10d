"""What routing decided and why. Knows neither how it was computed nor where it is logged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from bizq_lab.core.model import ModelConfig, Reason
from bizq_lab.core.task import RoutingContext, Task

Policy = Literal["experiment", "weights", "adaptive", "rules"]
Design = Literal["observational", "randomised", "paired"]
DEFAULT_ARM = "default"
HUMAN = "human"  # the arm and the model of people who took over (S21)
RESERVED_ARMS = {DEFAULT_ARM: "what the rules choose", HUMAN: "people who take over"}
PPB = 1_000_000_000


class CostEstimate(NamedTuple):
    """What one execution will cost (S16).

    Attributes:
        input_tokens: Expected input tokens.
        output_tokens: Expected output tokens.
        estimated_cost: Expected USD; None when the price is unknown.
        low: USD at the low quantile.
        high: USD at the high quantile; routing filters on it.
        confidence: In [0, 1], from how much of the log backs the estimate.
        model: Catalog key.
    """

    input_tokens: int
    output_tokens: int
    estimated_cost: float | None
    low: float | None
    high: float | None
    confidence: float
    model: str


class Candidate(NamedTuple):
    """One model or arm that was considered.

    Attributes:
        arm: Arm id; equal to `model` when the policy is `rules`.
        model: Catalog key.
        eligible: Whether it passed every hard constraint.
        reasons: Why not, or what was noted.
        utility_usd: Expected utility; None when not computed.
        cost_usd: Expected cost; None when the price is unknown.
        latency_s: Predicted 95th percentile; None when unknown.
        quality: Expected quality in [0, 1]; None when unknown.
        propensity: Probability with which the policy chooses it.
    """

    arm: str
    model: str
    eligible: bool
    reasons: tuple[Reason, ...] = ()
    utility_usd: float | None = None
    cost_usd: float | None = None
    latency_s: float | None = None
    quality: float | None = None
    propensity: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class RoutingDecision:
    """A decision that can be explained and replayed (S14).

    Attributes:
        decision_id: Given by the caller, or derived from the inputs.
        task: The task as routed.
        context: The original context, never the adjusted one.
        base_source: Where the base config came from: `exact`, `prefix:content.*` or `default` (S1).
        segment: Cell of the history this decision belongs to (S25).
        arm: Assigned arm; `default` for what the rules choose.
        policy: Which policy decided (S15).
        design: How the comparison was designed.
        config: The chosen model with its parameters.
        fallbacks: The chain after it, in order, without repeats (S12).
        candidates: Everything considered.
        propensity: Probability with which this policy chose this arm, in (0, 1].
        estimate: Cost estimate of `config`.
        unit: Unit of sticky assignment.
        config_hash: Routing config in force.
        catalog_version: Price book and catalog in force.
        snapshot_id: Version of the snapshot that was read.
        seed: Seed of any draw that was made.
        experiment: Experiment id, or empty.
        stage: Ramp stage of a rollout, or empty.
        flags: Codes such as `max_tokens_clamped`, `truncation_risk`, `budget_quality_conflict`.
    """

    decision_id: str
    task: Task
    context: RoutingContext
    base_source: str
    segment: str
    arm: str
    policy: Policy
    design: Design
    config: ModelConfig
    fallbacks: tuple[ModelConfig, ...]
    candidates: tuple[Candidate, ...]
    propensity: float
    estimate: CostEstimate
    unit: str
    config_hash: str
    catalog_version: str
    snapshot_id: str
    seed: int
    experiment: str = ""
    stage: str = ""
    flags: tuple[str, ...] = ()

    @property
    def provider(self) -> str:
        """Provider of the chosen model."""
        return self.config.provider

    @property
    def model(self) -> str:
        """Name of the chosen model."""
        return self.config.model

    @property
    def temperature(self) -> float | None:
        """Requested temperature."""
        return self.config.temperature

    @property
    def max_tokens(self) -> int:
        """Most output tokens."""
        return self.config.max_tokens

    @property
    def reasoning(self) -> str:
        """Why, as prose."""
        return self.config.reasoning

    def __repr__(self) -> str:
        """One line; `explain` says the rest."""
        return (
            f"RoutingDecision({self.task.type} -> {self.config.key}, arm={self.arm!r}, policy={self.policy!r}, "
            f"propensity={self.propensity:g})"
        )

    def explain(self) -> str:
        """Every candidate, constraint and number, and why the chosen one won, as a plain table."""
        from bizq_lab.core.display import text_table  # noqa: PLC0415 - routing a task must not load what shows it
        from bizq_lab.core.explanation import explain  # noqa: PLC0415 - as above

        return text_table(explain(self))

    def _repr_html_(self) -> str:
        from bizq_lab.core.explanation import explain  # noqa: PLC0415 - as above
        from bizq_lab.core.markup import html_table  # noqa: PLC0415 - as above

        return html_table(explain(self))
