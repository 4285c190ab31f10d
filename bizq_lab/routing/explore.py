"""Thompson sampling and epsilon-greedy over utility, and the probabilities they choose by (S26). Must not know the log.

A draw is never made from the posterior itself: the probability that each option is best is computed once for a state
of the evidence, mixed with a floor, sampled from, and logged. So off-policy evaluation and replay are exact.

Posterior of an option's utility: quality is Beta with the catalog's prior worth `minimum_n` observations, seconds are
normal around their mean, cost is taken at its expectation for a typical input. Every option draws from a stream of
its own, named by its key, so that options meet the same random numbers in every feasible set (common random numbers).

Source: Thompson 1933; Russo et al. 2018, A Tutorial on Thompson Sampling; Sutton & Barto, section 2.2 (epsilon-greedy).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bizq_lab.core.ids import derived_seed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bizq_lab.config import AdaptivePolicy
    from bizq_lab.routing.option import Offer, Option
    from bizq_lab.routing.plan import Plan

TYPICAL_INPUT_TOKENS = 500


def propensities(plan: Plan, policy: AdaptivePolicy, offers: Sequence[Offer]) -> Mapping[str, float]:
    """Probability of choosing each feasible option, by key; each at least `floor / K`, and they sum to 1.

    Args:
        plan: Holds the evidence, and caches the answer for this feasible set.
        policy: Kind, floor and number of draws.
        offers: The feasible set; nothing outside it is ever chosen.
    """
    options = sorted((offer.option for offer in offers), key=lambda option: option.key)
    keys = tuple(option.key for option in options)
    cached = plan.explored.get(keys)
    if cached is None:
        best = _best_by_mean(plan, options) if policy.kind == "epsilon_greedy" else _best_by_draw(plan, policy, options)
        floor = policy.floor / len(options)
        cached = tuple((1.0 - policy.floor) * share + floor for share in best)
        plan.explored[keys] = cached
    return dict(zip(keys, cached, strict=True))


def mean_utility_usd(plan: Plan, option: Option, policy_quality: float | None = None) -> float:
    """Expected utility at a typical input."""
    quality = option.outlook.quality if policy_quality is None else policy_quality
    waiting = plan.terms.latency_usd_per_s * option.outlook.seconds
    return plan.entry.value_usd * quality - waiting - option.cost_weight * typical_cost_usd(option)


def _best_by_mean(plan: Plan, options: Sequence[Option]) -> list[float]:
    best = min(options, key=lambda option: (-mean_utility_usd(plan, option), option.key))
    return [1.0 if option is best else 0.0 for option in options]


def _best_by_draw(plan: Plan, policy: AdaptivePolicy, options: Sequence[Option]) -> list[float]:
    import numpy as np  # noqa: PLC0415 - routing without exploration needs no arrays

    draws = np.stack([_utility_draws(plan, policy, option) for option in options])
    counts = np.bincount(np.argmax(draws, axis=0), minlength=len(options))
    return [int(count) / policy.draws for count in counts]


def _utility_draws(plan: Plan, policy: AdaptivePolicy, option: Option) -> NDArray[np.float64]:
    import numpy as np  # noqa: PLC0415 - routing without exploration needs no arrays

    outlook = option.outlook
    stream = np.random.Generator(np.random.PCG64(derived_seed("thompson", plan.entry.type, option.key)))
    successes, failures = quality_posterior(option, policy.minimum_n)
    quality = stream.beta(successes, failures, policy.draws)
    seconds = outlook.seconds + outlook.seconds_sd * stream.standard_normal(policy.draws)
    cost = option.cost_weight * typical_cost_usd(option)
    utility: NDArray[np.float64] = plan.entry.value_usd * quality - plan.terms.latency_usd_per_s * seconds - cost
    return utility


def quality_posterior(option: Option, prior_n: float) -> tuple[float, float]:
    """Parameters of the Beta posterior of quality; bounded qualities use it as a conservative stand-in."""
    prior = min(0.99, max(0.01, option.entry.quality_prior))
    seen = option.outlook.observed_quality
    n = option.outlook.quality_n
    return prior_n * prior + n * seen, prior_n * (1.0 - prior) + n * (1.0 - seen)


def typical_cost_usd(option: Option) -> float:
    """Expected cost at a typical input; an unknown price counts as nothing, since no budget binds where it is used."""
    rates = option.outlook.rates
    if not rates.known:
        return 0.0
    return rates.mid_usd + rates.input_usd * (option.template_tokens + TYPICAL_INPUT_TOKENS)
