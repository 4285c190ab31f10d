"""Spans by OpenTelemetry's GenAI conventions, read as calls.

Taken are OTLP's JSON (`resourceSpans`, an export request a line or a document) and one span a row, with its attributes
in `attributes` or as columns. Spans that are no model call (tools, agents, HTTP) are passed over. Old names are read
too: `gen_ai.system`, `gen_ai.usage.prompt_tokens`, `gen_ai.usage.completion_tokens`. The conventions know no cost: it
is read from `bizq.cost.nano_usd` or `gen_ai.usage.cost` (USD), and is else unknown. `bizq.task.type` and
`bizq.workspace.id` go before the command's task type and the resource's `service.name`.
"""

from __future__ import annotations

import json
from typing import Any

from bizq_lab.lab.imports.call import ImportedCall
from bizq_lab.lab.imports.failures import error_class
from bizq_lab.lab.imports.fields import Fields, RefusedRow

_CALLS = {"chat", "text_completion", "generate_content", "embeddings", ""}
_FAILED = {"2", "ERROR", "STATUS_CODE_ERROR", "STATUSCODE.ERROR"}


def otel_call(span: Fields, task_type: str) -> ImportedCall | None:
    """The call of one span; None where the span is no model call.

    Raises:
        RefusedRow: A field is missing or out of its domain.
    """
    model = span.text("gen_ai.request.model", "gen_ai.response.model")
    if not model or span.text("gen_ai.operation.name") not in _CALLS:
        return None
    started, ended = span.instant_us("start"), span.instant_us("end")
    if started is None or ended is None:
        raise RefusedRow("the start or end of the span is missing")
    if ended < started:
        raise RefusedRow("the span ends before it starts", f"{span.raw('start')} to {span.raw('end')}")
    trace_id, span_id = span.text("trace_id"), span.text("span_id")
    failed = span.text("status").upper() in _FAILED or bool(span.text("error.type"))
    cost = span.count("bizq.cost.nano_usd", most=10**15)
    temperature = span.number("gen_ai.request.temperature", least=0, most=100)
    return ImportedCall(
        source_id=f"{trace_id}/{span_id}" if trace_id and span_id else span.fingerprint(),
        identified=bool(trace_id and span_id),
        task_type=span.text("bizq.task.type") or task_type,
        model=model,
        provider=span.text("gen_ai.provider.name", "gen_ai.system"),
        workspace_id=span.text("bizq.workspace.id", "service.name") or "imported",
        arm=span.text("bizq.arm"),
        started_at_us=started,
        response_time_us=ended - started,
        time_to_first_chunk_us=span.duration_us("gen_ai.response.time_to_first_chunk"),
        error_type=error_class(span.text("error.type")) if failed else "",
        error_message=str(span.raw("status_message") or "") if failed else "",
        response_model=span.text("gen_ai.response.model"),
        response_id=span.text("gen_ai.response.id"),
        finish_reason=_first(span.raw("gen_ai.response.finish_reasons")),
        input_tokens=span.count("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
        output_tokens=span.count("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
        cache_read_input_tokens=span.count("gen_ai.usage.cache_read.input_tokens") or 0,
        reasoning_output_tokens=span.count("gen_ai.usage.reasoning.output_tokens") or 0,
        cost_nano_usd=cost if cost is not None else span.nano_usd("gen_ai.usage.cost"),
        temperature=None if temperature is None else float(temperature),
        prompt=span.payload("gen_ai.input.messages"),
        output=_said(span.payload("gen_ai.output.messages")),
    )


def _first(reasons: Any) -> str:
    if isinstance(reasons, str) and reasons.startswith("["):
        try:
            reasons = json.loads(reasons)
        except ValueError:
            return ""
    found = reasons[0] if isinstance(reasons, list) and reasons else reasons
    return found[:100] if isinstance(found, str) else ""


def _said(messages: Any) -> str | None:
    """The text parts of the messages that the model wrote."""
    if not isinstance(messages, list):
        return messages if isinstance(messages, str) else None
    parts = [part for message in messages if isinstance(message, dict) for part in message.get("parts") or ()]
    texts = [part["content"] for part in parts if isinstance(part, dict) and isinstance(part.get("content"), str)]
    return "\n".join(texts) if texts else None
