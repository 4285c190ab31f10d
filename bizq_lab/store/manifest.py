"""What an archive holds, written beside its files for readers that do not have the DuckDB file. Opens no Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from bizq_lab.errors import InputError
from bizq_lab.store.archived import ArchivedFile, Place
from bizq_lab.store.migrations import SCHEMA_VERSION
from bizq_lab.store.shelf import Shelf

MANIFEST = "manifest.json"
_FORMAT = 1


def write_manifest(shelf: Shelf, place: Place, files: Iterable[ArchivedFile]) -> None:
    """Write the manifest anew; a reader sees the old one or the new one."""
    tables: dict[str, list[dict[str, Any]]] = {}
    for file in files:
        row = {name: value for name, value in file._asdict().items() if name != "table_name"}
        tables.setdefault(file.table_name, []).append(row)
    manifest = {
        "format": _FORMAT, "archive_id": place.archive_id, "schema_version": SCHEMA_VERSION,
        "before_us": place.before_us, "tables": tables,
    }  # fmt: skip
    shelf.write_text(MANIFEST, json.dumps(manifest, indent=1, sort_keys=True) + "\n")


def read_manifest(shelf: Shelf) -> dict[str, Any] | None:
    """The manifest of an archive, None where there is none.

    Raises:
        InputError: It is no manifest of ours, or of a newer release.
    """
    text = shelf.read_text(MANIFEST)
    if text is None:
        return None
    try:
        found: dict[str, Any] = json.loads(text)
        newer = found["format"] > _FORMAT or found["schema_version"] > SCHEMA_VERSION
        sound = isinstance(found["archive_id"], str) and isinstance(found["tables"], dict)
    except (ValueError, KeyError, TypeError):
        sound = newer = False
    if newer:
        raise InputError(f"{shelf.address(MANIFEST)} is of a newer release", hint="upgrade bizq_lab")
    if not sound:
        raise InputError(f"{shelf.address(MANIFEST)} is no manifest of an archive", hint="name another folder")
    return found
