"""Rate limits of each model: a call that would break one is not sent. Knows the catalog's limits, no provider.

Requests and tokens per minute are moving windows of the `limits` library, kept in this process, and in Redis too when
`BIZQ_LAB_REDIS_URL` is set, so that processes share them. Concurrency is a semaphore in each process: n processes may
have n times as many calls under way. A call is weighed by its worst case; afterwards the bytes that bounded its input
give way to the tokens counted, while `max_tokens` stays, for that is what vendors hold against the limit.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from bizq_lab.execution.slots import Slots

if TYPE_CHECKING:
    from bizq_lab.catalog import Catalog
    from bizq_lab.catalog.schema import RateLimits
    from bizq_lab.core.execution import Usage
    from bizq_lab.core.protocols import Clock
    from bizq_lab.execution.windows import LocalWindows, Span, Windows

T = TypeVar("T")
Timeout = Callable[[float], AbstractAsyncContextManager[object]]
log = logging.getLogger("bizq_lab.execution")
_ASK_AGAIN_S = 30.0  # a Redis that went away is left alone this long
_SEEN_FOR_S = 1.0  # routing looks at the shared windows at most this often


class Headroom(NamedTuple):
    """What a model's limits still allow; None where none is stated."""

    requests_left: int | None = None
    tokens_left: int | None = None
    slots_left: int | None = None


class Refused(NamedTuple):
    """A call that may not go, and why."""

    message: str


@dataclass(slots=True)
class Turn:
    """The right to make one call; it must end."""

    on_end: list[Callable[[Usage | None], None]] = field(default_factory=list)

    def end(self, usage: Usage | None = None) -> None:
        """The call ended: free its slot, and count the tokens it read instead of the bytes that bounded them."""
        while self.on_end:
            self.on_end.pop()(usage)


