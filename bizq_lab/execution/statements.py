"""The SQLite statements of execution's own files, by name. Knows no database."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def statements(file: str) -> dict[str, str]:
    """The sections of `execution/<file>`, each under its `-- name:` line."""
    _, *sections = files("bizq_lab.execution").joinpath(file).read_text(encoding="utf-8").split("-- name: ")
    named = (section.partition("\n") for section in sections)
    return {name.strip(): body.strip() for name, _, body in named}
