"""Spans as they are exported, flattened to one field a name. Knows OTLP's JSON and the SDK's own; no convention."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from bizq_lab.lab.imports.fields import Fields, RefusedRow

_DEEPEST = 20


def spans_of(row: Fields) -> Iterator[Fields]:
    """Each span of a row: attributes and resource by name, with `trace_id`, `span_id`, `start`, `end`, `status`.

    Raises:
        RefusedRow: It is not built as a span or an export request.
    """
    try:
        flat = list(_exported(row.values)) if "resourceSpans" in row.values else [_flat(row.values, {})]
    except (AttributeError, TypeError, ValueError, RecursionError) as error:
        raise RefusedRow("not built as a span", error) from None
    for values in flat:
        yield Fields(values, latest_us=row.latest_us, spreadsheet=row.spreadsheet)


def _exported(request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for group in request["resourceSpans"]:
        resource = _attributes((group.get("resource") or {}).get("attributes"))
        for scope in group.get("scopeSpans") or ():
            for span in scope.get("spans") or ():
                yield _flat(span, resource)


def _flat(span: Mapping[str, Any], resource: Mapping[str, Any]) -> dict[str, Any]:
    context, status = _mapping(span.get("context")), span.get("status")
    told = _mapping(status)
    own = _mapping(span.get("resource"))
    return {
        **resource,
        **_attributes(own.get("attributes")),
        **{name: value for name, value in span.items() if "." in name},
        **_attributes(_loaded(span.get("attributes"))),
        "trace_id": _first(span, context, "traceId", "trace_id"),
        "span_id": _first(span, context, "spanId", "span_id"),
        "start": _first(span, {}, "startTimeUnixNano", "start_time_unix_nano", "start_time", "startTime"),
        "end": _first(span, {}, "endTimeUnixNano", "end_time_unix_nano", "end_time", "endTime"),
        "status": _first(told, span, "code", "status_code") or (status if isinstance(status, str) else None),
        "status_message": told.get("message", told.get("description")),
    }


def _first(span: Mapping[str, Any], context: Mapping[str, Any], *names: str) -> Any:
    return next((value for name in names for value in (span.get(name), context.get(name)) if value), None)


def _loaded(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) and value.strip() else value


def _mapping(value: Any) -> Mapping[str, Any]:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value = json.loads(value)
    return value if isinstance(value, dict) else {}


def _attributes(given: Any) -> dict[str, Any]:
    """Attributes as a mapping, or as OTLP's list of keys and typed values."""
    if isinstance(given, list):
        return {str(one["key"]): _value(one.get("value")) for one in given if isinstance(one, dict) and "key" in one}
    return dict(given) if isinstance(given, dict) else {}


def _value(typed: Any, depth: int = 0) -> Any:
    if not isinstance(typed, dict) or depth > _DEEPEST:
        return None
    if "arrayValue" in typed:
        return [_value(one, depth + 1) for one in _mapping(typed["arrayValue"]).get("values") or ()]
    if "kvlistValue" in typed:
        return _attributes(_mapping(typed["kvlistValue"]).get("values"))
    return next(
        (typed[name] for name in ("stringValue", "intValue", "doubleValue", "boolValue") if name in typed), None
    )
