"""What a notebook shows of a noun: its fields that say something, escaped, as a table. Knows no noun."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING

from bizq_lab.core.display import Sheet
from bizq_lab.core.markup import html_table

if TYPE_CHECKING:
    from bizq_lab.core.result import Cell

MOST_PARTS = 12


class Noun:
    """Shown as a table of `facts`."""

    __slots__ = ()

    def facts(self) -> dict[str, Cell]:
        """What it says of itself, by name; by default its fields, as far as they are set."""
        values = {name: getattr(self, name) for name in _field_names(type(self))}
        return {name: shown(value) for name, value in values.items() if value not in (None, "", (), {})}

    def sheet(self) -> Sheet:
        """Its facts under its name, with the first sentence of what its class is."""
        summary = (type(self).__doc__ or "").strip().split("\n", 1)[0]
        rows = [{"field": name.replace("_", " "), "value": value} for name, value in self.facts().items()]
        return Sheet(title=type(self).__name__, summary=summary, columns=("field", "value"), rows=rows)

    def _repr_html_(self) -> str:
        return html_table(self.sheet())


def _field_names(kind: type) -> list[str]:
    """Of a dataclass, or of a pydantic model."""
    return [field.name for field in fields(kind)] if is_dataclass(kind) else list(getattr(kind, "model_fields", ()))


def shown(value: object) -> Cell:
    """A field's value as one cell: numbers stay numbers, collections name their parts."""
    if isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        return _parts([f"{key}: {part}" for key, part in value.items()])
    if isinstance(value, (tuple, list, set, frozenset)):
        parts = sorted(map(str, value)) if isinstance(value, (set, frozenset)) else list(map(str, value))
        return _parts(parts)
    return str(value)


def _parts(parts: list[str]) -> str:
    more = f", and {len(parts) - MOST_PARTS} more" if len(parts) > MOST_PARTS else ""
    return ", ".join(parts[:MOST_PARTS]) + more
