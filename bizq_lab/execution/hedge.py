"""A second call where the first one is late (hedging), for task types that ask for it. Knows no provider and no price.

Dean and Barroso, "The Tail at Scale", CACM 2013: the same request again after a high quantile of the usual latency, the
first good answer wins, the other call is cancelled. Both are booked; whoever loses may have been billed.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bizq_lab.execution.guards import Skipped
from bizq_lab.execution.job import LOST, Ended

if TYPE_CHECKING:
    from bizq_lab.catalog.schema import HedgeSpec
    from bizq_lab.core.model import ModelConfig
    from bizq_lab.core.protocols import Clock
    from bizq_lab.execution.gate import Gate
    from bizq_lab.execution.health import HealthBook
    from bizq_lab.execution.progress import Progress


@dataclass(slots=True, kw_only=True)
class Hedge:
    """Makes calls through the gate, and a second one where it is worth it.

    Attributes:
        gate: Makes each call, guarded as any other.
        health: Knows how long a model usually takes.
        clock: Times the wait for the first answer.
    """

    gate: Gate
    health: HealthBook
    clock: Clock
    _calls: Counter[str] = field(default_factory=Counter)
    _hedges: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    async def call(self, chain: Progress, config: ModelConfig) -> Ended | Skipped:
        """One call; two where the task type allows it, the model is late, and neither share nor budget forbid it."""
        job = chain.job
        spec = job.entry.hedge
        # An offline comparison measures the model, not what a second call makes of it.
        if spec is None or job.entry.side_effects or job.decision.design == "paired":
            return await self.gate.call(chain, config)
        with self._lock:
            self._calls[job.task.type] += 1
        after_s = self.health.latency_s(config.key, spec.quantile, minimum=spec.minimum)
        if after_s is None:
            return await self.gate.call(chain, config)
        return await self._race(chain, config, spec, after_s)

    async def _race(self, chain: Progress, config: ModelConfig, spec: HedgeSpec, after_s: float) -> Ended | Skipped:
        """Start, wait for the usual time, start again, take the first good answer, cancel the rest."""
        started = self.clock.monotonic()
        sides = [chain.beside()]
        calls = [asyncio.ensure_future(self.gate.call(sides[0], config))]
        late = asyncio.ensure_future(self.clock.sleep(after_s))
        best = calls[0]
        try:
            await asyncio.wait({calls[0], late}, return_when=asyncio.FIRST_COMPLETED)
            if not calls[0].done() and self._take(chain.job.task.type, spec):
                sides.append(chain.beside(hedges=sides[0], after_s=after_s))
                calls.append(asyncio.ensure_future(self.gate.call(sides[1], config)))
            best = await _first_good(calls)
        finally:
            late.cancel()
            for call in calls:
                call.cancel(LOST)
            await asyncio.wait({late, *calls})  # whoever was cancelled books that first
            losers = [side for side, call in zip(sides, calls, strict=True) if call is not best]
            chain.absorb([*losers, sides[calls.index(best)]], elapsed_s=self.clock.monotonic() - started)
        for call in calls:
            if not call.cancelled():
                call.result()  # an event that could not be written stops the task, whichever call it was
        return best.result()

    def _take(self, task_type: str, spec: HedgeSpec) -> bool:
        """Whether one more hedge stays within its share of the calls of this task type; counts it if so."""
        with self._lock:
            if self._hedges[task_type] + 1 > spec.max_share * self._calls[task_type]:
                return False
            self._hedges[task_type] += 1
            return True


async def _first_good(calls: list[asyncio.Task[Ended | Skipped]]) -> asyncio.Task[Ended | Skipped]:
    """The first call that completed the task; when none does, the first one made."""
    pending = set(calls)
    while pending:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for call in calls:
            if call in done and _good(call):
                return call
    return calls[0]


def _good(call: asyncio.Task[Ended | Skipped]) -> bool:
    if call.cancelled() or call.exception() is not None:
        return False
    last = call.result()
    return isinstance(last, Ended) and last.attempt.status == "completed"
