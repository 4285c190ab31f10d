"""What each option would cost this task, and whether it may serve it. Must not know who chooses among them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from bizq_lab.core.decision import Candidate, CostEstimate
from bizq_lab.routing.constraints import Ask, Check, High, predicted_p95_s
from bizq_lab.routing.option import Offer, Option
from bizq_lab.routing.outlook import Rates, input_tokens
from bizq_lab.routing.precedence import PASSING
from bizq_lab.routing.tokens import Tokenizer, count_input

if TYPE_CHECKING:
    from bizq_lab.core.snapshot import Health, Snapshot
    from bizq_lab.core.task import RoutingContext, Task

INFINITE_USD = float("inf")  # ranks an unknown price last; it is never shown


class Size(NamedTuple):
    """How large a task's input is.

    Attributes:
        tokens: Expected tokens, without the prompt template unless `stated`.
        stated: The caller gave the tokens of the whole prompt; they are exact.
    """

    tokens: float
    stated: bool


class Appraisal(NamedTuple):
    """Every candidate as it is logged, and the feasible ones as offers, best first."""

    candidates: list[Candidate]
    offers: list[Offer]


def size_of(task: Task, context: RoutingContext, count: Tokenizer) -> Size:
    """The input's tokens: `estimated_tokens`, else counted by a tokenizer or by script (S16)."""
    if context.estimated_tokens is not None:
        return Size(float(context.estimated_tokens), stated=True)
    return Size(count_input(task.input, count), stated=False)


def ask_of(context: RoutingContext, snapshot: Snapshot) -> tuple[Ask, tuple[Check, ...]]:
    """What the task asks for, and the constraints that this can violate."""
    ask = Ask(context.max_cost, context.max_processing_time, snapshot.budget.remaining_usd)
    return ask, tuple([rule.check for rule in PASSING if rule.binds(ask)])


def prompt_tokens(rates: Rates, template_tokens: float, size: Size) -> tuple[float, float, float]:
    """Low, expected and high input tokens of a whole prompt."""
    if size.stated:
        return size.tokens, size.tokens, size.tokens
    return input_tokens(size.tokens + template_tokens, rates.logged_input)


def estimate(rates: Rates, template_tokens: float, key: str, size: Size) -> CostEstimate:
    """The one estimate (S16): router and calculator both read this."""
    low_in, mid_in, high_in = prompt_tokens(rates, template_tokens, size)
    if not rates.known:
        return CostEstimate(round(mid_in), rates.output_tokens, None, None, None, rates.confidence, key)
    return CostEstimate(
        input_tokens=round(mid_in),
        output_tokens=rates.output_tokens,
        estimated_cost=mid_in * rates.input_usd + rates.mid_usd,
        low=low_in * rates.input_usd + rates.low_usd,
        high=high_in * rates.input_usd + rates.high_usd,
        confidence=rates.confidence,
        model=key,
    )


def appraise(
    options: Iterable[Option], size: Size, ask: Ask, checks: tuple[Check, ...], health: Mapping[str, Health]
) -> Appraisal:
    """Check every option against every constraint; never stop at the first (S12)."""
    candidates: list[Candidate] = []
    offers: list[Offer] = []
    tokens, stated = size
    for option in options:
        key, outlook = option.key, option.outlook
        rates, seen = outlook.rates, health.get(key)
        if stated:
            mid_in = high_in = tokens
        else:
            _, mid_in, high_in = input_tokens(tokens + option.template_tokens, rates.logged_input)
        if rates.known:
            cost: float | None = mid_in * rates.input_usd + rates.mid_usd
            high: High = (high_in, high_in * rates.input_usd + rates.high_usd)
        else:
            cost, high = None, (high_in, None)
        reasons = option.violations
        for check in checks:
            reason = check(option, ask, seen, high)
            if reason is not None:
                reasons = (*reasons, reason)
        utility = None if cost is None else option.worth_usd - option.cost_weight * cost
        p95 = predicted_p95_s(option, seen)
        candidates.append(Candidate(option.arm, key, not reasons, reasons, utility, cost, p95, outlook.quality))
        if not reasons:
            loss, price = (INFINITE_USD, INFINITE_USD) if cost is None or utility is None else (-utility, cost)
            offers.append(Offer(loss, price, key, option.arm, option))
    offers.sort()
    return Appraisal(candidates, offers)