class ModelLimits:
    """Admits calls as each model's limits allow; shared by all executions of a process, safe from any thread.

    Args:
        limits: By model key; a model without limits is always admitted.
        clock: Injected time of this process's windows. Redis windows read the wall clock, see `shared_windows`.
        timeout: Bounds the wait for a slot.
        redis_url: Server that shares the windows between processes; empty keeps them in this process.
    """

    def __init__(
        self, limits: Mapping[str, RateLimits], *, clock: Clock, timeout: Timeout = asyncio.timeout, redis_url: str = ""
    ) -> None:
        """Remember the limits; connect to nobody yet."""
        self._limits = {key: stated for key, stated in limits.items() if any(stated.__dict__.values())}
        self._clock, self._timeout, self._url = clock, timeout, redis_url
        self._lock = threading.Lock()
        self._slots = {key: Slots(one.concurrency) for key, one in self._limits.items() if one.concurrency is not None}
        self._local: LocalWindows | None = None
        self._shared: Windows | None = None
        self._away_until = -math.inf
        self._seen: dict[str, tuple[float, tuple[int | None, int | None]]] = {}
        self.version = 0

    def of(self, key: str) -> RateLimits | None:
        """What is stated of a model; None when nothing is, and its calls need no turn."""
        return self._limits.get(key)

    async def enter(self, key: str, *, input_tokens: int, max_tokens: int, patience_s: float | None) -> Turn | Refused:
        """Wait until a call may go, if that is within patience.

        Args:
            key: The model.
            input_tokens: Most tokens its input can have.
            max_tokens: Most tokens it may write.
            patience_s: Most seconds to wait; None waits as long as it takes.

        Raises:
            InputError: `BIZQ_LAB_REDIS_URL` is of no use.
        """
        stated, turn = self._limits.get(key), Turn()
        if stated is None:
            return turn
        until = math.inf if patience_s is None else self._clock.monotonic() + patience_s
        try:
            refused = await self._slot(key, turn, patience_s)
            if refused is None:
                refused = await self._window(key, stated, (input_tokens, max_tokens), turn, until)
        except BaseException:
            turn.end()
            raise
        if refused is not None:
            turn.end()
        return refused or turn

    def headroom(self) -> Mapping[str, Headroom]:
        """What each limited model is still allowed now, for routing; it only looks, and it waits for nobody.

        Raises:
            InputError: `BIZQ_LAB_REDIS_URL` is of no use.
        """
        room = {}
        for key, stated in self._limits.items():
            slots = self._slots.get(key)
            requests, tokens = stated.rpm, stated.tpm
            if (requests or tokens) and (self._url or self._local is not None):
                requests, tokens = self._left(key, stated)
            room[key] = Headroom(requests, tokens, None if slots is None else slots.left)
        return room

    async def _slot(self, key: str, turn: Turn, patience_s: float | None) -> Refused | None:
        slots = self._slots.get(key)
        if slots is None:
            return None
        if slots.left < 1 and patience_s is not None:
            try:
                async with self._timeout(patience_s):
                    await slots.acquire()
            except TimeoutError:
                return Refused(f"all {self._limits[key].concurrency} concurrent calls are taken")
        else:
            await slots.acquire()
        self.version += 1

        def free(_: Usage | None) -> None:
            self.version += 1
            slots.release()

        turn.on_end.append(free)
        return None

    async def _window(
        self, key: str, stated: RateLimits, size: tuple[int, int], turn: Turn, until: float
    ) -> Refused | None:
        if stated.rpm is None and stated.tpm is None:
            return None
        while True:
            if self._url:
                wait_s = await asyncio.to_thread(self._take, key, stated, size, turn)
            else:
                wait_s = self._take(key, stated, size, turn)
            if wait_s <= 0.0:
                return None
            if math.isinf(wait_s):
                return Refused(f"it needs up to {sum(size):,} tokens, and its limit is {stated.tpm:,} a minute")
            left_s = until - self._clock.monotonic()
            if wait_s >= left_s:
                return Refused(f"its rate limit allows no call for {wait_s:.3g} s, and {left_s:.3g} s are left")
            await self._clock.sleep(wait_s)

    def _take(self, key: str, stated: RateLimits, size: tuple[int, int], turn: Turn) -> float:
        """Count the call and return 0, or return the seconds to wait.

        Redis decides while it answers. This process counts along, so that it can go on alone when Redis is away.
        """
        tokens = sum(size)
        wait_s = self._on_shared(lambda windows: windows.take_or_wait(key, stated, tokens))
        with self._lock:
            local = self._own()
            if wait_s is None:
                wait_s = local.take_or_wait(key, stated, tokens)
                counted = wait_s <= 0.0
            else:
                counted = wait_s <= 0.0 and local.take(key, stated, tokens)
            if wait_s > 0.0:
                return wait_s
            self.version += 1
            taken = local.taken_tokens(key, stated) if counted else None
        if taken is not None:
            turn.on_end.append(lambda usage: self._correct(local, taken, size, usage))
        return 0.0

    def _correct(
        self, local: LocalWindows, taken: tuple[str, Span], size: tuple[int, int], usage: Usage | None
    ) -> None:
        if usage is None or usage.estimated:
            return
        with self._lock:
            local.correct(taken, min(size[0], usage.input_tokens) + size[1])
            self.version += 1

    def _left(self, key: str, stated: RateLimits) -> tuple[int | None, int | None]:
        now = self._clock.monotonic()
        seen = self._seen.get(key)
        if self._url and seen is not None and now - seen[0] < _SEEN_FOR_S:
            return seen[1]
        left = self._on_shared(lambda windows: windows.left(key, stated))
        if left is None:
            with self._lock:
                left = self._own().left(key, stated)
        else:
            self._seen[key] = (now, left)
        return left

    def _own(self) -> LocalWindows:
        if self._local is None:
            from bizq_lab.execution.windows import LocalWindows  # noqa: PLC0415 - slow to import

            self._local = LocalWindows(self._clock.monotonic)
        return self._local

    def _on_shared(self, ask: Callable[[Windows], T]) -> T | None:
        """Ask Redis; None when there is none, or it is away, which is said once."""
        if not self._url or self._clock.monotonic() < self._away_until:
            return None
        from bizq_lab.execution.windows import StoreDown, shared_windows  # noqa: PLC0415 - slow to import

        try:
            if self._shared is None:
                self._shared = shared_windows(self._url)
            return ask(self._shared)
        except StoreDown:
            self._away_until = self._clock.monotonic() + _ASK_AGAIN_S
            log.warning("Redis is away: for %g s this process keeps its rate limits alone", _ASK_AGAIN_S)
            return None


def catalog_limits(catalog: Catalog, *, clock: Clock, timeout: Timeout = asyncio.timeout) -> ModelLimits:
    """The limits a catalog states, shared through Redis where the environment names one."""
    stated = {key: entry.limits for key, entry in catalog.models.items()}
    return ModelLimits(stated, clock=clock, timeout=timeout, redis_url=os.environ.get("BIZQ_LAB_REDIS_URL", ""))
