# ruff: noqa: ARG001 - amendments share one signature, and so do narrowings, whatever each of them looks at
"""How wishes change a config, and how they narrow the choice (S9 to S11). Must not know the order in which they apply.

An *amendment* changes the parameters of every option. A *narrowing* picks among feasible offers; one that would leave
nothing yields, and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from bizq_lab.core.ids import derived_seed
from bizq_lab.core.model import ModelConfig, Reason

if TYPE_CHECKING:
    from bizq_lab.catalog.schema import TaskTypeEntry
    from bizq_lab.routing.option import Offer
    from bizq_lab.routing.terms import Terms

URGENT_MAX_TOKENS = 1000
PREMIUM_COOLING = 0.1
MIN_COOLED_TEMPERATURE = 0.1
_SEED_BITS = 31  # APIs take a signed 32-bit integer


class Narrowed(NamedTuple):
    """Offers that remain, best first, and why."""

    offers: Sequence[Offer]
    reason: Reason | None = None


def pin(config: ModelConfig, terms: Terms, entry: TaskTypeEntry) -> ModelConfig:
    """`requires_consistency`: temperature 0 and a fixed seed, where the API accepts them."""
    if not terms.consistent:
        return config
    cold = 0.0 if "temperature" in config.accepts else None
    seed = derived_seed("consistency", entry.type) >> (63 - _SEED_BITS) if "seed" in config.accepts else None
    said = ", ".join(
        name if name in config.accepts else f"{name} not accepted by the API" for name in ("temperature", "seed")
    )
    return config.because(Reason("consistency", f"pinned: {said}"), temperature=cold, seed=seed)


def cool(config: ModelConfig, terms: Terms, entry: TaskTypeEntry) -> ModelConfig:
    """Premium quality: a little less random, as the specification has it."""
    if not terms.premium_quality or config.temperature is None or config.temperature <= MIN_COOLED_TEMPERATURE:
        return config
    cooler = max(MIN_COOLED_TEMPERATURE, round(config.temperature - PREMIUM_COOLING, 6))
    reason = Reason("premium_quality", "temperature lowered", value=cooler, limit=config.temperature)
    return config.because(reason, temperature=cooler)


def shorten(config: ModelConfig, terms: Terms, entry: TaskTypeEntry) -> ModelConfig:
    """`urgent`: at most 1000 output tokens, but never below the task type's minimum."""
    limit = max(URGENT_MAX_TOKENS, entry.min_tokens)
    if not terms.urgent or config.max_tokens <= limit:
        return config
    return config.because(Reason("urgent", "max_tokens capped", value=limit, unit="tokens"), max_tokens=limit)


def cheapest_on_conflict(offers: Sequence[Offer], terms: Terms, base_key: str) -> Narrowed:
    """A budget cap below the quality floor: the cheapest model that meets the floor (S9)."""
    if not terms.conflict:
        return Narrowed(offers)
    cheapest = min(offers, key=lambda offer: (offer.cost_usd, offer.loss_usd, offer.key))
    return Narrowed([cheapest], Reason("budget_quality_conflict", "the cheapest model that meets the quality floor"))


def fast_first(offers: Sequence[Offer], terms: Terms, base_key: str) -> Narrowed:
    """`urgent`: fast models, if any is feasible."""
    if not terms.urgent:
        return Narrowed(offers)
    fast = [offer for offer in offers if offer.option.entry.speed_tier == "fast"]
    if fast:
        return Narrowed(fast, Reason("urgent", "fast models preferred"))
    return Narrowed(offers, Reason("urgent", "no fast model is feasible"))


def same_tier_elsewhere(offers: Sequence[Offer], terms: Terms, base_key: str) -> Narrowed:
    """`preferred_provider`: that provider's model of the same tier, never the other provider's model name (S10)."""
    if terms.provider is None:
        return Narrowed(offers)
    current = keep_base(offers, terms, base_key).offers[0].option
    if current.entry.provider == terms.provider:
        return Narrowed([offer for offer in offers if offer.option.entry.provider == terms.provider])
    there = [o for o in offers if o.option.entry.provider == terms.provider and o.option.tier == current.tier]
    if there:
        return Narrowed(there, Reason("preferred_provider", f"moved to {terms.provider}, same tier"))
    reason = Reason("preferred_provider_unavailable", f"{terms.provider} has no feasible {current.entry.tier} model")
    return Narrowed(offers, reason)


def keep_base(offers: Sequence[Offer], terms: Terms, base_key: str) -> Narrowed:
    """The matrix's own model, where nothing above spoke against it."""
    base = [offer for offer in offers if offer.key == base_key]
    return (
        Narrowed(base)
        if base
        else Narrowed([min(offers)], Reason("best_utility", f"the highest of what remained, without {base_key}"))
    )
