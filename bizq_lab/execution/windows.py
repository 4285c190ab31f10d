"""Requests and tokens per minute as moving windows of the `limits` library. Knows no call and no model's name.

Loaded on first use only: the library and its dependencies take a tenth of a second to import.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

from limits import RateLimitItemPerMinute
from limits.errors import ConfigurationError, StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter

from bizq_lab.catalog.schema import RateLimits
from bizq_lab.errors import InputError

REDIS_VARIABLE = "BIZQ_LAB_REDIS_URL"
_REDIS_TIMEOUT_S = 1.0
# Redis keeps one list entry a unit; beyond this many units a minute, tokens are counted in bundles, rounded up.
_MOST_UNITS = 20_000
_BEYOND_THE_EDGE_S = 0.001  # both stores still count an entry that is exactly a minute old

StoreDown = StorageError


@dataclass(slots=True)
class Span:
    """What was taken from a window at one instant."""

    at: float
    amount: int


class ClockedMemory(MemoryStorage):
    """The library's memory storage, by an injected clock that never goes backwards.

    The library's own reads the wall clock, keeps an entry a token and starts a thread now and then. Not thread-safe.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        """Nothing was taken yet."""
        super().__init__()
        self._now = now
        self._spans: defaultdict[str, deque[Span]] = defaultdict(deque)
        self._totals: defaultdict[str, int] = defaultdict(int)

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Take from a window, or nothing if it would pass the limit."""
        self._forget(key, expiry)
        if self._totals[key] + amount > limit:
            return False
        self._spans[key].append(Span(self._now(), amount))
        self._totals[key] += amount
        return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """When the oldest entry was taken, and how much is taken."""
        del limit
        self._forget(key, expiry)
        spans = self._spans[key]
        return (spans[0].at if spans else self._now()), self._totals[key]

    def last(self, key: str) -> Span:
        """The newest entry, to be corrected later."""
        return self._spans[key][-1]

    def correct(self, key: str, span: Span, amount: int) -> None:
        """Less was used than was taken; an entry that has left the window stays as it is."""
        if amount < span.amount:
            self._totals[key] -= span.amount - amount
            span.amount = amount

    def _forget(self, key: str, expiry: int) -> None:
        spans, edge = self._spans[key], self._now() - expiry
        while spans and spans[0].at < edge:
            gone = spans.popleft()
            self._totals[key] -= gone.amount
            gone.amount = 0


class _Part(NamedTuple):
    """One window of one model: what is limited, in what unit, and how much a call takes."""

    name: str
    item: RateLimitItemPerMinute
    unit: int
    weight: int


class Windows:
    """The windows of all models in one store.

    Args:
        storage: Where they are kept.
        now: The clock that the storage reads.
        most_units: Units a minute beyond which tokens are counted in bundles.
    """

    def __init__(
        self, storage: ClockedMemory | RedisStorage, now: Callable[[], float], *, most_units: int | None = None
    ) -> None:
        """Wire the library's moving window to a store."""
        self._storage, self._now, self._most_units = storage, now, most_units
        self._limiter = MovingWindowRateLimiter(storage)

    def wait_s(self, key: str, limits: RateLimits, tokens: int) -> float:
        """Seconds until a call may fit: 0 now, infinite never; ask again afterwards, for others may come first."""
        longest = 0.0
        for part in self._parts(limits, tokens):
            if part.weight > part.item.amount:
                return math.inf
            reset, left = self._limiter.get_window_stats(part.item, key, part.name)
            if left < part.weight:
                longest = max(longest, reset - self._now() + _BEYOND_THE_EDGE_S, _BEYOND_THE_EDGE_S)
        return longest

    def take(self, key: str, limits: RateLimits, tokens: int) -> bool:
        """Count one call; False when it did not fit. What was taken before the part that refused stays taken."""
        return all(
            self._limiter.hit(part.item, key, part.name, cost=part.weight) for part in self._parts(limits, tokens)
        )

    def take_or_wait(self, key: str, limits: RateLimits, tokens: int) -> float:
        """Count one call and return 0, or return the seconds until it may fit."""
        wait_s = self.wait_s(key, limits, tokens)
        if wait_s > 0.0 or self.take(key, limits, tokens):
            return wait_s
        return max(_BEYOND_THE_EDGE_S, self.wait_s(key, limits, tokens))  # another process came first

    def left(self, key: str, limits: RateLimits) -> tuple[int | None, int | None]:
        """Requests and tokens that the last minute leaves; None where no limit is stated."""
        stats = {
            part.name: max(0, self._limiter.get_window_stats(part.item, key, part.name)[1]) * part.unit
            for part in self._parts(limits, 0)
        }
        return stats.get("requests"), stats.get("tokens")

    def _parts(self, limits: RateLimits, tokens: int) -> Iterator[_Part]:
        if limits.rpm is not None:
            yield _Part("requests", RateLimitItemPerMinute(limits.rpm, namespace="bizq_lab"), 1, 1)
        if limits.tpm is not None:
            unit = 1 if self._most_units is None else -(-limits.tpm // self._most_units)
            item = RateLimitItemPerMinute(limits.tpm // unit, namespace="bizq_lab")
            yield _Part("tokens", item, unit, -(-tokens // unit))


class LocalWindows(Windows):
    """The windows of one process, which can be corrected once a call has ended."""

    def __init__(self, now: Callable[[], float]) -> None:
        """Keep them in memory."""
        self._memory = ClockedMemory(now)
        super().__init__(self._memory, now)

    def taken_tokens(self, key: str, limits: RateLimits) -> tuple[str, Span] | None:
        """The newest entry of a model's token window, right after `take`."""
        for part in self._parts(limits, 0):
            if part.name == "tokens":
                where = part.item.key_for(key, part.name)
                return where, self._memory.last(where)
        return None

    def correct(self, taken: tuple[str, Span], tokens: int) -> None:
        """A call used fewer tokens than were set aside."""
        self._memory.correct(*taken, tokens)


def shared_windows(url: str) -> Windows:
    """Windows in Redis, shared by everyone who names the same server.

    The library stamps entries with each machine's own wall clock and cannot take one back: clocks must agree to well
    under a second, and a call stays counted at its worst case for its minute.

    Raises:
        InputError: The URL is malformed, the client is not installed, or nobody answers. No message shows the URL.
    """
    try:
        storage = RedisStorage(
            url, wrap_exceptions=True, socket_timeout=_REDIS_TIMEOUT_S, socket_connect_timeout=_REDIS_TIMEOUT_S
        )
        answers = bool(storage.check())
    except ConfigurationError:
        message = f"{REDIS_VARIABLE} is set, but the Redis client is not installed"
        raise InputError(message, hint="pip install 'bizq-lab[redis]', or unset it") from None
    except (ValueError, StorageError):
        answers = False
    if not answers:
        message = f"{REDIS_VARIABLE} names {_without_secrets(url)}, where no Redis answers"
        raise InputError(message, hint="redis://host:port/0, with the server running; or unset it") from None
    return Windows(storage, time.time, most_units=_MOST_UNITS)


def _without_secrets(url: str) -> str:
    """Scheme, host and port alone; a URL that cannot be taken apart is not shown at all."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host:
        return "something that is not a Redis URL"
    return f"{parts.scheme}://{host}{'' if port is None else f':{port}'}"
