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


# Ids that hash into the sample of `task_outcome`.
SAMPLED = ("g1", "m6", "p4", "s9")


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


def crossing_events() -> list[Event]:
    """Five decisions; one decided twice, one with two outcomes, one in the sample; ratings with ties in time."""
    found = [event for name in ("a", "b", SAMPLED[0]) for event in make_story(name)]
    found += [
        make_event("decision", event_id="c-d", decision_id="c", arm="first", recorded_at_us=5),
        make_event("decision", event_id="c-d2", decision_id="c", arm="second", recorded_at_us=5),
        make_event("outcome", event_id="b-o2", decision_id="b", status="failed"),
        make_event("outcome", event_id="z-o", decision_id="z"),
        make_event("feedback", event_id="s-f", decision_id=SAMPLED[0], rating_ppm=7),
        *(
            make_event("feedback", event_id=f"a-f{n}", decision_id="a", rating_ppm=n, recorded_at_us=9)
            for n in range(3)
        ),
        make_event("feedback", event_id="a-f9", decision_id="a", rating_ppm=None, recorded_at_us=10),
    ]
    return found
