"""Which reports were written of a workspace that was forgotten: they are listed, never changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bizq_lab.lab.oblivion import Place
from bizq_lab.reports.shelf import manifest
from bizq_lab.store.traces import held_in, spellings_of

if TYPE_CHECKING:
    from bizq_lab.lab.oblivion import Forgotten


def with_reports(forgotten: Forgotten, folders: Iterable[str | Path]) -> Forgotten:
    """The same answer with the reports of these folders that name the workspace, or may count its tasks.

    Args:
        forgotten: What `Lab.forget` said.
        folders: Where reports were filed; one that is not there has none.

    Raises:
        InputError: A folder's manifest is not ours.
    """
    since = forgotten.since.isoformat() if forgotten.since else ""
    names = spellings_of(forgotten.workspace_id)
    rows = []
    for folder in map(Path, folders):
        counting = {folder / filed.file for filed in manifest(folder) if filed.as_of >= since}
        for file in sorted(folder.rglob("*")) if folder.is_dir() else ():
            named = file.is_file() and any(held_in(file, names, ()))
            if named or file in counting:
                rows.append(Place(str(file), 1, f"{'names it' if named else 'may count its tasks'}: not reached"))
    return replace(forgotten, rows=(*forgotten.rows, *rows))
