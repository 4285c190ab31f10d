"""An imported call as rows of the log. Knows the events and the catalog's names; decides nothing.

The events' ids follow from the format and the row's own id, so that importing a row again finds it there. The decision
is written last: a row counts as imported once its decision is in the log; until then a second import completes it.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bizq_lab.core.events import AttemptEvent, DecisionEvent, OutcomeEvent
from bizq_lab.core.ids import derived_id, digest
from bizq_lab.errors import UnknownModel
from bizq_lab.execution.redact import redact
from bizq_lab.lab.imports.fields import RefusedRow

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from bizq_lab.catalog import Catalog
    from bizq_lab.core.events import Event
    from bizq_lab.lab.imports.call import ImportedCall
    from bizq_lab.lab.records import Payloads

ATTEMPT_PREFIX: Final = "imported"
"""The query `spending` knows imported attempts by it: what another gateway paid is no budget's of this log."""


class Importing(NamedTuple):
    """Under which name, catalog and payload policy calls enter the log."""

    origin: str
    catalog: Catalog
    payloads: Payloads


class Entry(NamedTuple):
    """The rows of one call in the order in which they are written, and what is odd about it."""

    decision_id: str
    events: tuple[AttemptEvent, OutcomeEvent, DecisionEvent]
    flags: tuple[str, ...]

    @property
    def chars(self) -> int:
        """How much text it holds, about."""
        return len(self.events[0].output or "") + len(str(self.events[-1].task_input or ""))

    def missing(self, known: AbstractSet[str]) -> list[Event]:
        """The events that the log does not have."""
        return [event for event in self.events if event.event_id not in known]

    def is_in(self, known: AbstractSet[str]) -> bool:
        """Whether the call was imported before, whole."""
        return self.events[-1].event_id in known


def entry_of(call: ImportedCall, terms: Importing) -> Entry:
    """The rows of one call: no propensity, no candidates, design `observational`, policy `imported`.

    Raises:
        RefusedRow: Nobody says what kind of task it was.
    """
    if not call.task_type:
        raise RefusedRow("no task type: pass --task-type")
    model, provider, unknown = _named(call, terms.catalog)
    decision_id = derived_id("dec", terms.origin, call.source_id)
    flags = _flags(call, unknown=unknown)
    ended = call.started_at_us + call.response_time_us
    attempt = _attempt(call, terms, decision_id, model=model, provider=provider, flags=flags)
    outcome = OutcomeEvent(
        event_id=derived_id("evt", "outcome", decision_id), recorded_at_us=ended, decision_id=decision_id,
        status="failed" if call.error_type else "completed", succeeded=not call.error_type, served_model=model,
        attempts=1, failed_over=False, timed_out=call.error_type in {"timeout_read", "timeout_connect"},
        error_type=call.error_type, response_time_us=call.response_time_us,
        time_to_first_chunk_us=call.time_to_first_chunk_us, input_tokens=attempt.input_tokens,
        output_tokens=attempt.output_tokens, cost_nano_usd=call.cost_nano_usd, quality_ppm=call.quality_ppm,
        quality_source="" if call.quality_ppm is None else "imported", human_task_id="",
    )  # fmt: skip
    decision = _decision(call, terms, decision_id, model=model, provider=provider, flags=flags)
    return Entry(decision_id, (attempt, outcome, decision), flags)


def _attempt(
    call: ImportedCall, terms: Importing, decision_id: str, *, model: str, provider: str, flags: tuple[str, ...]
) -> AttemptEvent:
    full, output = terms.payloads == "full", call.output or ""
    return AttemptEvent(
        event_id=derived_id("evt", "attempt", decision_id), recorded_at_us=call.started_at_us + call.response_time_us,
        attempt_id=derived_id(ATTEMPT_PREFIX, decision_id), decision_id=decision_id, ordinal=1, model=model,
        provider=provider, purpose="task", status="failed" if call.error_type else "completed",
        error_type=call.error_type, error_message=redact(call.error_message) if full else "",
        http_status=call.http_status, request_model=call.request_model or call.model,
        response_model=call.response_model, response_id=call.response_id, finish_reason=call.finish_reason,
        input_tokens=call.input_tokens or 0, output_tokens=call.output_tokens or 0,
        cache_read_input_tokens=call.cache_read_input_tokens, reasoning_output_tokens=call.reasoning_output_tokens,
        usage_estimated=False, request_temperature=call.temperature, sent_temperature=call.temperature,
        request_max_tokens=0, response_time_us=call.response_time_us,
        time_to_first_chunk_us=call.time_to_first_chunk_us, core_us=0, cost_nano_usd=call.cost_nano_usd,
        maybe_billed=False, input_nano_usd_per_mtok=None, output_nano_usd_per_mtok=None, core_second_nano_usd=None,
        price_version="", flags=list(flags), output=call.output if full else None,
        output_sha256=_sha256(output) if output and terms.payloads != "none" else "",
    )  # fmt: skip


def _decision(
    call: ImportedCall, terms: Importing, decision_id: str, *, model: str, provider: str, flags: tuple[str, ...]
) -> DecisionEvent:
    task_id = derived_id("task", decision_id)
    return DecisionEvent(
        event_id=derived_id("evt", "decision", decision_id), recorded_at_us=call.started_at_us,
        decision_id=decision_id, task_id=task_id, task_key=call.task_key or task_id, task_type=call.task_type,
        base_source="", workspace_id=call.workspace_id, unit=call.workspace_id, segment="", arm=call.arm or model,
        model=model, provider=provider, policy="imported", design="observational", experiment="", stage="", repeat=0,
        propensity_ppb=None, config_hash="", catalog_version=terms.catalog.version, snapshot_id="", seed=0, prompt="",
        prompt_version="", temperature=call.temperature, max_tokens=0, estimated_cost_nano_usd=None,
        estimated_high_nano_usd=None, flags=list(flags), task_input=_kept(call.prompt, terms.payloads),
        origin=terms.origin,
    )  # fmt: skip


def _named(call: ImportedCall, catalog: Catalog) -> tuple[str, str, bool]:
    """Catalog key and provider, or both as the file has them where the catalog knows no such model."""
    for name in (call.model, f"{call.provider}/{call.model}"):
        try:
            entry = catalog.resolve(name)
        except UnknownModel:
            continue
        return entry.key, entry.provider, False
    return call.model, call.provider, True


def _flags(call: ImportedCall, *, unknown: bool) -> tuple[str, ...]:
    unpaid = call.cost_nano_usd == 0 and not call.error_type and not call.cached and bool(call.output_tokens)
    flags = {
        "model_unknown": unknown,
        "price_unknown": call.cost_nano_usd is None,
        "zero_cost": unpaid,
        "usage_missing": call.input_tokens is None or call.output_tokens is None,
        "cached": call.cached,
        "no_source_id": not call.identified,
    }
    return tuple(name for name, holds in flags.items() if holds)


def _kept(prompt: Any, payloads: Payloads) -> Any:
    if prompt is None or payloads == "none":
        return None
    asked = prompt if isinstance(prompt, dict) else {"messages": prompt}
    return asked if payloads == "full" else {"sha256": digest(json.dumps(asked, sort_keys=True))}


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
