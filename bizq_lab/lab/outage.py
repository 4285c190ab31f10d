"""What a bulk run does while every model is down: it waits, and one row at a time finds out. Calls nobody."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from bizq_lab.core.decision import RoutingDecision
    from bizq_lab.core.protocols import Clock
    from bizq_lab.core.snapshot import Health
    from bizq_lab.execution import HealthBook

log = logging.getLogger("bizq_lab.lab")
T = TypeVar("T")
PATIENCE_S = 600.0  # twice the longest that a circuit stays open
_LOOK_AGAIN_S, _LEAST_S = 1.0, 0.01


@dataclass(slots=True, kw_only=True)
class Outage:
    """Holds rows back while nobody could serve them, so that an outage of a minute sends no thousand tasks to people.

    Attributes:
        health: Says whose circuit is open, and for how long.
        clock: Waits.
        patience_s: Seconds that one outage is waited for; after that each row is executed as it is, and so escalated.
    """

    health: HealthBook
    clock: Clock
    patience_s: float = PATIENCE_S
    _one: asyncio.Lock = field(default_factory=asyncio.Lock)
    _waited_s: float = 0.0

    async def through(
        self, decision: RoutingDecision, execute: Callable[[], Awaitable[T]], *, stopped: Callable[[], bool]
    ) -> T:
        """Execute a row once somebody may serve it: beside others when all is well, alone while it is the probe.

        Args:
            decision: Who may serve it.
            execute: Does.
            stopped: Whether the run has stopped meanwhile, so that nobody waits any more.
        """
        if self._is_well(decision):
            self._waited_s = 0.0
            return await execute()
        async with self._one:
            while not self._may_be_called(decision) and self._waited_s < self.patience_s and not stopped():
                wait_s = self._retry_in_s(decision)
                log.warning("no model can be called: waiting %.3g s before the next row", wait_s)
                await self.clock.sleep(wait_s)
                self._waited_s += wait_s
            if not self._is_well(decision):
                return await execute()
        return await execute()

    def _seen(self, decision: RoutingDecision) -> list[Health | None]:
        known = self.health.snapshot()
        return [known.get(config.key) for config in (decision.config, *decision.fallbacks)]

    def _is_well(self, decision: RoutingDecision) -> bool:
        return any(one is None or (one.available and one.retry_in_s is None) for one in self._seen(decision))

    def _may_be_called(self, decision: RoutingDecision) -> bool:
        return any(one is None or one.available for one in self._seen(decision))

    def _retry_in_s(self, decision: RoutingDecision) -> float:
        waits = [one.retry_in_s for one in self._seen(decision) if one is not None and one.retry_in_s]
        return max(min(waits, default=_LOOK_AGAIN_S), _LEAST_S)
