"""The real clock. Knows nothing of what it times; tests and studies inject another."""

from __future__ import annotations

import asyncio
import time


class SystemClock:
    """Wall time, monotonic time and sleep of this machine: core's `Clock`."""

    def now_us(self) -> int:
        """UTC microseconds since the epoch."""
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        """Seconds that never go backwards, whatever happens to the wall clock."""
        return time.perf_counter()

    async def sleep(self, seconds: float) -> None:
        """Wait without blocking the loop."""
        await asyncio.sleep(seconds)
