"""AITaskRouter: one pure function from task, context, config, catalog, snapshot and seed to a decision (S14).

Must not know clocks, files, providers or the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import repeat
from types import MappingProxyType
from typing import TYPE_CHECKING

from bizq_lab.core.decision import DEFAULT_ARM, Candidate, CostEstimate, RoutingDecision
from bizq_lab.core.ids import derived_id, digest
from bizq_lab.core.model import ModelConfig, Reason
from bizq_lab.core.noun import Noun
from bizq_lab.core.snapshot import Evidence, Snapshot
from bizq_lab.core.task import RoutingContext, Task
from bizq_lab.errors import InputError
from bizq_lab.routing.appraise import appraise, ask_of, estimate, prompt_tokens, size_of
from bizq_lab.routing.assignment import Assignment, assign
from bizq_lab.routing.choose import by_rules, fallbacks
from bizq_lab.routing.option import Option
from bizq_lab.routing.plan import Plan, Planner
from bizq_lab.routing.plans import NO_EVIDENCE, Plans
from bizq_lab.routing.settle import fitted, infeasible, settle
from bizq_lab.routing.tokens import Tokenizer

if TYPE_CHECKING:
    from bizq_lab.catalog import Catalog
    from bizq_lab.config import AdaptivePolicy, RoutingConfig
    from bizq_lab.core.decision import Design
    from bizq_lab.core.result import Cell

EMPTY_SNAPSHOT = Snapshot()
NO_ARMS: Mapping[str, Option] = MappingProxyType({})
NAMING_POLICIES = frozenset({"experiment", "weights"})


class AITaskRouter(Noun):
    """Selects the model and configuration for each task.

    Example:
        >>> router = AITaskRouter()
        >>> task = Task(type="content.write_product_description", input={"product_name": "Wireless Headphones"})
        >>> decision = router.route_task(task, RoutingContext(workspace_id="ws_123", max_cost=0.50))
        >>> decision.policy
        'rules'
    """

    def __init__(
        self,
        catalog: Catalog | None = None,
        config: RoutingConfig | None = None,
        *,
        strict: bool = False,
        policy: AdaptivePolicy | None = None,
        tokenizer: Tokenizer | None = None,
    ) -> None:
        """Check that catalog and config fit.

        Args:
            catalog: Models, prices and task types; the `current` preset if None.
            config: Arms, weights and experiments; None means the rules alone.
            strict: Refuse task types that nobody declared, instead of routing them by prefix or default (S1).
            policy: Explore this way wherever the config has neither weights nor a policy of its own (S26).
            tokenizer: Counts a text's tokens, such as `offline_tokenizer()`; stated ratios by script if None (S16).

        Raises:
            UnknownModel: The config names a model that the catalog does not have.
        """
        if catalog is None:
            from bizq_lab.catalog import load_catalog  # noqa: PLC0415 - only who brings no catalog reads the preset

            catalog = load_catalog()
        self.catalog = catalog
        self.config = config
        self._planner = Planner(catalog, config, strict=strict, policy=policy, tokenizer=tokenizer)
        self._config_hash = "" if config is None else config.hash
        if policy is not None:
            self._config_hash = digest(self._config_hash, policy.model_dump_json())
        self._plans = Plans(self._planner)

    def facts(self) -> dict[str, Cell]:
        """What it routes by."""
        return {
            "catalog": f"{self.catalog.name}, {len(self.catalog.models)} models",
            "config": "the rules alone" if self.config is None else f"{self.config.hash[:12]}, {self.config.purpose}",
            "weighted task types": 0
            if self.config is None
            else sum(bool(t.weights) for t in self.config.tasks.values()),
        }

    def route_task(
        self,
        task: Task,
        context: RoutingContext,
        *,
        snapshot: Snapshot = EMPTY_SNAPSHOT,
        seed: int = 0,
        decision_id: str | None = None,
        arm: str | None = None,
        experiment: str = "",
        design: Design = "observational",
    ) -> RoutingDecision:
        """Decide which model serves a task.

        Args:
            task: What to do.
            context: Who asks, and what must not be exceeded.
            snapshot: Health, evidence and budget at this instant.
            seed: Of the draw, if an adaptive policy makes one.
            decision_id: Its id; derived from the inputs if None.
            arm: Take this arm, or model; constraints are still checked and reported.
            experiment: Label for a decision whose arm the caller named.
            design: How the comparison was designed.

        Raises:
            NoFeasibleModel: Every candidate violates a hard constraint.
            UnknownProvider: The preferred provider serves no model of the catalog.
            UnknownModel: `arm` is neither an arm of the config nor a model of the catalog.
            UnknownTaskType: The router is strict and nobody declared the type.
        """
        return self.decide(
            task,
            context,
            context,
            snapshot=snapshot,
            seed=seed,
            decision_id=decision_id,
            arm=arm,
            experiment=experiment,
            design=design,
        )

    def route_many(
        self,
        tasks: Iterable[Task],
        contexts: RoutingContext | Iterable[RoutingContext],
        *,
        snapshot: Snapshot = EMPTY_SNAPSHOT,
        seed: int = 0,
    ) -> Iterator[RoutingDecision]:
        """Decide for many tasks, one at a time and in order, each exactly as `route_task` would.

        Args:
            tasks: Read as they are needed, so that a million of them need no more memory than one.
            contexts: One for all, or one for each.
            snapshot: Held still for the whole batch.
            seed: Of any adaptive draw; the task is part of the draw.

        Raises:
            InputError: There are fewer or more contexts than tasks.
        """
        each = repeat(contexts) if isinstance(contexts, RoutingContext) else iter(contexts)
        for task in tasks:
            context = next(each, None)
            if context is None:
                message = f"no context is left for task {task.id!r}"
                raise InputError(message, hint="pass one context for all tasks, or one for each")
            yield self.decide(task, context, context, snapshot=snapshot, seed=seed)
        if not isinstance(contexts, RoutingContext) and next(each, None) is not None:
            message = "more contexts than tasks"
            raise InputError(message, hint="pass one context for all tasks, or one for each")

    def decide(
        self,
        task: Task,
        context: RoutingContext,
        wishes: RoutingContext,
        *,
        snapshot: Snapshot = EMPTY_SNAPSHOT,
        seed: int = 0,
        decision_id: str | None = None,
        arm: str | None = None,
        experiment: str = "",
        design: Design = "observational",
        learned: tuple[Reason, ...] = (),
    ) -> RoutingDecision:
        """`route_task`, by wishes that may differ from the original context: what learning made of it.

        Args:
            task: What to do.
            context: As it was given; it names the history cell and is what is logged.
            wishes: As it is to be obeyed.
            snapshot: See `route_task`.
            seed: See `route_task`.
            decision_id: See `route_task`.
            arm: See `route_task`.
            experiment: See `route_task`.
            design: See `route_task`.
            learned: Why the wishes differ.
        """
        plan = self._plans.of(task.type, wishes, context, snapshot.evidence)
        size = size_of(task, wishes, self._planner.count)
        ask, checks = ask_of(wishes, snapshot)
        appraisal = appraise(plan.options, size, ask, checks, snapshot.health)
        if arm is None:
            assignment = assign(plan, task, context, appraisal.offers, seed)
        else:
            assignment = Assignment(arm, "experiment", {arm: 1.0}, context.workspace_id, experiment)
        arms: Mapping[str, Option] = NO_ARMS
        rows: list[Candidate] = []
        if assignment.policy in NAMING_POLICIES:
            names = [name for name in assignment.shares if name != DEFAULT_ARM]
            arms = {name: self._planner.arm(plan, task.type, wishes, name) for name in names}
            rows = appraise(arms.values(), size, ask, checks, snapshot.health).candidates
        verdict = settle(plan, appraisal, assignment, arms, rows, explicit=arm is not None)
        chosen, reasons = verdict.option, (*learned, *verdict.reasons)
        config, flags = chosen.config, verdict.flags
        if reasons:
            config = config.because(*reasons)
            flags = (*flags, *[reason.code for reason in learned])
        fit = fitted(
            config, chosen.entry.context_window, prompt_tokens(chosen.outlook.rates, chosen.template_tokens, size)[2]
        )
        if fit is config:
            quoted = estimate(chosen.outlook.rates, chosen.template_tokens, chosen.key, size)
        else:
            config, flags = fit, (*flags, "max_tokens_clamped")
            quoted = self.quote(task, config, wishes, snapshot.evidence)
        if decision_id is None:
            asked = (task.id, context.workspace_id, plan.name, *ask, *size, arm, experiment, seed)
            decision_id = derived_id("dec", (*asked, self._config_hash, self.catalog.version, snapshot.id))
        return RoutingDecision(
            decision_id=decision_id,
            task=task,
            context=context,
            base_source=plan.base_source,
            segment=plan.segment,
            arm=assignment.arm,
            policy=assignment.policy,
            design=assignment.design(design),
            config=config,
            fallbacks=fallbacks(chosen, appraisal.offers, plan.terms),
            candidates=verdict.candidates,
            propensity=assignment.propensity,
            estimate=quoted,
            unit=assignment.unit,
            config_hash=self._config_hash,
            catalog_version=self.catalog.version,
            snapshot_id=snapshot.id,
            seed=seed,
            experiment=assignment.experiment,
            stage=assignment.stage,
            flags=flags,
        )

    def plan(self, task_type: str, context: RoutingContext, evidence: Evidence = NO_EVIDENCE) -> Plan:
        """What is known of a kind of task before a task is seen: candidates, constraints, expectations."""
        return self._plans.of(task_type, context, context, evidence)

    def by_rules(self, task: Task, context: RoutingContext, snapshot: Snapshot = EMPTY_SNAPSHOT) -> Option:
        """What the rules alone would choose: no experiment, no weights, no exploration.

        Raises:
            NoFeasibleModel: Every candidate violates a hard constraint.
        """
        plan = self.plan(task.type, context, snapshot.evidence)
        ask, checks = ask_of(context, snapshot)
        appraisal = appraise(plan.options, size_of(task, context, self._planner.count), ask, checks, snapshot.health)
        if not appraisal.offers:
            raise infeasible(plan, appraisal)
        return by_rules(appraisal.offers, plan.terms, plan.base_key).option

    def quote(
        self, task: Task, config: ModelConfig, context: RoutingContext, evidence: Evidence = NO_EVIDENCE
    ) -> CostEstimate:
        """The one estimate (S16), for any config: what this task will cost.

        Raises:
            UnknownModel: The config names a model that the catalog does not have.
        """
        plan = self.plan(task.type, context, evidence)
        expected, template_tokens = self._planner.expect(plan, task.type, context, config)
        return estimate(expected.rates, template_tokens, config.key, size_of(task, context, self._planner.count))
