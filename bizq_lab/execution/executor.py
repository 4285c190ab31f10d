"""ResilientExecutor: the specification's failover, as one loop over one shared budget. Knows no SDK and no file."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from bizq_lab.core.decision import RoutingDecision
from bizq_lab.core.ids import derived_seed, new_id
from bizq_lab.core.model import ModelConfig
from bizq_lab.core.money import Money
from bizq_lab.errors import BudgetRefused
from bizq_lab.execution.attempts import Attempts, Ended, Job, Ledger, Timeout
from bizq_lab.execution.chain import followers, permitted_chain, undecided
from bizq_lab.execution.clock import SystemClock
from bizq_lab.execution.error_table import ErrorAction, action_for
from bizq_lab.execution.guards import Skipped, provider_for
from bizq_lab.execution.health import HealthBook
from bizq_lab.execution.human_tasks import HumanDesk
from bizq_lab.execution.limits import ModelLimits, Refused, catalog_limits
from bizq_lab.execution.loop import background
from bizq_lab.execution.pricing import worst_case_input_tokens
from bizq_lab.execution.progress import Progress
from bizq_lab.execution.records import Payloads
from bizq_lab.execution.results import Results
from bizq_lab.execution.retry import ChainBudget, RetrySettings, RetryTokens, wait_before_retry

if TYPE_CHECKING:
    from bizq_lab.catalog import Catalog
    from bizq_lab.core.execution import ProviderCall, TaskResult
    from bizq_lab.core.protocols import Clock, EventSink, IdSource, Provider
    from bizq_lab.core.task import RoutingContext, Task

T = TypeVar("T")


class ResilientExecutor:
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
        retry: How hard to try.
        desk: Terms on which people take over.
        stream: Whether to stream, and so to measure the time to first token.
        payloads: Whether outputs are kept in the log: `full`, `hash` or `none`.
        timeout: Bounds one call in time; replaced in tests with a fake clock.
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
        retry: RetrySettings | None = None,
        desk: HumanDesk | None = None,
        stream: bool = True,
        payloads: Payloads = "full",
        timeout: Timeout = asyncio.timeout,
    ) -> None:
        """Wire the parts; nothing is opened yet."""
        self._catalog, self._providers, self._ids, self._seed = catalog, providers, ids, seed
        self._clock: Clock = clock or SystemClock()
        self._retry = retry or RetrySettings()
        self._tokens = RetryTokens(self._retry)
        self.limits = limits or catalog_limits(catalog, clock=self._clock, timeout=timeout)
        self.health = health or HealthBook(clock=self._clock)
        self.health.limits = self.health.limits or self.limits
        self._attempts = Attempts(
            catalog=catalog, sink=sink, clock=self._clock, ids=ids, health=self.health, ledger=budget,
            stream=stream, payloads=payloads, timeout=timeout,
        )  # fmt: skip
        self._results = Results(sink=sink, clock=self._clock, ids=ids, desk=desk or HumanDesk())

    # -- the front ----------------------------------------------------------------------------------------------

    async def execute(
        self, decision: RoutingDecision, task: Task, context: RoutingContext, *, repeat: int = 0
    ) -> TaskResult:
        """Execute a decision. Its `DecisionEvent` is the caller's; attempts, human task and outcome are written here.

        Args:
            decision: What to do, and what may follow if that fails.
            task: The task.
            context: Deadline, cost limit, priority and permissions.
            repeat: Which repetition of the task, from 0.

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
        return await self._execute(decision, task, context, repeat=repeat, routed=True)

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

    # -- the loop -----------------------------------------------------------------------------------------------

    async def _execute(
        self, decision: RoutingDecision, task: Task, context: RoutingContext, *, repeat: int, routed: bool
    ) -> TaskResult:
        entry, _ = self._catalog.task_type(task.type)
        job = Job(decision=decision, task=task, context=context, entry=entry, repeat=repeat)
        cap = None if context.max_cost is None else Money.from_usd(context.max_cost).nano_usd
        budget = ChainBudget(
            attempts_left=self._retry.attempts_per_task, deadline_s=context.max_processing_time, cap_nano_usd=cap
        )
        chain = Progress(job=job, budget=budget, routed=routed)
        rng = random.Random(derived_seed(self._seed, decision.decision_id, repeat))
        try:
            return await self._through(chain, rng)
        except asyncio.CancelledError:
            self._results.cancelled(job, chain.ended, elapsed_s=budget.elapsed_s)
            raise

    async def _through(self, chain: Progress, rng: random.Random) -> TaskResult:
        job = chain.job
        rest = self._chain(job)
        self._tokens.deposit(rest[0].provider)
        error_class = "deadline"
        while rest:
            config = rest.pop(0)
            chain.tried += 1
            last = await self._try_model(chain, config, rng)
            if isinstance(last, Ended) and last.attempt.status == "completed":
                return self._results.completed(job, chain.ended, elapsed_s=chain.budget.elapsed_s, notes=chain.notes)
            error_class = last.error_class if isinstance(last, Skipped) else last.attempt.error_class
            action = action_for(error_class)
            if _acted(job, action):
                chain.note("not repeated: the task has side effects, and the call may have been acted upon")
                break
            rest = list(followers(action.fail_over, config, rest, self._catalog))
        chain.raise_setup()
        end = self._results.failed if job.decision.design == "paired" else self._results.escalated
        return end(job, chain.ended, elapsed_s=chain.budget.elapsed_s, notes=chain.notes, error_type=error_class)

    def _chain(self, job: Job) -> list[ModelConfig]:
        """The models that may be called, in order. An offline comparison measures the arm itself, so it has one."""
        decision = job.decision
        fallbacks = () if decision.design == "paired" else decision.fallbacks
        return list(permitted_chain(decision.config, fallbacks, job.context, self._catalog))

    async def _try_model(self, chain: Progress, config: ModelConfig, rng: random.Random) -> Ended | Skipped:
        """Call one model until it is accepted, or its row of the error table says to move on."""
        retries = 0
        while True:
            last = await self._call(chain, config)
            if isinstance(last, Skipped):
                chain.note(f"{config.key} was not called: {last.message}")
                if last.error is not None:
                    chain.setup.append(last.error)
                return last
            action = action_for(last.attempt.error_class) if last.attempt.error_class else None
            if action is None or _acted(chain.job, action):
                return last
            wait = wait_before_retry(
                action, retries=retries, retry_after_s=last.retry_after_s, settings=self._retry, rng=rng
            )
            if wait is None or not chain.budget.fits_time(wait) or not self._tokens.take(config.provider):
                return last
            await self._clock.sleep(wait)
            chain.budget.elapsed_s += wait
            retries += 1

    async def _call(self, chain: Progress, config: ModelConfig) -> Ended | Skipped:
        """One call, if everything that guards it agrees; waits its turn where the model's rate limits say so (S12)."""
        provider = provider_for(config, self._providers, self._catalog)
        if isinstance(provider, Skipped):
            return provider
        call = self._prepare(chain, config)
        if isinstance(call, Skipped):
            return call
        if not getattr(provider, "live", False):  # no vendor counts what is replayed or simulated
            return await self._guarded(chain, call, provider)
        started = self._clock.monotonic()
        turn = await self.limits.enter(
            config.key,
            input_tokens=worst_case_input_tokens(call.prompt, call.system),
            max_tokens=config.max_tokens,
            patience_s=chain.budget.time_left_s,
        )
        chain.budget.elapsed_s += self._clock.monotonic() - started
        if isinstance(turn, Refused):
            return Skipped("rate_limit", turn.message)
        usage = None
        try:
            waited = self._prepare(chain, config)  # less time is left than before the wait
            last = waited if isinstance(waited, Skipped) else await self._guarded(chain, waited, provider)
            if isinstance(last, Ended) and last.attempt.reply is not None:
                usage = last.attempt.reply.usage
            return last
        finally:
            turn.end(usage)

    async def _guarded(self, chain: Progress, call: ProviderCall, provider: Provider) -> Ended | Skipped:
        """One call, if money and circuit allow it."""
        config = call.config
        worst = self._attempts.worst_case(call, provider)
        # The first call of a routed decision was already judged by routing, on what it expects, not on the worst case.
        if (chain.ended or not chain.routed) and not chain.budget.fits_money(worst):
            return Skipped("budget", "its worst case would pass max_cost")
        if not self.health.admit(config.provider, config.key):
            return Skipped("circuit_open", "its circuit is open")
        try:
            return await self._attempts.make(chain.job, call, provider, chain.keep)
        except BudgetRefused as refusal:
            self.health.release(config.provider, config.key)
            return Skipped("budget", refusal.message)
        except BaseException:
            self.health.release(config.provider, config.key)
            raise

    def _prepare(self, chain: Progress, config: ModelConfig) -> ProviderCall | Skipped:
        budget, left = chain.budget, chain.budget.time_left_s
        if budget.attempts_left <= 0:
            return Skipped("budget", f"{self._retry.attempts_per_task} attempts were made")
        if left is not None and left <= 0:
            return Skipped("deadline", "no time was left")
        limit = self._retry.attempt_timeout_s if config.timeout_s is None else config.timeout_s
        timeout_s = limit if left is None else min(limit, left)
        return self._attempts.prepare(chain.job, config, ordinal=len(chain.ended) + 1, timeout_s=timeout_s)


def _acted(job: Job, action: ErrorAction) -> bool:
    """Whether a task with side effects may already have had them (S22); an answer we rejected has had none."""
    return job.entry.side_effects and action.billed != "no" and action.name != "quality_reject"
