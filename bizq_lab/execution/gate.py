"""One call, if everything that guards it agrees: provider, time, rate limits, money, circuit. Knows no next model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bizq_lab.errors import BudgetRefused
from bizq_lab.execution.cache import Recalled
from bizq_lab.execution.guards import Skipped, provider_for
from bizq_lab.execution.limits import Refused
from bizq_lab.execution.pricing import worst_case_input_tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bizq_lab.catalog import Catalog
    from bizq_lab.core.execution import Attempt, ProviderCall
    from bizq_lab.core.model import ModelConfig
    from bizq_lab.core.protocols import Clock, Provider
    from bizq_lab.execution.attempts import Attempts
    from bizq_lab.execution.cache import ResponseCache
    from bizq_lab.execution.health import HealthBook
    from bizq_lab.execution.job import Ended
    from bizq_lab.execution.limits import ModelLimits
    from bizq_lab.execution.progress import Progress
    from bizq_lab.execution.retry import RetrySettings


@dataclass(slots=True, kw_only=True)
class Gate:
    """Lets a call through, or says why not.

    Attributes:
        catalog: Says which models are for sale.
        providers: By the catalog's provider name.
        attempts: Makes the call and books it.
        limits: Rate limits of each model.
        health: Circuit breakers.
        clock: Times the wait for a turn.
        retry: How many calls a task may make, and how long one may take.
        cache: Answers that may be given again, for nothing; None asks each time.
    """

    catalog: Catalog
    providers: Mapping[str, Provider]
    attempts: Attempts
    limits: ModelLimits
    health: HealthBook
    clock: Clock
    retry: RetrySettings
    cache: ResponseCache | None = None

    async def call(self, chain: Progress, config: ModelConfig) -> Ended | Skipped:
        """One call; it waits its turn where the model's rate limits say so (S12)."""
        provider = provider_for(config, self.providers, self.catalog)
        if isinstance(provider, Skipped):
            return provider
        timeout_s = self._time_for(chain, config)
        if isinstance(timeout_s, Skipped):
            return timeout_s
        call = self.attempts.prepare(chain.job, config, ordinal=chain.next_ordinal, timeout_s=timeout_s)
        if chain.watch is not None:
            chain.watch.prompt(call.system, call.prompt)
        return await self.send(chain, call, provider)

    async def send(self, chain: Progress, call: ProviderCall, provider: Provider) -> Ended | Skipped:
        """A call that is ready, through cache, rate limits, money and circuit."""
        config = call.config
        recalled = None if self.cache is None else self.cache.recall(chain.job, call)
        if recalled is not None:
            return await self._paid(chain, call, recalled, 0)
        limited = self.limits.of(config.key)
        # No vendor counts what is replayed or simulated.
        if limited is None or not getattr(provider, "live", False):
            return await self._guarded(chain, call, provider)
        return await self._in_turn(chain, call, provider)

    async def _in_turn(self, chain: Progress, call: ProviderCall, provider: Provider) -> Ended | Skipped:
        """The call, once the model's rate limits allow it."""
        config, started = call.config, self.clock.monotonic()
        turn = await self.limits.enter(
            config.key,
            input_tokens=worst_case_input_tokens(call.prompt, call.system),
            max_tokens=config.max_tokens,
            patience_s=chain.patience_s,
        )
        waited_s = self.clock.monotonic() - started
        chain.budget.elapsed_s += waited_s
        if isinstance(turn, Refused):
            return Skipped("rate_limit", turn.message)
        chain.on_answer = turn.end
        try:
            timeout_s = self._time_for(chain, config)  # less is left than before the wait
            if isinstance(timeout_s, Skipped):
                return timeout_s
            last = await self._guarded(chain, replace(call, timeout_s=timeout_s), provider)
            if not isinstance(last, Skipped) and last.attempt.reply is not None:
                turn.end(last.attempt.reply.usage)
            return last
        finally:
            turn.end()

    async def _guarded(self, chain: Progress, call: ProviderCall, provider: Provider) -> Ended | Skipped:
        """One call, if money and circuit allow it."""
        config = call.config
        worst = self.attempts.worst_case(call, provider)
        # The first call of a routed decision was already judged by routing, on what it expects, not on the worst case.
        if (chain.next_ordinal > 1 or not chain.routed) and not chain.budget.fits_money(worst):
            return Skipped("budget", "its worst case would pass max_cost")
        if not self.health.admit(config.provider, config.key):
            return Skipped("circuit_open", "its circuit is open")
        chain.reserved_nano_usd = worst or 0
        try:
            last = await self._paid(chain, call, provider, worst)
        except BaseException:
            self.health.release(config.provider, config.key)
            raise
        if isinstance(last, Skipped):
            self.health.release(config.provider, config.key)
        elif self.cache is not None:
            self.cache.keep(chain.job, call, last)
        return last

    async def _paid(
        self, chain: Progress, call: ProviderCall, provider: Provider, worst: int | None
    ) -> Ended | Skipped:
        """One call, if the ledger has the money; its answer is judged where the task type says so."""
        opinion = chain.job.opinion

        async def review(attempt: Attempt) -> Attempt:
            chain.on_answer(attempt.reply.usage if attempt.reply else None)  # the judge may need a turn of its own
            return attempt if opinion is None else await opinion.of(chain, attempt)

        # What a cache says again was judged when it was said first.
        judged = opinion is not None and not isinstance(provider, Recalled)
        try:
            flags = ("hedge",) if chain.hedge else ()
            return await self.attempts.make(
                chain.job, call, provider, worst, chain.keep, flags=flags, review=review if judged else None
            )
        except BudgetRefused as refusal:
            chain.unfunded = True
            return Skipped("budget", refusal.message)

    def _time_for(self, chain: Progress, config: ModelConfig) -> float | Skipped:
        """Seconds that the next call may take: the model's limit, or what is left of the deadline (S20)."""
        budget, left = chain.budget, chain.budget.time_left_s
        if budget.attempts_left <= 0:
            return Skipped("budget", f"{self.retry.attempts_per_task} attempts were made")
        if left is not None and left <= 0:
            return Skipped("deadline", "no time was left")
        limit = self.retry.attempt_timeout_s if config.timeout_s is None else config.timeout_s
        return limit if left is None else min(limit, left)
