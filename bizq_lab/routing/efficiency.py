"""Models by cost per successful task, shrunk to the hand-made ordering while data is thin (S17). Must not know budgets.

The hand-made ordering has no numbers, so it borrows them: the prior costs per success of the models, sorted, are given
to its places in turn. Data then pulls each model's figure away from its borrowed one, in logarithms:
`(n * ln(data) + 20 * ln(borrowed)) / (n + 20)`. Without data this is the hand-made ordering exactly.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bizq_lab.routing.explore import typical_cost_usd
from bizq_lab.routing.outlook import NO_HISTORY

if TYPE_CHECKING:
    from bizq_lab.core.snapshot import History
    from bizq_lab.routing.plan import Plan

PRIOR_N = 20.0
LEAST_USD = 1e-9
LEAST_QUALITY = 0.01


def ordering(plan: Plan) -> tuple[str, ...]:
    """Keys of the plan's models, best value for money first."""
    prior = {option.key: _prior_usd(typical_cost_usd(option), option.entry.quality_prior) for option in plan.options}
    stated = plan.evidence.orderings.get(plan.entry.type) or plan.entry.efficiency
    by_hand = [key for key in stated if key in prior]
    by_hand += sorted(prior.keys() - set(by_hand), key=lambda key: (prior[key], key))
    borrowed = dict(zip(by_hand, sorted(prior.values()), strict=True))
    shrunk = {
        key: _shrunk(plan.evidence.history.get((plan.entry.type, "", key), NO_HISTORY), borrowed[key])
        for key in by_hand
    }
    place = {key: number for number, key in enumerate(by_hand)}
    return tuple(sorted(by_hand, key=lambda key: (shrunk[key], place[key])))


def _prior_usd(cost_usd: float, quality: float) -> float:
    return max(LEAST_USD, cost_usd) / max(LEAST_QUALITY, quality)


def _shrunk(history: History, borrowed_usd: float) -> float:
    """Logarithm of USD per success."""
    if history.cost_mean_usd is None or not history.n:
        return math.log(borrowed_usd)
    success = (history.successes + 0.5) / (history.n + 1.0)
    seen = max(LEAST_USD, history.cost_mean_usd) / success
    n = history.effective_n
    return (n * math.log(seen) + PRIOR_N * math.log(borrowed_usd)) / (n + PRIOR_N)
