"""The events of the log, one class a table: the contract between those who act and those who ask.

Knows neither the journal nor DuckDB. Every field is a column of the table `kind` names. Integers carry
their unit: `_us` microseconds, `_nano_usd` billionths of a dollar, `_ppm` millionths, `_ppb` billionths.
Times are UTC microseconds since the epoch. Events are only ever appended.
"""

from __future__ import annotations

from bizq_lab.core.events.event import Event
from bizq_lab.core.events.lab import (
    AlertEvent,
    ConfigEvent,
    DeliveryEvent,
    ExperimentEvent,
    LookEvent,
    RunEvent,
)
from bizq_lab.core.events.tasks import (
    AttemptEvent,
    AttemptStartedEvent,
    DecisionEvent,
    EvaluationEvent,
    FeedbackEvent,
    HumanTaskEvent,
    OutcomeEvent,
)

__all__ = [
    "EVENTS",
    "AlertEvent",
    "AttemptEvent",
    "AttemptStartedEvent",
    "ConfigEvent",
    "DecisionEvent",
    "DeliveryEvent",
    "EvaluationEvent",
    "Event",
    "ExperimentEvent",
    "FeedbackEvent",
    "HumanTaskEvent",
    "LookEvent",
    "OutcomeEvent",
    "RunEvent",
]

EVENTS: dict[str, type[Event]] = {
    event.kind: event
    for event in (
        DecisionEvent,
        AttemptStartedEvent,
        AttemptEvent,
        OutcomeEvent,
        FeedbackEvent,
        HumanTaskEvent,
        AlertEvent,
        DeliveryEvent,
        ExperimentEvent,
        LookEvent,
        ConfigEvent,
        RunEvent,
        EvaluationEvent,
    )
}
