"""What the rules choose among feasible offers, and what stands behind it. Must not know experiments or weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from bizq_lab.routing.precedence import NARROWINGS

if TYPE_CHECKING:
    from bizq_lab.core.model import ModelConfig, Reason
    from bizq_lab.routing.option import Offer, Option
    from bizq_lab.routing.terms import Terms

MAX_FALLBACKS = 4


class Choice(NamedTuple):
    """The option chosen, and what moved the choice there."""

    option: Option
    reasons: tuple[Reason, ...]


def by_rules(offers: Sequence[Offer], terms: Terms, base_key: str) -> Choice:
    """Narrow the offers, highest precedence first, and take the best of what remains.

    Args:
        offers: Feasible, at least one, best first.
        terms: The context's wishes.
        base_key: The matrix's own model.
    """
    reasons: tuple[Reason, ...] = ()
    for narrow in NARROWINGS:
        offers, reason = narrow(offers, terms, base_key)
        if reason is not None:
            reasons = (*reasons, reason)
    return Choice(offers[0].option, reasons)


def fallbacks(chosen: Option, offers: Sequence[Offer], terms: Terms) -> tuple[ModelConfig, ...]:
    """The chain after the chosen model: feasible, each model once, another provider first, then by utility (S12).

    A local model fails over to local ones only, unless the workspace allows more (S22). Under `requires_consistency`
    the chain holds the same model elsewhere, unless the workspace allows another.
    """
    behind = [offer.option for offer in offers if offer.key != chosen.key]
    if chosen.entry.residency == "local" and not terms.remote_failover:
        behind = [option for option in behind if option.entry.residency == "local"]
    if terms.consistent and not terms.model_failover:
        behind = [option for option in behind if option.entry.model == chosen.entry.model]
    provider = chosen.entry.provider
    for place, option in enumerate(behind):
        if option.entry.provider != provider:
            behind.insert(0, behind.pop(place))
            break
    return tuple([option.config for option in behind[:MAX_FALLBACKS]])
