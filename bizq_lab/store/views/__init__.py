"""The views: the log's public API for people, one SQL file each, named as the view. Knows no connection.

A file starts with a header: what the view is for, `grain:` (the columns that identify a row), `reads:`, `columns:` with
their units. A view takes no parameters and reads no clock: the same events give the same rows.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from bizq_lab.core.ids import digest

_FIELD = re.compile(r"^-- (?P<field>grain|reads|columns):\s+(?P<text>.*)$")


class View(NamedTuple):
    """One view and its header."""

    name: str
    purpose: str
    grain: tuple[str, ...]
    reads: tuple[str, ...]
    columns: str
    sql: str


@cache
def views() -> tuple[View, ...]:
    """All views by name."""
    found = sorted(
        entry.name.removesuffix(".sql") for entry in files(__name__).iterdir() if entry.name.endswith(".sql")
    )
    return tuple(parse(name, files(__name__).joinpath(f"{name}.sql").read_text(encoding="utf-8")) for name in found)


def views_digest() -> str:
    """Changes whenever some view's text does."""
    return digest(*(part for view in views() for part in (view.name, view.sql)))


def parse(name: str, sql: str) -> View:
    """Read a view's header block: the comment lines on top of its file."""
    fields: dict[str, list[str]] = {"purpose": [], "grain": [], "reads": [], "columns": []}
    current = "purpose"
    for line in sql.splitlines():
        if not line.startswith("-- "):
            break
        match = _FIELD.match(line)
        if match:
            current = match["field"]
        fields[current].append(match["text"] if match else line.removeprefix("-- ").strip())
    text = {field: " ".join(parts) for field, parts in fields.items()}
    return View(
        name=name,
        purpose=text["purpose"].removeprefix(f"{name}:").strip(),
        grain=tuple(part.strip() for part in text["grain"].removeprefix("one row per").strip(" ()").split(",")),
        reads=tuple(part.strip() for part in text["reads"].split(",")),
        columns=text["columns"],
        sql=sql,
    )
