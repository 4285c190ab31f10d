"""Lab: the notebook's front door. Wires the rooms below and adds no logic of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from bizq_lab.catalog import Catalog, load_catalog
from bizq_lab.config import RoutingConfig, load_config
from bizq_lab.core.ids import new_id
from bizq_lab.core.snapshot import BudgetView, Evidence, Snapshot
from bizq_lab.core.task import RoutingContext, Task, UserFeedback
from bizq_lab.errors import OfflineConfig
from bizq_lab.execution import BudgetLedger, Cap, ResilientExecutor, SystemClock
from bizq_lab.lab.budgets import naming_the_budget, open_ledger
from bizq_lab.lab.providers import LazyProviders, live_providers, providers_of
from bizq_lab.lab.recorder import LogRecorder, feedback_event
from bizq_lab.lab.records import Payloads
from bizq_lab.lab.service import BizQAIRouter
from bizq_lab.routing import AITaskRouter
from bizq_lab.store import Log

if TYPE_CHECKING:
    import pandas as pd

    from bizq_lab.analysis import Comparison, Efficiency, Performance, WhatIf
    from bizq_lab.core.decision import CostEstimate, RoutingDecision
    from bizq_lab.core.execution import TaskResult
    from bizq_lab.core.protocols import Clock, IdSource, Provider
    from bizq_lab.experiments import ModelABTester
    from bizq_lab.tuning import Proposal


class Lab:
    """Route, execute, ask, tune and publish over one log.

    Attributes:
        log: Where everything is written and read.
        catalog: Models, prices and task types.
        config: Routing config in force, or None for the rules alone.
        service: The route-execute-log path.
        ledger: What budgets have been spent, or None where there are none.
    """

    def __init__(
        self,
        log: Log,
        *,
        catalog: Catalog,
        config: RoutingConfig | None = None,
        providers: Mapping[str, Provider] | None = None,
        clock: Clock | None = None,
        ids: IdSource = new_id,
        seed: int = 0,
        payloads: Payloads = "full",
        ledger: BudgetLedger | None = None,
        origin: str = "lab",
        tokenizer: Callable[[str], float] | None = None,
    ) -> None:
        """Wire the rooms; see `Lab.open` for the usual way in."""
        self.log = log
        self.catalog = catalog
        self.clock: Clock = clock or SystemClock()
        self.ids = ids
        self.seed = seed
        self._payloads: Payloads = payloads
        self._providers = providers if providers is not None else live_providers(catalog, catalog.purpose)
        self._evidence = Evidence()
        self.ledger = ledger
        self._origin, self._tokenizer = origin, tokenizer
        self.executor = ResilientExecutor(
            catalog, self._providers, log, clock=self.clock, ids=ids, seed=seed, payloads=payloads, budget=ledger
        )
        self.use(config)

    @classmethod
    def open(
        cls,
        path: str | Path = "lab.duckdb",
        *,
        catalog: str | Catalog = "current",
        config: RoutingConfig | str | Path | None = None,
        providers: Mapping[str, Provider] | Literal["live", "simulated"] = "live",
        clock: Clock | None = None,
        ids: IdSource = new_id,
        seed: int = 0,
        payloads: Payloads = "full",
        budgets: Mapping[str, Cap] | None = None,
        max_cost_usd: float | None = None,
        origin: str = "lab",
        tokenizer: Callable[[str], float] | None = None,
    ) -> Self:
        """Open a log, making it if need be, and everything around it.

        Args:
            path: The DuckDB file; its journal lies beside it.
            catalog: A preset's name, or a loaded catalog.
            config: A routing config, or the file it was published to.
            providers: `live`, the real ones with keys from the environment; `simulated`, a world with known truth; or a
                provider by catalog provider name.
            clock: Injected time.
            ids: Injected identifiers.
            seed: Base seed of adaptive draws and experiments.
            payloads: Whether inputs and outputs are kept: `full`, `hash` or `none`.
            budgets: Cap of each workspace per period, `"*"` for all together; every process on this log shares the
                ledger beside it, and none can overspend (S18).
            max_cost_usd: Most USD that this lab may spend before it is closed.
            origin: Who routes, as every decision is logged.
            tokenizer: Counts tokens, such as `bizq_lab.lab.tokenizer.offline_tokenizer()`; stated ratios if None.

        Raises:
            InputError: A cap is not an amount per period.
            ForeignFile: `path` is not a bizq_lab log.
            InvalidRoutingConfig: The config does not match its checksum or its schema.
        """
        loaded = load_catalog(catalog) if isinstance(catalog, str) else catalog
        routing = config if isinstance(config, RoutingConfig) or config is None else load_config(Path(config))
        log = Log.open(Path(path), clock=clock)
        try:
            ledger = open_ledger(log, budgets=budgets, max_cost_usd=max_cost_usd, clock=clock or SystemClock(), ids=ids)
        except BaseException:
            log.close()
            raise
        return cls(
            log,
            ledger=ledger,
            catalog=loaded,
            config=routing,
            providers=providers_of(providers, loaded, seed),
            clock=clock,
            ids=ids,
            seed=seed,
            payloads=payloads,
            origin=origin,
            tokenizer=tokenizer,
        )

    def use(self, config: RoutingConfig | None) -> None:
        """Route by this config from now on; None means the rules alone.

        Raises:
            OfflineConfig: The config is for study, and this lab has live providers.
        """
        live = isinstance(self._providers, LazyProviders) and self._providers.purpose == "live"
        if config is not None and config.purpose == "offline" and live:
            message = f"config {config.hash[:12]} is for offline study, but this lab has live providers"
            raise OfflineConfig(message, hint="publish it as live, or open the lab with replay or simulated providers")
        self.config = config
        self.service = BizQAIRouter(
            router=AITaskRouter(self.catalog, config, tokenizer=self._tokenizer),
            executor=self.executor,
            sink=self.log,
            clock=self.clock,
            ids=self.ids,
            snapshot=self.snapshot,
            seed=self.seed,
            payloads=self._payloads,
            origin=self._origin,
        )

    def snapshot(self, context: RoutingContext | None = None) -> Snapshot:
        """What routing may know right now: live health, the evidence of the last `learn`, what is left to spend."""
        book, budget = self.executor.health, BudgetView()
        if self.ledger is not None and context is not None:
            budget = self.ledger.view(context.workspace_id)
        return Snapshot(
            id="/".join((self._evidence.version, str(book.version), *([budget.version] if self.ledger else []))),
            health=book.snapshot(),
            evidence=self._evidence,
            budget=budget,
        )

    def learn(self) -> Evidence:
        """Read the log's history into the evidence that routing uses."""
        from bizq_lab.analysis import evidence  # noqa: PLC0415 - statistics load when they are needed

        self._evidence = evidence(self.log, catalog=self.catalog)
        return self._evidence

    @property
    def recorder(self) -> LogRecorder:
        """Lets an `AdaptiveRouter` remember in this lab's log."""
        return LogRecorder(log=self.log, clock=self.clock, log_decision=self.service.log_decision, learn=self.learn)

    def route(self, task: Task, context: RoutingContext) -> RoutingDecision:
        """Decide without executing; the decision explains itself.

        Raises:
            BudgetRefused: A model could serve the task, but not within what is left to spend.
            NoFeasibleModel: No model could, whatever the budget.
        """
        with naming_the_budget(self.service, task, context):
            return self.service.route(task, context)

    def run(self, task: Task, context: RoutingContext) -> TaskResult:
        """Route, execute with failover, log.

        Raises:
            BudgetRefused: As `route`.
            NoFeasibleModel: As `route`.
        """
        with naming_the_budget(self.service, task, context):
            return self.service.route_and_execute(task, context)

    def execute(self, decision: RoutingDecision) -> TaskResult:
        """Execute a decision that was made elsewhere, such as by an `AdaptiveRouter`, and log both."""
        self.service.log_decision(decision)
        return self.executor.execute_with_failover(decision.task, decision, decision.context)

    def rate(self, result: TaskResult, feedback: UserFeedback, *, source: str = "user") -> None:
        """Log what a person said of a result; days later if need be, and never twice the same."""
        now_us = self.clock.now_us()
        self.log.append(
            feedback_event(result.decision_id, result.task_id, feedback, recorded_at_us=now_us, source=source)
        )

    def performance(self, **options: Any) -> Performance:
        """How each model does at each task type, with intervals."""
        from bizq_lab.analysis import performance  # noqa: PLC0415 - as in `learn`

        return performance(self.log, **options)

    def compare(self, *, task_type: str, **options: Any) -> Comparison:
        """Which arm is better at a task type, and how sure that is."""
        from bizq_lab.analysis import compare  # noqa: PLC0415 - as in `learn`

        return compare(self.log, task_type=task_type, **options)

    def efficiency(self, **options: Any) -> Efficiency:
        """What a success costs, arm by arm, cheapest first."""
        from bizq_lab.analysis import efficiency  # noqa: PLC0415 - as in `learn`

        return efficiency(self.log, catalog=self.catalog, **options)

    def what_if(
        self, config: RoutingConfig | str | Path | None, *, task_type: str | None = None, limit: int | None = None
    ) -> WhatIf:
        """What another config would have decided for the log's tasks; nothing is executed. None means the rules."""
        from bizq_lab.analysis import what_if  # noqa: PLC0415 - as in `learn`

        other = config if isinstance(config, RoutingConfig) or config is None else load_config(Path(config))
        return what_if(self.log, self.catalog, other, evidence=self._evidence, task_type=task_type, limit=limit)

    def tune(self, **options: Any) -> Proposal:
        """Weights that the log supports, within budget and floors."""
        from bizq_lab.tuning import tune  # noqa: PLC0415 - as in `learn`

        return tune(self.log, self.catalog, config=self.config, **options)

    def publish(self, proposal: Proposal | RoutingConfig, path: str | Path, *, override: str = "") -> Path:
        """Write the proposal's config to a file, log the step, and route by it from now on."""
        from bizq_lab.tuning import publish  # noqa: PLC0415 - as in `learn`

        publish(proposal, Path(path), sink=self.log, override=override, clock=self.clock, ids=self.ids)
        self.use(load_config(Path(path)))
        return Path(path)

    def sql(self, text: str) -> pd.DataFrame:
        """One read-only SELECT over the log's tables and views."""
        return self.log.sql(text)

    def experiment(self, **options: Any) -> ModelABTester:
        """A tester that runs through this lab."""
        from bizq_lab.experiments import ModelABTester  # noqa: PLC0415 - as in `learn`

        return ModelABTester(
            runner=self.service,
            log=self.log,
            catalog=self.catalog,
            clock=self.clock,
            ids=self.ids,
            wait=self.executor.wait,
            quote=self._quote,
            seed=self.seed,
            **options,
        )

    def _quote(self, task: Task, arm: str) -> CostEstimate:
        """What this arm is expected to take for this task, by the router's own estimate."""
        context = RoutingContext(workspace_id="experiments")
        decision = self.service.router.route_task(task, context, snapshot=self.snapshot(context), arm=arm)
        return decision.estimate

    def close(self) -> None:
        """Close providers and log; nothing acknowledged is lost without it."""
        if isinstance(self._providers, LazyProviders):
            self.executor.wait(self._providers.aclose())
        if self.ledger is not None:
            self.ledger.close()
        self.log.close()

    def __enter__(self) -> Self:
        """Open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()
