"""The one retry loop's arithmetic: shared budget of a chain, full-jitter backoff, retry tokens. Knows no provider."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field

from bizq_lab.execution.error_table import ErrorAction


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrySettings:
    """How hard to try.

    Attributes:
        attempts_per_task: Most calls of the whole chain.
        attempt_timeout_s: Most seconds of one call, where the model states nothing.
        backoff_base_s: Ceiling of the first wait.
        backoff_cap_s: Ceiling of any wait of our own.
        longest_wait_s: A `Retry-After` beyond this fails over instead of waiting.
        jitter: Share added at random to a wait the provider asked for, so that clients do not return together.
        tokens: Retries that are always allowed; beyond them, `deposit` per task.
        deposit: Retry tokens earned by each task: 0.1 bounds retries to 10 % of requests.
    """

    attempts_per_task: int = 8
    attempt_timeout_s: float = 120.0
    backoff_base_s: float = 0.5
    backoff_cap_s: float = 8.0
    longest_wait_s: float = 60.0
    jitter: float = 0.1
    tokens: float = 3.0
    deposit: float = 0.1


@dataclass(slots=True, kw_only=True)
class ChainBudget:
    """Attempts, time and money of one task, shared by all its calls (S20).

    Attributes:
        attempts_left: Calls still allowed.
        deadline_s: Seconds for the whole chain; None means no limit.
        cap_nano_usd: Money for the whole chain; None means no limit.
        elapsed_s: Seconds used by calls and waits.
        spent_nano_usd: Money booked so far.
    """

    attempts_left: int
    deadline_s: float | None
    cap_nano_usd: int | None
    elapsed_s: float = 0.0
    spent_nano_usd: int = 0

    @property
    def time_left_s(self) -> float | None:
        """Seconds left; None means no limit."""
        return None if self.deadline_s is None else self.deadline_s - self.elapsed_s

    def fits_time(self, seconds: float) -> bool:
        """Whether something would still be left after waiting this long."""
        left = self.time_left_s
        return left is None or seconds < left

    def fits_money(self, nano_usd: int | None) -> bool:
        """Whether a worst case fits; an unknown one never does under a cap (S4)."""
        if self.cap_nano_usd is None:
            return True
        return nano_usd is not None and self.spent_nano_usd + nano_usd <= self.cap_nano_usd

    def spend(self, *, seconds: float, nano_usd: int | None) -> None:
        """Book one call."""
        self.attempts_left -= 1
        self.elapsed_s += seconds
        self.spent_nano_usd += nano_usd or 0


@dataclass(slots=True)
class RetryTokens:
    """Bounds retries to a share of requests, so that an outage is not answered with a storm."""

    settings: RetrySettings
    _by_provider: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def deposit(self, provider: str) -> None:
        """One task began."""
        with self._lock:
            self._by_provider[provider] = self._left(provider) + self.settings.deposit

    def take(self, provider: str) -> bool:
        """Whether one more retry is allowed; takes it if so."""
        with self._lock:
            left = self._left(provider)
            if left < 1.0 - 1e-9:
                return False
            self._by_provider[provider] = left - 1.0
            return True

    def _left(self, provider: str) -> float:
        return self._by_provider.get(provider, self.settings.tokens)


def wait_before_retry(
    action: ErrorAction, *, retries: int, retry_after_s: float | None, settings: RetrySettings, rng: random.Random
) -> float | None:
    """Seconds to wait before the same model is tried again, or None when it must not be.

    A wait the provider asked for is honoured in full, plus a little jitter. Without one, full jitter: uniform in
    [0, min(cap, base * 2^retries)] (Brooker, "Exponential Backoff And Jitter", 2015).

    Args:
        action: The failure's row of the error table.
        retries: Retries already made on this model.
        retry_after_s: What the provider asked for, if anything.
        settings: How hard to try.
        rng: Where jitter comes from.
    """
    if retries >= action.retries:
        return None
    if retry_after_s is None:
        return rng.uniform(0.0, min(settings.backoff_cap_s, settings.backoff_base_s * 2.0**retries))
    if retry_after_s > settings.longest_wait_s:
        return None
    return retry_after_s * (1.0 + settings.jitter * rng.random())
