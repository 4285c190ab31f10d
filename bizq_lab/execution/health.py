"""What execution last saw of each model: circuit breakers, success and latency estimates. Knows no task, no price."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from statistics import NormalDist
from types import MappingProxyType
from typing import TYPE_CHECKING

from bizq_lab.core.execution import Attempt
from bizq_lab.core.snapshot import Health
from bizq_lab.execution.clock import SystemClock
from bizq_lab.execution.error_table import action_for
from bizq_lab.execution.limits import Headroom, ModelLimits

if TYPE_CHECKING:
    from bizq_lab.core.protocols import Clock


_UNLIMITED = Headroom()


@cache
def _z(quantile: float) -> float:
    """Quantile of the standard normal."""
    return NormalDist().inv_cdf(quantile)


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerSettings:
    """When a circuit opens, and for how long.

    Attributes:
        window: Calls looked back at.
        window_s: Seconds looked back at.
        minimum: Fewest calls of a model before their failure rate means anything.
        provider_minimum: The same over all models of a provider.
        failure_share: Share of failures that opens the circuit.
        cooldown_s: Seconds a circuit stays open the first time; grows by as much each time it opens again.
        longest_cooldown_s: Most seconds a circuit stays open.
        half_life_s: Age at which an observation counts half in the estimates.
    """

    window: int = 20
    window_s: float = 60.0
    minimum: int = 5
    provider_minimum: int = 10
    failure_share: float = 0.5
    cooldown_s: float = 30.0
    longest_cooldown_s: float = 300.0
    half_life_s: float = 600.0


@dataclass(slots=True)
class Breaker:
    """A circuit: closed, open until an instant, or half-open with exactly one probe under way."""

    settings: BreakerSettings
    minimum: int
    recent: deque[tuple[float, bool]] = field(default_factory=deque)
    failures: int = 0
    open_until: float | None = None
    times_opened: int = 0
    probe_since: float | None = None

    def state(self, now: float) -> str:
        """`closed`, `open` or `half_open`."""
        if self.open_until is None:
            return "closed"
        return "open" if now < self.open_until else "half_open"

    def admits(self, now: float) -> bool:
        """Whether a call may go; in the half-open state one probe at a time, forgotten after a cooldown."""
        state = self.state(now)
        if state != "half_open":
            return state == "closed"
        return self.probe_since is None or now - self.probe_since >= self.settings.cooldown_s

    def begin(self, now: float) -> None:
        """A call was admitted; in the half-open state it is the probe."""
        if self.state(now) == "half_open":
            self.probe_since = now

    def release(self) -> None:
        """The call ended without telling anything about the provider."""
        self.probe_since = None

    def record(self, *, failed: bool, now: float) -> None:
        """A call ended."""
        if self.open_until is not None:
            self.probe_since = None
            if failed:
                self.trip(now)
            elif now >= self.open_until:
                self.open_until, self.times_opened = None, 0
                self._forget()
            return
        self.recent.append((now, failed))
        self.failures += failed
        while len(self.recent) > self.settings.window or now - self.recent[0][0] > self.settings.window_s:
            self.failures -= self.recent.popleft()[1]
        seen = len(self.recent)
        if failed and seen >= self.minimum and self.failures >= self.settings.failure_share * seen:
            self.trip(now)

    def trip(self, now: float) -> None:
        """Open; a call that was under way when the circuit opened does not lengthen it."""
        if self.open_until is not None and now < self.open_until:
            return
        self.times_opened += 1
        cooldown = min(self.settings.cooldown_s * self.times_opened, self.settings.longest_cooldown_s)
        self.open_until, self.probe_since = now + cooldown, None
        self._forget()

    def _forget(self) -> None:
        self.recent.clear()
        self.failures = 0


@dataclass(slots=True)
class _Estimates:
    """Beta-decayed success, and a log-normal latency by exponentially weighted moments."""

    successes: float = 0.0
    failures: float = 0.0
    weight: float = 0.0
    log_mean: float = 0.0
    log_var: float = 0.0
    seen_at: float = 0.0

    def observe(self, *, succeeded: bool, seconds: float, now: float, half_life_s: float) -> None:
        kept = 0.5 ** (max(0.0, now - self.seen_at) / half_life_s) if self.successes + self.failures else 1.0
        self.successes = self.successes * kept + succeeded
        self.failures = self.failures * kept + (not succeeded)
        self.seen_at = now
        if not succeeded or seconds <= 0:
            return
        self.weight = self.weight * kept + 1.0
        share = max(1.0 / self.weight, 0.05)
        delta = math.log(seconds) - self.log_mean
        self.log_mean += share * delta
        self.log_var = (1.0 - share) * (self.log_var + share * delta * delta)

    @property
    def success_rate(self) -> float | None:
        """Posterior mean under a uniform prior; None when nothing was seen."""
        seen = self.successes + self.failures
        return (self.successes + 1.0) / (seen + 2.0) if seen else None

    @property
    def p95_s(self) -> float | None:
        """Predicted 95th percentile; None before the first success."""
        return self.quantile_s(0.95) if self.weight else None

    def quantile_s(self, quantile: float) -> float:
        """Quantile of the log-normal latency."""
        return math.exp(self.log_mean + _z(quantile) * math.sqrt(self.log_var))


class HealthBook:
    """Breakers and estimates of every model and provider, shared by all executions of a process; thread-safe.

    Args:
        clock: Injected time.
        settings: When circuits open.
        limits: Rate limits whose headroom the snapshot shows; set by the executor when it makes them.
    """

    def __init__(
        self, *, clock: Clock | None = None, settings: BreakerSettings | None = None, limits: ModelLimits | None = None
    ) -> None:
        """Nothing was seen yet: everything is healthy."""
        self.limits = limits
        self._clock = clock or SystemClock()
        self._settings = settings or BreakerSettings()
        self._models: dict[str, Breaker] = {}
        self._providers: dict[str, Breaker] = {}
        self._estimates: dict[str, _Estimates] = {}
        # Of models whose circuits are closed: it waits for no clock, and holds while the limits leave the same room.
        self._calm: dict[str, tuple[Headroom | None, Health]] = {}
        self._lock = threading.Lock()
        self._recorded = 0

    @property
    def version(self) -> int:
        """Grows with every attempt recorded and every call that a rate limit counted."""
        return self._recorded + (0 if self.limits is None else self.limits.version)

    def admit(self, provider: str, key: str) -> bool:
        """Whether a call may go to this model now. An admitted call must end in `record` or `release`."""
        with self._lock:
            now = self._clock.monotonic()
            breakers = self._both(provider, key)
            if not all(breaker.admits(now) for breaker in breakers):
                return False
            for breaker in breakers:
                breaker.begin(now)
            return True

    def record(self, attempt: Attempt) -> None:
        """Learn from one attempt that was sent, or could not be."""
        action = action_for(attempt.error_class) if attempt.error_class else None
        scope = action.breaker if action else "none"
        silent = action is not None and scope == "none" and action.name not in {"quality_reject", "content_filter"}
        config = attempt.config
        with self._lock:
            now = self._clock.monotonic()
            model, provider = self._both(config.provider, config.key)
            self._recorded += 1
            if silent:
                model.release()
                provider.release()
                return
            failed = scope != "none"
            if failed:
                self._calm.clear()  # it may have opened the circuit of a whole provider
            else:
                self._calm.pop(config.key, None)
            for breaker in (model, provider):
                breaker.record(failed=failed, now=now)
            if scope == "model":
                model.trip(now)
            if scope == "provider":
                provider.trip(now)
            self._estimates.setdefault(config.key, _Estimates()).observe(
                succeeded=not failed, seconds=attempt.response_time_s, now=now, half_life_s=self._settings.half_life_s
            )

    def release(self, provider: str, key: str) -> None:
        """An admitted call was not sent after all."""
        with self._lock:
            for breaker in self._both(provider, key):
                breaker.release()

    def state(self, key: str) -> str:
        """`closed`, `open` or `half_open`, for a model key or a provider name."""
        with self._lock:
            breaker = self._models.get(key) or self._providers.get(key)
            return breaker.state(self._clock.monotonic()) if breaker else "closed"

    def latency_s(self, key: str, quantile: float, *, minimum: int) -> float | None:
        """Predicted quantile of a model's latency in seconds; None before so many successes were seen.

        Args:
            key: The model.
            quantile: In (0, 1).
            minimum: Fewest successes, weighed by their age, that mean anything.
        """
        with self._lock:
            estimates = self._estimates.get(key)
            return None if estimates is None or estimates.weight < minimum else estimates.quantile_s(quantile)

    def snapshot(self) -> Mapping[str, Health]:
        """What routing may know: one `Health` for each model that was seen or is limited."""
        room = {} if self.limits is None else self.limits.headroom()
        with self._lock:
            now = self._clock.monotonic()
            return MappingProxyType({key: self._health(key, now, room.get(key)) for key in {**self._models, **room}})

    def _health(self, key: str, now: float, room: Headroom | None) -> Health:
        known = self._calm.get(key)
        if known is not None and known[0] == room:
            return known[1]
        estimates = self._estimates.get(key, _Estimates())
        breakers = self._both(key.partition("/")[0], key)
        waits = [breaker.open_until - now for breaker in breakers if breaker.open_until is not None]
        left = room or _UNLIMITED
        health = Health(
            available=all(breaker.admits(now) for breaker in breakers),
            success_rate=estimates.success_rate,
            p95_latency_s=estimates.p95_s,
            retry_in_s=max(0.0, *waits) if waits else None,
            requests_left=left.requests_left,
            tokens_left=left.tokens_left,
            slots_left=left.slots_left,
        )
        if not waits:
            self._calm[key] = room, health
        return health

    def _both(self, provider: str, key: str) -> tuple[Breaker, Breaker]:
        if key not in self._models:
            self._models[key] = Breaker(self._settings, self._settings.minimum)
        if provider not in self._providers:
            self._providers[provider] = Breaker(self._settings, self._settings.provider_minimum)
        return self._models[key], self._providers[provider]
