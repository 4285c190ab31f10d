"""`bizq-lab archive` and `bizq-lab export-log`: old days to Parquet, whole tables to other tools."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from bizq_lab.cli.output import AsJson, LogPath, emit, existing


def archive(
    before: Annotated[
        datetime, typer.Option("--before", formats=["%Y-%m-%d"], help="The first UTC day that stays in the log's file.")
    ],
    to: Annotated[
        str | None,
        typer.Option("--to", help="A folder or an fsspec URL (s3://…); beside the log by default. Once is enough."),
    ] = None,
    log: LogPath = Path("lab.duckdb"),
    as_json: AsJson = False,
) -> None:
    """Move old days to Parquet files; every question goes on seeing them. Safe to repeat, and to kill.

    Example: bizq-lab archive --before 2026-10-01

    Example: bizq-lab archive --before 2026-10-01 --to s3://bucket/lab
    """
    from bizq_lab.lab import Lab

    with Lab.open(existing(log)) as lab:
        emit(lab.archive(before=before.date(), to=to), as_json=as_json)


def export_log(
    out: Annotated[Path, typer.Option("--out", help="A folder; files of the same names are replaced.")],
    table: Annotated[
        list[str] | None, typer.Option("--table", help="Only this table; can be given several times.")
    ] = None,
    log: LogPath = Path("lab.duckdb"),
    as_json: AsJson = False,
) -> None:
    """Write the log's tables to Parquet, one file each, archived rows included.

    Example: bizq-lab export-log --out parquet

    Example: bizq-lab export-log --out parquet --table task_outcome --table feedback
    """
    from bizq_lab.lab import Lab

    with Lab.open(existing(log)) as lab:
        emit(lab.export_log(out, tables=tuple(table or ())), as_json=as_json)


COMMANDS = (archive, export_log)
