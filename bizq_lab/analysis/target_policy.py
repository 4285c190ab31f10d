"""A config as a policy: the probability of every action for a kind of task. Knows the router, no log and no estimator.

The router itself says what a config does with a context; nothing of its rules is repeated here. Health and rate limits
act after the assignment and take no part (S15).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from bizq_lab.core.decision import DEFAULT_ARM
from bizq_lab.core.snapshot import Evidence, Snapshot
from bizq_lab.core.task import RoutingContext, Task
from bizq_lab.errors import NoFeasibleModel
from bizq_lab.routing import AITaskRouter

if TYPE_CHECKING:
    from bizq_lab.catalog import Catalog
    from bizq_lab.config import RoutingConfig


class Action(NamedTuple):
    """What is done with a task: one model, called one way. Two arms that do the same are one action.

    Attributes:
        model: Catalog key.
        prompt: Prompt variant.
        temperature: As sent; None where the model takes none.
        variant: The arm's id where its own token limit makes it another action than its model's; else empty.
    """

    model: str
    prompt: str
    temperature: float | None
    variant: str = ""


class Choice(NamedTuple):
    """An arm, what it does, and the probability of it."""

    arm: str
    action: Action
    share: float


class Policy(NamedTuple):
    """What a config does with one kind of task, and how the context weighs cost and time (S11)."""

    choices: tuple[Choice, ...]
    cost_weight: float
    latency_usd_per_s: float


def capped_arms(*configs: RoutingConfig | None) -> frozenset[str]:
    """Arms with a token limit of their own in any of the configs."""
    return frozenset(
        arm
        for config in configs
        if config is not None
        for arm, spec in config.arms.items()
        if spec.max_tokens is not None
    )


class TargetPolicy:
    """A config, asked what it would do."""

    def __init__(
        self,
        catalog: Catalog,
        config: RoutingConfig | None,
        evidence: Evidence,
        *,
        capped: frozenset[str] = frozenset(),
    ) -> None:
        """Wire a router for it; `capped` names the arms that are told apart by their own token limit.

        Raises:
            UnknownModel: The config names a model that the catalog does not have.
        """
        self.config = config
        self._capped = capped
        self._router = AITaskRouter(catalog, config)
        self._snapshot = Snapshot(id=f"evaluate/{evidence.version}", evidence=evidence)

    def needs_input(self, task_types: Iterable[str]) -> bool:
        """Whether its choice depends on the task itself: the rules and adaptive policies weigh a task's size."""
        return any(self._by_rules(name) for name in task_types)

    def needs_unit(self) -> bool:
        """Whether its choice depends on who asks: experiments that share a namespace split its units."""
        return self.config is not None and any(spec.namespace for spec in self.config.experiments)

    def routed(self) -> frozenset[str]:
        """Task types that the config says something of."""
        if self.config is None:
            return frozenset()
        named = {name for name, routing in self.config.tasks.items() if routing.weights or routing.adaptive}
        return frozenset(named | {spec.task_type for spec in self.config.experiments})

    def policy(self, task_type: str, context: Mapping[str, Any], task_input: object, unit: str) -> Policy:
        """What it does with a task of this type in this context; no choices where nothing could serve it.

        Args:
            task_type: Task type.
            context: As logged; its workspace does not matter.
            task_input: As logged; anything but a mapping counts as an empty input.
            unit: Stands for whoever asks.
        """
        asked = RoutingContext.model_validate({**context, "workspace_id": unit})
        task = Task(id=unit, key=unit, type=task_type, input=task_input if isinstance(task_input, dict) else {})
        plan = self._router.plan(task_type, asked, self._snapshot.evidence)
        weights = plan.terms.cost_weight, plan.terms.latency_usd_per_s
        try:
            decision = self._router.route_task(task, asked, snapshot=self._snapshot)
        except NoFeasibleModel:
            return Policy((), *weights)
        models = {option.key: option for option in plan.options}
        choices = []
        for row in decision.candidates:
            if row.propensity <= 0.0:
                continue
            option = plan.arms.get(row.arm) if row.arm != DEFAULT_ARM else None
            option = option or models.get(row.model)
            if option is not None:
                made = option.config
                arm = DEFAULT_ARM if decision.policy == "rules" else row.arm
                action = Action(made.key, made.prompt, made.temperature, arm if arm in self._capped else "")
                choices.append(Choice(arm, action, row.propensity))
        return Policy(tuple(choices), *weights)

    def _by_rules(self, task_type: str) -> bool:
        routing = None if self.config is None else self.config.tasks.get(task_type)
        splits = [] if self.config is None else [s.weights for s in self.config.experiments if s.task_type == task_type]
        if routing is not None and routing.weights:
            splits.append(routing.weights)
        return not splits or any(weights.get(DEFAULT_ARM, 0) for weights in splits)
