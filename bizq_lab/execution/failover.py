"""The loop over a task's models: try, wait, try again, move on, hand over. Knows no provider and no rate limit."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bizq_lab.core.ids import derived_seed
from bizq_lab.execution.chain import followers, permitted_chain
from bizq_lab.execution.error_table import ErrorAction, action_for
from bizq_lab.execution.guards import Skipped
from bizq_lab.execution.job import Ended, Job
from bizq_lab.execution.retry import RetrySettings, RetryTokens, wait_before_retry

if TYPE_CHECKING:
    from bizq_lab.catalog import Catalog
    from bizq_lab.core.execution import TaskResult
    from bizq_lab.core.model import ModelConfig
    from bizq_lab.core.protocols import Clock
    from bizq_lab.execution.hedge import Hedge
    from bizq_lab.execution.progress import Progress
    from bizq_lab.execution.results import Results


@dataclass(slots=True, kw_only=True)
class Failover:
    """Takes a task through its models.

    Attributes:
        catalog: Says which model may follow which.
        hedge: Makes one call, if all that guards it agrees, or two at once.
        results: Writes how the task ended.
        clock: Waits between retries.
        retry: How hard to try.
        tokens: Bounds retries over all tasks.
        seed: Seeds the jitter of waits.
    """

    catalog: Catalog
    hedge: Hedge
    results: Results
    clock: Clock
    retry: RetrySettings
    tokens: RetryTokens
    seed: int

    async def through(self, chain: Progress) -> TaskResult:
        """Try model after model until one completes the task, or nobody is left but a person."""
        job, config = chain.job, chain.job.decision.config
        self.tokens.deposit(config.provider)
        rest: tuple[ModelConfig, ...] | None = None
        while True:
            chain.tried += 1
            last = await self._try_model(chain, config)
            if isinstance(last, Ended) and last.attempt.status == "completed":
                return self.results.completed(job, chain.ended, elapsed_s=chain.budget.elapsed_s, notes=chain.notes)
            error_class = last.error_class if isinstance(last, Skipped) else last.attempt.error_class
            action = action_for(error_class)
            if _acted(job, action):
                chain.note("not repeated: the task has side effects, and the call may have been acted upon")
                break
            rest = self._after_the_first(job) if rest is None else rest
            rest = tuple(followers(action.fail_over, config, rest, self.catalog))
            if not rest:
                break
            config, rest = rest[0], rest[1:]
        chain.raise_setup()
        if chain.unfunded and chain.stops_unfunded:
            return self.results.unfunded(job, chain.ended, elapsed_s=chain.budget.elapsed_s, notes=chain.notes)
        end = self.results.failed if job.decision.design == "paired" else self.results.escalated
        return end(job, chain.ended, elapsed_s=chain.budget.elapsed_s, notes=chain.notes, error_type=error_class)

    def _after_the_first(self, job: Job) -> tuple[ModelConfig, ...]:
        """The models that may follow, in order. An offline comparison measures the arm itself, so it has none."""
        decision = job.decision
        if decision.design == "paired":
            return ()
        return permitted_chain(decision.config, decision.fallbacks, job.context, self.catalog)[1:]

    async def _try_model(self, chain: Progress, config: ModelConfig) -> Ended | Skipped:
        """Call one model until it is accepted, or its row of the error table says to move on."""
        retries = 0
        while True:
            last = await self.hedge.call(chain, config)
            if isinstance(last, Skipped):
                chain.note(f"{config.key} was not called: {last.message}")
                if last.error is not None:
                    chain.setup.append(last.error)
                return last
            action = action_for(last.attempt.error_class) if last.attempt.error_class else None
            if action is None or _acted(chain.job, action):
                return last
            wait = wait_before_retry(
                action, retries=retries, retry_after_s=last.retry_after_s, settings=self.retry, rng=self._rng(chain)
            )
            if wait is None or not chain.budget.fits_time(wait) or not self.tokens.take(config.provider):
                return last
            await self.clock.sleep(wait)
            chain.budget.elapsed_s += wait
            retries += 1

    def _rng(self, chain: Progress) -> random.Random:
        """The task's own randomness, made when something failed: most tasks need none."""
        if chain.rng is None:
            chain.rng = random.Random(derived_seed(self.seed, chain.job.decision.decision_id, chain.job.repeat))
        return chain.rng


def _acted(job: Job, action: ErrorAction) -> bool:
    """Whether a task with side effects may already have had them (S22); an answer we rejected has had none."""
    return job.entry.side_effects and action.billed != "no" and action.name != "quality_reject"
