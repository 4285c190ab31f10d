"""Which DuckDB type each event field has. Knows the event classes and no connection."""

from __future__ import annotations

import types
from dataclasses import fields
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from bizq_lab.core.events import EVENTS, Event

_SCALARS: dict[object, str] = {str: "VARCHAR", int: "BIGINT", float: "DOUBLE", bool: "BOOLEAN", Any: "JSON"}


@cache
def event_columns(kind: str) -> dict[str, str]:
    """Column name to DuckDB type of the table that an event kind has, in the order of the event's fields."""
    event = EVENTS[kind]
    hints = get_type_hints(event)
    return {name: _duckdb_type(hints[name]) for name in field_names(event)}


def field_names(event: type[Event]) -> tuple[str, ...]:
    """The fields of an event class in their order."""
    return tuple(field.name for field in fields(event))


def _duckdb_type(hint: object) -> str:
    """Text, whole number, number, truth or JSON; a list of texts stays a list."""
    if isinstance(hint, types.UnionType):
        (inner,) = (option for option in get_args(hint) if option is not type(None))
        return _duckdb_type(inner)
    if get_origin(hint) is list:
        return f"{_duckdb_type(get_args(hint)[0])}[]"
    return _SCALARS[hint]
