"""Events for tests of the store: one of each kind, every field overridable. Knows no log."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from itertools import count
from typing import Any, get_type_hints

from bizq_lab.core.events import EVENTS, Event

START_US = 1_790_000_000_000_000
_numbers = count()
_VALUES: dict[object, Any] = {
    str: "text",
    int: 7,
    float: 0.25,
    bool: True,
    int | None: 11,
    float | None: 0.5,
    bool | None: False,
    str | None: "output",
    list[str]: ["one", "two"],
    Any: {"nested": [1, None, {"deep": "ü"}]},
}


def make_event(kind: str, **overrides: Any) -> Event:
    """An event of a kind with a fresh id and time, and a value in every field."""
    number = next(_numbers)
    own = {"event_id": f"evt_{number:08d}", "recorded_at_us": START_US + number}
    return EVENTS[kind](**(_values(kind) | own | overrides))


@cache
def _values(kind: str) -> dict[str, Any]:
    hints = get_type_hints(EVENTS[kind])
    return {field.name: _VALUES[hints[field.name]] for field in fields(EVENTS[kind])}


def make_story(decision_id: str, *, at_us: int = START_US, **decision: Any) -> list[Event]:
    """A decision, its attempt and its outcome, as an executor writes them."""
    ids = {"decision_id": decision_id}
    return [
        make_event("decision", **ids, event_id=f"{decision_id}-d", recorded_at_us=at_us, experiment="", **decision),
        make_event(
            "attempt_started",
            **ids,
            attempt_id=f"{decision_id}-a",
            event_id=f"{decision_id}-s",
            recorded_at_us=at_us + 1,
        ),
        make_event(
            "attempt", **ids, attempt_id=f"{decision_id}-a", event_id=f"{decision_id}-e", recorded_at_us=at_us + 2
        ),
        make_event("outcome", **ids, status="completed", event_id=f"{decision_id}-o", recorded_at_us=at_us + 3),
    ]
