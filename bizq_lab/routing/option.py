"""One thing that could be chosen, with everything known before the task itself is seen. Must not know who chooses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from bizq_lab.catalog.schema import ModelEntry
    from bizq_lab.core.model import ModelConfig, Reason
    from bizq_lab.routing.outlook import Outlook


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A model, or an arm of a config, configured for one task type under one context's wishes.

    Attributes:
        arm: Arm id; the model's key when it is no arm of a config.
        key: Catalog key.
        entry: Catalog entry.
        config: Complete, with all adjustments that follow from the context.
        tier: Rank of the tier.
        template_tokens: Tokens of the prompt template itself.
        outlook: What to expect.
        worth_usd: `value_usd * quality - latency price * seconds`: utility before cost.
        cost_weight: USD of utility per USD of cost.
        violations: Constraints that the context alone violates, all of them.
        min_tokens: Least output tokens that must fit the context window.
        flags: Codes that every decision for this option logs.
    """

    arm: str
    key: str
    entry: ModelEntry
    config: ModelConfig
    tier: int
    template_tokens: float
    outlook: Outlook
    worth_usd: float
    cost_weight: float
    violations: tuple[Reason, ...]
    min_tokens: int
    flags: tuple[str, ...] = ()

    def utility_usd(self, cost_usd: float) -> float:
        """`value_usd * quality - cost_weight * cost - latency price * seconds`, all in USD (S7, S11)."""
        return self.worth_usd - self.cost_weight * cost_usd


class Offer(NamedTuple):
    """A feasible option at its price for this task. Offers sort best first: utility, then cost, then key (S13).

    Two arms of one model may tie in all three; their ids decide, since options themselves have no order.
    """

    loss_usd: float
    cost_usd: float
    key: str
    arm: str
    option: Option
