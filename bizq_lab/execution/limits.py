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
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from bizq_lab.execution.slots import Slots

if TYPE_CHECKING:
    from bizq_lab.catalog.schema import RateLimits
    from bizq_lab.core.execution import Usage
    from bizq_lab.core.protocols import Clock
    from bizq_lab.execution.windows import LocalWindows, Windows

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

    waited_s: float = 0.0
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
        redis_url: Server that shares the windows between processes; empty keeps them in this process.
    """

    def __init__(self, limits: Mapping[str, RateLimits], *, clock: Clock, redis_url: str = "") -> None:
        """Remember the limits; connect to nobody yet."""
        self._limits = {key: stated for key, stated in limits.items() if any(stated.__dict__.values())}
        self._clock, self._url = clock, redis_url
        self._lock = threading.Lock()
        self._slots = {key: Slots(one.concurrency) for key, one in self._limits.items() if one.concurrency is not None}
        self._local: LocalWindows | None = None
        self._shared: Windows | None = None
        self._away_until = -math.inf
        self._seen: dict[str, tuple[float, tuple[int | None, int | None]]] = {}
        self.version = 0

    async def enter(
        self, key: str, *, input_tokens: int, max_tokens: int, patience_s: float | None,
        timeout: Callable[[float], AbstractAsyncContextManager[object]] = asyncio.timeout,
    ) -> Turn | Refused:  # fmt: skip
        """Wait until a call may go, if that is within patience.

        Args:
            key: The model.
            input_tokens: Most tokens its input can have.
            max_tokens: Most tokens it may write.
            patience_s: Most seconds to wait; None waits as long as it takes.
            timeout: Bounds the wait for a slot.

        Raises:
            InputError: `BIZQ_LAB_REDIS_URL` is of no use.
        """
        stated, turn = self._limits.get(key), Turn()
        if stated is None:
            return turn
        started = self._clock.monotonic()
        try:
            refused = await self._slot(key, turn, patience_s, timeout)
            if refused is None:
                refused = await self._window(key, stated, (input_tokens, max_tokens), turn, patience_s, started)
        except BaseException:
            turn.end()
            raise
        turn.waited_s = self._clock.monotonic() - started
        if refused is None:
            return turn
        turn.end()
        return refused

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

    async def _slot(
        self, key: str, turn: Turn, patience_s: float | None,
        timeout: Callable[[float], AbstractAsyncContextManager[object]],
    ) -> Refused | None:  # fmt: skip
        slots = self._slots.get(key)
        if slots is None:
            return None
        if slots.left < 1 and patience_s is not None:
            try:
                async with timeout(patience_s):
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
        self, key: str, stated: RateLimits, size: tuple[int, int], turn: Turn, patience_s: float | None, started: float
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
            waited_s = self._clock.monotonic() - started
            if patience_s is not None and waited_s + wait_s >= patience_s:
                return Refused(f"its rate limit allows no call for {wait_s:.3g} s, and {patience_s - waited_s:.3g} s are left")
            await self._clock.sleep(wait_s)

    def _take(self, key: str, stated: RateLimits, size: tuple[int, int], turn: Turn) -> float:
        """Count the call and return 0, or count nothing and return the seconds to wait."""
        tokens = sum(size)
        shared = self._sharing()
        if shared is not None and (wait_s := self._on_shared(lambda: shared.wait_s(key, stated, tokens)) or 0.0):
            return wait_s
        with self._lock:
            local = self._own()
            wait_s = local.wait_s(key, stated, tokens)
            if wait_s > 0.0:
                return wait_s
            local.take(key, stated, tokens)
            taken = local.taken_tokens(key, stated)
            self.version += 1
        # Another process may have come first since we looked. What this process counted then stays counted for its
        # minute: too careful, never too bold.
        if shared is not None and self._on_shared(lambda: shared.take(key, stated, tokens)) is False:
            return max(0.001, self._on_shared(lambda: shared.wait_s(key, stated, tokens)) or 0.0)
        if taken is not None:
            turn.on_end.append(lambda usage: self._correct(local, taken, size, usage))
        return 0.0
