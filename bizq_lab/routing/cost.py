"""CostCalculator: what a task will cost, and the best model that a budget allows (S16, S17). Must not know the log."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bizq_lab.core.decision import CostEstimate, RoutingDecision
from bizq_lab.core.model import ModelConfig, Reason
from bizq_lab.core.noun import Noun
from bizq_lab.core.snapshot import Evidence, Snapshot
from bizq_lab.errors import InputError
from bizq_lab.routing.appraise import appraise, ask_of, size_of
from bizq_lab.routing.efficiency import ordering
from bizq_lab.routing.router import AITaskRouter
from bizq_lab.routing.settle import infeasible
from bizq_lab.routing.tokens import Tokenizer, count_tokens

if TYPE_CHECKING:
    from bizq_lab.catalog import Catalog
    from bizq_lab.config import RoutingConfig
    from bizq_lab.core.result import Cell
    from bizq_lab.core.task import RoutingContext, Task


class CostCalculator(Noun):
    """Estimates with the router's own function, so that both always agree.

    Example:
        >>> calculator = CostCalculator()
        >>> task = Task(type="content.write_product_description", input={"product_name": "Wireless Headphones"})
        >>> calculator.optimize_for_budget(task, RoutingContext(workspace_id="ws_123"), 0.25).tier
        'economy'
    """

    def __init__(
        self,
        catalog: Catalog | None = None,
        evidence: Evidence | None = None,
        *,
        config: RoutingConfig | None = None,
        tokenizer: Tokenizer | None = None,
    ) -> None:
        """Estimate by these prices and this log.

        Args:
            catalog: Prices and task types; the `current` preset if None.
            evidence: What the log taught; None means the catalog's priors.
            config: Limits the allowed models, if given.
            tokenizer: As for `AITaskRouter`; give both the same.
        """
        self._router = AITaskRouter(catalog, config, tokenizer=tokenizer)
        self._count = tokenizer or count_tokens
        self._snapshot = Snapshot(evidence=evidence or Evidence())

    def facts(self) -> dict[str, Cell]:
        """Whose prices and whose experience it uses."""
        return {**self._router.facts(), "evidence": self._snapshot.evidence.version or "the catalog's priors"}

    def estimate_task_cost(
        self, task: Task, config: ModelConfig | RoutingDecision, context: RoutingContext
    ) -> CostEstimate:
        """Tokens and USD of one execution, with a low and a high estimate and a confidence.

        Args:
            task: What to do.
            config: A model's config, or a decision.
            context: Gives `estimated_tokens` and the complexity.

        Raises:
            UnknownModel: The config names a model that the catalog does not have.
        """
        chosen = config.config if isinstance(config, RoutingDecision) else config
        return self._router.quote(task, chosen, context, self._snapshot.evidence)

    def optimize_for_budget(
        self, task: Task, context: RoutingContext, max_cost: float, *, snapshot: Snapshot | None = None
    ) -> ModelConfig:
        """The most cost-efficient model that fits, with the task's parameters.

        Models are tried in the order of their cost per successful task (see `efficiency`). One fits if it violates no
        constraint of the context, and its high estimate is within `min(max_cost, context.max_cost)` USD.

        Args:
            task: What to do.
            context: Its quality floor, deadline and residency hold here too.
            max_cost: USD.
            snapshot: Health and budget at this instant; None means all healthy.

        Raises:
            InputError: `max_cost` is negative or not finite.
            NoFeasibleModel: Nothing fits.
        """
        if not 0.0 <= max_cost < math.inf:
            message = f"max_cost == {max_cost!r}, must be a finite number of USD, not negative"
            raise InputError(message)
        cap = max_cost if context.max_cost is None else min(max_cost, context.max_cost)
        wishes = context.model_copy(update={"max_cost": cap})
        now = self._snapshot if snapshot is None else snapshot
        plan = self._router.plan(task.type, wishes, now.evidence)
        ask, checks = ask_of(wishes, now)
        appraisal = appraise(plan.options, size_of(task, wishes, self._count), ask, checks, now.health)
        offers = {offer.key: offer for offer in appraisal.offers}
        for place, key in enumerate(ordering(plan), start=1):
            if key in offers:
                reason = Reason("budget_optimized", f"place {place} by cost per success, within", cap, unit="usd")
                return offers[key].option.config.because(reason)
        raise infeasible(plan, appraisal)
