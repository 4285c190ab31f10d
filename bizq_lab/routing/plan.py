"""What routing one kind of task needs and no single task changes, computed once. Must not know tasks.

A plan belongs to one task type, one set of a context's wishes and one state of the evidence; deciding with it is then a
matter of microseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from bizq_lab.config import AdaptivePolicy, ArmSpec, RoutingConfig, TaskRouting
from bizq_lab.config.assign import PreparedArms, prepare
from bizq_lab.core.decision import DEFAULT_ARM
from bizq_lab.errors import InputError, UnknownProvider
from bizq_lab.routing.constraints import Setting
from bizq_lab.routing.option import Option
from bizq_lab.routing.outlook import Outlook, cell, outlook, segment_of
from bizq_lab.routing.precedence import AMENDMENTS, STANDING
from bizq_lab.routing.terms import TIER_RANK, Terms, terms_of
from bizq_lab.routing.tokens import Tokenizer, count_tokens

if TYPE_CHECKING:
    from bizq_lab.catalog import Catalog
    from bizq_lab.catalog.schema import TaskTypeEntry
    from bizq_lab.core.model import ModelConfig
    from bizq_lab.core.snapshot import Evidence
    from bizq_lab.core.task import RoutingContext

PLAIN_ROUTING = TaskRouting()


class Split(NamedTuple):
    """A hash split over the arms that the context leaves eligible.

    Attributes:
        policy: `experiment` or `weights`.
        arms: Eligible arms with their weights.
        shares: Propensity of each eligible arm: its weight, renormalised.
        salt: Of the hash.
        by_task: The unit is the task rather than the workspace.
        experiment: Experiment id, or empty.
        stage: Ramp stage, or empty.
        namespace: Whose buckets are asked; empty means everyone takes part.
        buckets: Half-open range that takes part.
    """

    policy: str
    arms: PreparedArms
    shares: Mapping[str, float]
    salt: str
    by_task: bool
    experiment: str = ""
    stage: str = ""
    namespace: str = ""
    buckets: tuple[int, int] = (0, 0)


@dataclass(slots=True, kw_only=True)
class Plan:
    """See the module. `arms` and `explored` are caches that grow; the rest never changes.

    Attributes:
        entry: The task type.
        base_source: Where its entry came from (S1).
        base_key: The matrix's own model.
        segment: Cell of the history.
        terms: The context's wishes.
        options: Candidate models by key.
        routing: The config's word on this task type.
        splits: Experiments, then weights, in the order in which they decide.
        evidence: What was known.
        flags: True of every decision by this plan.
        name: Hash of the kind of task.
        arms: Arms by id, configured as they were asked for.
        explored: Adaptive propensities by feasible set.
    """

    entry: TaskTypeEntry
    base_source: str
    base_key: str
    segment: str
    terms: Terms
    options: tuple[Option, ...]
    routing: TaskRouting
    splits: tuple[Split, ...]
    evidence: Evidence
    flags: tuple[str, ...] = ()
    name: str = ""
    arms: dict[str, Option] = field(default_factory=dict)
    explored: dict[tuple[str, ...], tuple[float, ...]] = field(default_factory=dict)


class Planner:
    """Builds plans for one catalog and one config."""

    def __init__(
        self,
        catalog: Catalog,
        config: RoutingConfig | None,
        *,
        strict: bool,
        policy: AdaptivePolicy | None,
        tokenizer: Tokenizer | None,
    ) -> None:
        """Refuse a config that names what the catalog does not have.

        Raises:
            UnknownModel: An arm or a list of allowed models names no model of the catalog.
        """
        self.catalog, self.config = catalog, config
        self.strict, self.policy = strict, policy
        self.count = tokenizer or count_tokens
        self.live = (config.purpose if config is not None else catalog.purpose) == "live"
        self.providers = frozenset(model.provider for model in catalog.models.values())
        self._flags = _standing_flags(catalog, config)
        if config is not None:
            for spec in config.arms.values():
                catalog.resolve(spec.model)
            for routing in config.tasks.values():
                for name in routing.models:
                    catalog.resolve(name)

    def plan(
        self, task_type: str, context: RoutingContext, segment_context: RoutingContext, evidence: Evidence
    ) -> Plan:
        """The plan for a task type, a context's wishes and a state of the evidence.

        Args:
            task_type: As the task says.
            context: Whose wishes count; may be what learning made of the original.
            segment_context: The original context, which names the history cell (S25).
            evidence: What the log taught.

        Raises:
            UnknownTaskType: The router is strict and nobody declared the type.
            UnknownProvider: The preferred provider serves no model of the catalog.
        """
        entry, base_source = self.catalog.task_type(task_type, strict=self.strict)
        routing = PLAIN_ROUTING if self.config is None else self.config.tasks.get(task_type, PLAIN_ROUTING)
        if routing.adaptive is None and self.policy is not None:
            routing = routing.model_copy(update={"adaptive": self.policy})
        base = self.catalog.resolve(entry.model)
        terms = terms_of(context, TIER_RANK[base.tier])
        if terms.provider is not None and terms.provider not in self.providers:
            raise UnknownProvider.among(terms.provider, self.providers)
        keys = self._allowed(routing, entry)
        plan = Plan(
            entry=entry,
            base_source=base_source,
            base_key=base.key,
            segment=segment_of(segment_context),
            terms=terms,
            options=(),
            routing=routing,
            splits=(),
            evidence=evidence,
            flags=self._flags,
        )
        plan.options = tuple(self._option(plan, task_type, context, key, ArmSpec(model=key)) for key in keys)
        self._add_splits(plan, task_type, context)
        return plan

    def _allowed(self, routing: TaskRouting, entry: TaskTypeEntry) -> list[str]:
        """Keys of the candidates (S12). A model to be opted into is one only where somebody names it."""
        named = routing.models or entry.models
        if named:
            return sorted({self.catalog.resolve(name).key for name in named})
        base = self.catalog.resolve(entry.model).key
        return sorted(key for key, model in self.catalog.models.items() if key == base or not model.opt_in)

    def arm(self, plan: Plan, task_type: str, context: RoutingContext, arm: str) -> Option:
        """An arm of the config, or a model of the catalog by any of its names, as an option of this plan.

        Raises:
            UnknownModel: It is neither.
        """
        option = plan.arms.get(arm)
        if option is None:
            spec = None if self.config is None else self.config.arms.get(arm)
            option = self._option(plan, task_type, context, arm, spec or ArmSpec(model=arm))
            plan.arms[arm] = option
        return option

    def _option(self, plan: Plan, task_type: str, context: RoutingContext, arm: str, spec: ArmSpec) -> Option:
        model = self.catalog.resolve(spec.model)
        entry, terms = plan.entry, plan.terms
        if spec.prompt not in entry.prompts:
            message = f"arm {arm!r} wants prompt {spec.prompt!r}, which task type {entry.type!r} does not have"
            raise InputError(message, hint=f"its prompts: {', '.join(sorted(entry.prompts))}")
        config = self.catalog.model_config(
            model.key, entry, variant=spec.prompt, temperature=spec.temperature, max_tokens=spec.max_tokens
        )
        for amend in AMENDMENTS:
            config = amend(config, terms, entry)
        tier = TIER_RANK[model.tier]
        setting = Setting(terms, entry, self.live, self.catalog.as_of, tier)
        violations = tuple(reason for rule in STANDING if (reason := rule.check(model, setting)) is not None)
        expected, template_tokens = self.expect(plan, task_type, context, config)
        return Option(
            arm=arm,
            key=model.key,
            entry=model,
            config=config,
            tier=tier,
            template_tokens=template_tokens,
            outlook=expected,
            worth_usd=entry.value_usd * expected.quality - terms.latency_usd_per_s * expected.seconds,
            cost_weight=terms.cost_weight,
            violations=violations,
            min_tokens=max(1, min(entry.min_tokens, config.max_tokens)),
            flags=_option_flags(config, entry),
        )

    def expect(self, plan: Plan, task_type: str, context: RoutingContext, config: ModelConfig) -> tuple[Outlook, float]:
        """What to expect of a model as configured, and the tokens of its prompt template.

        Raises:
            UnknownModel: The config names a model that the catalog does not have.
        """
        entry, model = plan.entry, self.catalog.resolve(config.key)
        prompt = entry.prompts.get(config.prompt) or entry.prompts["default"]
        expected = outlook(
            entry,
            model,
            config,
            cell(plan.evidence, task_type, plan.segment, model.key),
            multiplier=plan.terms.output_multiplier,
            recent=context.recent_task_performance if model.key == plan.base_key else None,
        )
        return expected, self.count(prompt.template) + self.count(prompt.system)

    def _add_splits(self, plan: Plan, task_type: str, context: RoutingContext) -> None:
        """Experiments precede weights; `requires_consistency` takes part in no experiment and sticks by workspace."""
        splits: list[Split | None] = []
        consistent = plan.terms.consistent
        experiments = () if self.config is None or consistent else self.config.experiments
        for spec in experiments:
            if spec.task_type == task_type:
                weights = self._eligible(plan, task_type, context, spec.weights)
                salt, by_task = spec.salt or spec.id, spec.unit == "task"
                span = (spec.namespace, spec.buckets) if spec.namespace else ("", (0, 0))
                splits.append(_split("experiment", weights, salt, by_task, spec.id, spec.stage, *span))
        routing = plan.routing
        if routing.weights:
            weights = self._eligible(plan, task_type, context, routing.weights)
            by_task = routing.unit == "task" and not consistent
            splits.append(_split("weights", weights, routing.salt or task_type, by_task, "", routing.stage))
        plan.splits = tuple(split for split in splits if split is not None)
        if len(plan.splits) < len(splits):
            plan.flags = (*plan.flags, "no_eligible_arm")

    def _eligible(
        self, plan: Plan, task_type: str, context: RoutingContext, weights: Mapping[str, int]
    ) -> dict[str, float]:
        """What the context leaves of the weights (S15); `default` needs one model that the context allows."""
        kept: dict[str, float] = {}
        for arm, weight in weights.items():
            if arm == DEFAULT_ARM:
                eligible = any(not option.violations for option in plan.options)
            else:
                eligible = not self.arm(plan, task_type, context, arm).violations
            if eligible and weight > 0:
                kept[arm] = float(weight)
        return kept


def _split(  # noqa: PLR0917 - private, and called twice
    policy: str,
    weights: Mapping[str, float],
    salt: str,
    by_task: bool,  # noqa: FBT001 - private, and called twice
    experiment: str,
    stage: str,
    namespace: str = "",
    buckets: tuple[int, int] = (0, 0),
) -> Split | None:
    if not weights:
        return None
    total = sum(weights.values())
    shares = {arm: weight / total for arm, weight in sorted(weights.items())}
    return Split(policy, prepare(weights), shares, salt, by_task, experiment, stage, namespace, buckets)


def _option_flags(config: ModelConfig, entry: TaskTypeEntry) -> tuple[str, ...]:
    flags = ["max_tokens_clamped"] if any(reason.code == "max_tokens_clamped" for reason in config.reasons) else []
    if config.max_tokens < entry.min_tokens:
        flags.append("truncation_risk")
    return tuple(flags)


def _standing_flags(catalog: Catalog, config: RoutingConfig | None) -> tuple[str, ...]:
    if config is None:
        return ()
    flags = ["config_expired"] if config.expired(catalog.as_of) else []
    if config.catalog_version != catalog.version:
        flags.append("catalog_changed")
    return tuple(flags)
