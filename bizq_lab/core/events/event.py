"""What every event has, whatever happened. Must not know any of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

Json = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every event has: its own id and the instant it was recorded."""

    kind: ClassVar[str]
    event_id: str
    recorded_at_us: int
