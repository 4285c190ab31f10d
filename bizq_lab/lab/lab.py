"""Lab: the notebook's front door. Wires the rooms below and adds no logic of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from bizq_lab.catalog import Catalog, load_catalog
from bizq_lab.config import RoutingConfig, load_config
from bizq_lab.core.ids import new_id
from bizq_lab.core.snapshot import Evidence
from bizq_lab.core.task import RoutingContext, Task
from bizq_lab.errors import InputError, OfflineConfig
from bizq_lab.execution import BudgetLedger, Cap, ResilientExecutor, ResponseCache, SystemClock
from bizq_lab.lab.budgets import cache_path, naming_the_budget, open_ledger
from bizq_lab.lab.changes import Changes
from bizq_lab.lab.dashboard import Shown
from bizq_lab.lab.imports.side import Imports
from bizq_lab.lab.judging import Judges
from bizq_lab.lab.monitor import Monitoring
from bizq_lab.lab.moving import Moving
from bizq_lab.lab.oblivion import Oblivion
from bizq_lab.lab.past import Past
from bizq_lab.lab.people import People
from bizq_lab.lab.providers import LazyProviders, live_providers, providers_of
from bizq_lab.lab.questions import Questions
from bizq_lab.lab.rating.side import Ratings
from bizq_lab.lab.recorder import LogRecorder
from bizq_lab.lab.records import Payloads
from bizq_lab.lab.retention import Retention
from bizq_lab.lab.runs import Runs
from bizq_lab.lab.service import BizQAIRouter
from bizq_lab.routing import AITaskRouter
from bizq_lab.store import Durability, Log

if TYPE_CHECKING:
    from bizq_lab.core.decision import RoutingDecision
    from bizq_lab.core.execution import TaskResult
    from bizq_lab.core.protocols import Clock, IdSource, Provider


class Lab(Shown, Questions, Changes, Ratings, Runs, People, Retention, Judges, Moving, Imports, Monitoring, Oblivion):
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
        cache: ResponseCache | None = None,
    ) -> None:
        """Wire the rooms; see `Lab.open` for the usual way in."""
        self.log = log
        self.catalog = catalog
        self.clock: Clock = clock or SystemClock()
        self.ids = ids
        self.seed = seed
        self._payloads: Payloads = payloads
        self._providers = providers if providers is not None else live_providers(catalog, catalog.purpose)
        self._evidence, self._trusted = Evidence(), {}
        self.ledger = ledger
        self._origin, self._tokenizer = origin, tokenizer
        self.executor = ResilientExecutor(
            catalog, self._providers, log, clock=self.clock, ids=ids, seed=seed, payloads=payloads, budget=ledger,
            cache=cache, trusts=self.trusts,
        )  # fmt: skip
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
        cache: bool = False,
        durability: Durability = "process",
        engine: Literal["duckdb", "spark"] = "duckdb",
    ) -> Self:
        """Open a log, making it if need be, and everything around it.

        Args:
            path: The DuckDB file; its journal lies beside it.
            catalog: A preset's name, a TOML file over `current`, or a loaded catalog.
            config: A routing config, or the file it was published to.
            providers: `live`, the real ones with keys from the environment; `simulated`, a world with known truth; or a
                provider by catalog provider name.
            clock: Injected time.
            ids: Injected identifiers.
            seed: Base seed of adaptive draws and experiments.
            payloads: Whether inputs and outputs, and what people write of them, are kept: `full`, `hash` or `none`.
            budgets: Cap of each workspace per period, `"*"` for all together; every process on this log shares the
                ledger beside it, and none can overspend (S18).
            max_cost_usd: Most USD that this lab may spend before it is closed.
            origin: Who routes, as every decision is logged.
            cache: Answer a request that was answered before from the file beside the log, at no cost. Off by default,
                because an answer that is only repeated says nothing of a model's price or speed: the log flags it
                `cached`. Needs `payloads="full"`, for the file holds the answers.
            tokenizer: Counts tokens, such as `bizq_lab.lab.tokenizer.offline_tokenizer()`; stated ratios if None.
            durability: What an event survives once it is written: `process`, the death of this process; `power`, power
                loss too, for one fsync that all who write at that moment share.
            engine: `spark` answers every question from the log's archive by Apache Spark (extra `spark`), to the last
                bit as DuckDB would; nothing can be written. `path` is the log, or the folder or URL of its archive.

        Raises:
            InputError: A cap is not an amount per period; with Spark: there is no archive, or the extra is missing.
            ForeignFile: `path` is not a bizq_lab log.
            InvalidRoutingConfig: The config does not match its checksum or its schema.
        """
        if cache and payloads != "full":
            message = f"cache=True with payloads={payloads!r}: the cache would keep the answers that the log must not"
            raise InputError(message, hint='open the lab with payloads="full", or without the cache')
        loaded = load_catalog(catalog) if isinstance(catalog, str) else catalog
        routing = config if isinstance(config, RoutingConfig) or config is None else load_config(Path(config))
        log = _archive_by_spark(path) if engine == "spark" else Log.open(Path(path), clock=clock, durability=durability)
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
            cache=ResponseCache(cache_path(log.path), clock=clock or SystemClock()) if cache else None,
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

    def as_of(self, day: date) -> Past:
        """The same questions, answered by what was known at the end of a UTC day."""
        return Past(self, day)

    def learn(self) -> Evidence:
        """Read the log's history into the evidence that routing uses; whom people agree with is asked again, too."""
        from bizq_lab.analysis import evidence  # noqa: PLC0415 - statistics load when they are needed

        self._evidence, self._trusted = evidence(self.log, catalog=self.catalog), {}
        return self._evidence

    @property
    def recorder(self) -> LogRecorder:
        """Lets an `AdaptiveRouter` remember in this lab's log."""
        return LogRecorder(
            log=self.log, clock=self.clock, log_decision=self.service.log_decision, learn=self.learn,
            payloads=self._payloads,
        )  # fmt: skip

    def route(self, task: Task, context: RoutingContext) -> RoutingDecision:
        """Decide without executing; the decision explains itself.

        Raises:
            BudgetRefused: A model could serve the task, but not within what is left to spend.
            NoFeasibleModel: No model could, whatever the budget.
        """
        with naming_the_budget(self.service, task, context):
            return self.service.route(task, context)

    def run(self, task: Task, context: RoutingContext) -> TaskResult:
        """Route, execute with failover, log. While every model is down, a person gets the task (S21).

        Raises:
            BudgetRefused: As `route`.
            NoFeasibleModel: No model could at any time; an outage escalates instead.
        """
        with naming_the_budget(self.service, task, context):
            return self.service.route_and_execute(task, context)

    def execute(self, decision: RoutingDecision) -> TaskResult:
        """Execute a decision that was made elsewhere, such as by an `AdaptiveRouter`, and log both."""
        self.service.log_decision(decision)
        return self.executor.execute_with_failover(decision.task, decision, decision.context)

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


def _archive_by_spark(path: str | Path) -> Log:
    from bizq_lab.store.spark import SparkLog  # noqa: PLC0415 - an extra, and slow to load

    return SparkLog.at(path)
