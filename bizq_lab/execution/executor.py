"""ResilientExecutor: the specification's failover, for asynchronous and synchronous callers. Knows no SDK, no file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from bizq_lab.core.decision import RoutingDecision
from bizq_lab.core.display import Sheet
from bizq_lab.core.ids import new_id
from bizq_lab.core.model import ModelConfig
from bizq_lab.core.money import Money
from bizq_lab.core.noun import Noun
from bizq_lab.execution.attempts import Attempts
from bizq_lab.execution.chain import undecided
from bizq_lab.execution.clock import SystemClock
from bizq_lab.execution.failover import Failover
from bizq_lab.execution.gate import Gate
from bizq_lab.execution.health import HealthBook
from bizq_lab.execution.hedge import Hedge
from bizq_lab.execution.human_tasks import HumanDesk
from bizq_lab.execution.job import Job, Ledger, Timeout
from bizq_lab.execution.judge import Judge
from bizq_lab.execution.limits import ModelLimits, catalog_limits
from bizq_lab.execution.loop import background
from bizq_lab.execution.opinion import SecondOpinion
from bizq_lab.execution.progress import Progress
from bizq_lab.execution.records import Payloads
from bizq_lab.execution.results import Results
from bizq_lab.execution.retry import ChainBudget, RetrySettings, RetryTokens
from bizq_lab.execution.telemetry import Telemetry

if TYPE_CHECKING:
    from bizq_lab.catalog import Catalog, Prompt
    from bizq_lab.catalog.schema import TaskTypeEntry
    from bizq_lab.core.execution import TaskResult
    from bizq_lab.core.protocols import Clock, EventSink, IdSource, Provider
    from bizq_lab.core.task import RoutingContext, Task
    from bizq_lab.execution.cache import ResponseCache

T = TypeVar("T")
Trusts = Callable[[str, str], bool]
OnBudget = Literal["escalate", "stop"]


class ResilientExecutor(Noun):
    """Executes a decision until a model's answer is accepted, or a person has to take over.

    One retry loop, ours (S19); one budget of attempts, time and money for the chain (S20); every call is written
    before it is sent. `execute` is asynchronous; `execute_with_failover` is the same for synchronous callers.

    Args:
        catalog: Models, prices, prompts and checks.
        providers: Provider by the catalog's provider name.
        sink: Where events go.
        clock: Injected time.
        ids: Injected identifiers.
        seed: Seeds the jitter of waits.
        budget: Ledger that caps money across processes; None means no cap but the context's `max_cost`.
        health: Shared circuit breakers and estimates.
        limits: Rate limits to keep; by default the catalog's, for this process alone.
        cache: Answers that may be given again; None asks the provider each time.
        retry: How hard to try.
        desk: Terms on which people take over.
        stream: Whether to stream, and so to measure the time to first token.
        payloads: Whether outputs are kept in the log: `full`, `hash` or `none`.
        timeout: Bounds one call in time; replaced in tests with a fake clock.
        trusts: Whether people agree with a judge (by catalog key) on a task type; by default with none. Asked on a
            thread, for it may read the log.
        telemetry: Reports spans and metrics; by default to whatever OpenTelemetry providers the application configured.
    """

    def __init__(
        self,
        catalog: Catalog,
        providers: Mapping[str, Provider],
        sink: EventSink,
        *,
        clock: Clock | None = None,
        ids: IdSource = new_id,
        seed: int = 0,
        budget: Ledger | None = None,
        health: HealthBook | None = None,
        limits: ModelLimits | None = None,
        cache: ResponseCache | None = None,
        retry: RetrySettings | None = None,
        desk: HumanDesk | None = None,
        stream: bool = True,
        payloads: Payloads = "full",
        timeout: Timeout = asyncio.timeout,
        telemetry: Telemetry | None = None,
        trusts: Trusts = lambda *_: False,
    ) -> None:
        """Wire the parts; nothing is opened yet."""
        self._catalog, self._providers, self._ids, self._trusts = catalog, providers, ids, trusts
        self._retry = retry or RetrySettings()
        clock = clock or SystemClock()
        self.limits = limits or catalog_limits(catalog, clock=clock, timeout=timeout)
        self.health = health or HealthBook(clock=clock)
        self.health.limits = self.health.limits or self.limits
        self._attempts = Attempts(
            catalog=catalog, sink=sink, clock=clock, ids=ids, health=self.health, ledger=budget,
            stream=stream, payloads=payloads, timeout=timeout,
        )  # fmt: skip
        self._gate = Gate(
            catalog=catalog, providers=providers, attempts=self._attempts, limits=self.limits, health=self.health,
            clock=clock, retry=self._retry, cache=cache,
        )  # fmt: skip
        self._telemetry = telemetry or Telemetry(stream=stream, content=payloads == "full")
        self._results = Results(sink=sink, clock=clock, ids=ids, desk=desk or HumanDesk())
        self._failover = Failover(
            catalog=catalog, hedge=Hedge(gate=self._gate, health=self.health, clock=clock), results=self._results,
            clock=clock, retry=self._retry, tokens=RetryTokens(self._retry), seed=seed,
        )  # fmt: skip

    # -- the front ----------------------------------------------------------------------------------------------

    def sheet(self) -> Sheet:
        """What it last saw of each model."""
        seen = self.health.snapshot()
        down = sum(not health.available for health in seen.values())
        return Sheet(
            title=type(self).__name__,
            summary=f"{len(seen)} models seen or limited, {down} of them cooling down.",
            columns=(
                "model",
                "health",
                "success_share",
                "p95_s",
                "requests_left",
                "tokens_left",
                "slots_left",
                "retry_s",
            ),
            rows=[
                {
                    "model": key,
                    "health": "healthy" if health.available else "open",
                    "success_share": health.success_rate,
                    "p95_s": health.p95_latency_s,
                    "requests_left": health.requests_left,
                    "tokens_left": health.tokens_left,
                    "slots_left": health.slots_left,
                    "retry_s": health.retry_in_s,
                }
                for key, health in sorted(seen.items())
            ],
        )

    async def execute(
        self, decision: RoutingDecision, task: Task, context: RoutingContext, *, repeat: int = 0,
        prompt: Prompt | None = None, on_budget: OnBudget = "escalate",
    ) -> TaskResult:  # fmt: skip
        """Execute a decision. Its `DecisionEvent` is the caller's; attempts, human task and outcome are written here.

        Args:
            decision: What to do, and what may follow if that fails.
            task: The task.
            context: Deadline, cost limit, priority and permissions.
            repeat: Which repetition of the task, from 0.
            prompt: What the decided prompt came to, where the caller has filled it in already.
            on_budget: Who takes over when the ledger refuses the rest of the chain: a person, or nobody, because a bulk
                run that reached its cap will be resumed. It is then `cancelled`, with error type `budget`.

        Returns:
            `completed` with the accepted output, or `escalated` with a human task. In an offline comparison, whose
            decisions have `design="paired"`, `failed` instead: a study hands no work to people.

        Raises:
            MissingKey: No call could be made at all, for want of a key.
            EngineMissing: The same, for want of the local engine.
            UnknownProvider: The same, for want of a provider.
            OfflineConfig: A live provider was given a catalog for study.
            RetiredModel: A live provider was given a model that its vendor switched off.
            ProviderError: The recording that is replayed holds no such outcome.
            JournalWriteError: The log cannot be written; nothing more is sent.
            asyncio.CancelledError: The caller cancelled; what was under way is booked as `cancelled`.
        """
        return await self._execute(
            decision, task, context, repeat=repeat, routed=True, prompt=prompt, on_budget=on_budget
        )

    def execute_with_failover(
        self, task: Task, primary: ModelConfig | RoutingDecision, context: RoutingContext
    ) -> TaskResult:
        """The specification's `executeWithFailover`, for scripts, threads and notebooks.

        A bare `ModelConfig` gets the specification's chain, and rows under a decision id of its own: nobody decided,
        so there is no decision row, and analyses of decisions do not count it.

        Raises:
            InputError: Called on the background loop itself.
            BizqLabError: As `execute`.
        """
        if isinstance(primary, RoutingDecision):
            return self.wait(self.execute(primary, task, context))
        decision = undecided(task, primary, context, self._catalog, decision_id=self._ids("dec"))
        return self.wait(self._execute(decision, task, context, repeat=0, routed=False))

    @staticmethod
    def wait(work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the background loop and wait; an interrupt cancels it and waits for its books."""
        return background.run(work)

    async def aclose(self) -> None:
        """Close every provider."""
        for provider in {id(provider): provider for provider in self._providers.values()}.values():
            await provider.aclose()

    def judge(self, model: str) -> Judge:
        """A catalog model as a judge, through the same limits, ledger and log.

        Raises:
            UnknownModel: The catalog has no such model.
        """
        self._catalog.resolve(model)
        return Judge(model=model, catalog=self._catalog, gate=self._gate, ids=self._ids)

    def use_budget(self, ledger: Ledger | None) -> None:
        """Reserve with this ledger from now on."""
        self._attempts.ledger = ledger

    async def _execute(
        self, decision: RoutingDecision, task: Task, context: RoutingContext, *, repeat: int, routed: bool,
        prompt: Prompt | None = None, on_budget: OnBudget = "escalate",
    ) -> TaskResult:  # fmt: skip
        entry, _ = self._catalog.task_type(task.type)
        job = Job(
            decision=decision, task=task, context=context, entry=entry, repeat=repeat, prompt=prompt,
            opinion=await self._opinion(entry, task.type),
        )  # fmt: skip
        cap = None if context.max_cost is None else Money.from_usd(context.max_cost).nano_usd
        budget = ChainBudget(
            attempts_left=self._retry.attempts_per_task, deadline_s=context.max_processing_time, cap_nano_usd=cap
        )
        with self._telemetry.task(job) as watch:
            chain = Progress(job=job, budget=budget, routed=routed, watch=watch, stops_unfunded=on_budget == "stop")
            try:
                result = await self._failover.through(chain)
            except asyncio.CancelledError:
                self._results.cancelled(job, chain.ended, elapsed_s=budget.elapsed_s)
                raise
            if watch is not None:
                watch.ended(result)
            return result

    async def _opinion(self, entry: TaskTypeEntry, task_type: str) -> SecondOpinion | None:
        """Who judges the answers of a task type; nobody, for most."""
        spec = entry.judge_check
        if spec is None:
            return None
        judge, made = self.judge(entry.judge_model), self._attempts
        trusted = await asyncio.to_thread(self._trusts, judge.key, task_type)
        return SecondOpinion(
            judge=judge, spec=spec, trusted=trusted, sink=made.sink, clock=made.clock, ids=self._ids,
            payloads=made.payloads,
        )  # fmt: skip
