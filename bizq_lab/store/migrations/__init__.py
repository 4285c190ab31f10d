"""Numbered steps from an empty file to today's tables, one SQL file each. Knows no connection.

Steps are only ever added: a shipped file never changes, and a log remembers which steps it has seen.
"""

from __future__ import annotations

from importlib.resources import files
from typing import NamedTuple

SCHEMA_VERSION = 11


class Migration(NamedTuple):
    """One step: its number, its name, its SQL."""

    version: int
    name: str
    sql: str


def migrations() -> tuple[Migration, ...]:
    """All steps in order."""
    found = sorted(entry.name for entry in files(__name__).iterdir() if entry.name.endswith(".sql"))
    return tuple(
        Migration(int(name[:4]), name.removesuffix(".sql"), files(__name__).joinpath(name).read_text(encoding="utf-8"))
        for name in found
    )
