"""`bizq-lab forget`: a workspace out of the log, for good."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bizq_lab.cli.output import AsJson, Exit, LogPath, agreed, emit, existing


def forget(
    workspace: Annotated[str, typer.Argument(help="Id of the workspace whose rows go.")],
    log: LogPath = Path("lab.duckdb"),
    reports: Annotated[
        list[Path] | None, typer.Option("--reports", help="Folder of reports to list what was written; any number.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would go.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Remove it without asking.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove a workspace's every row and byte: log, archive, snapshot, journal, backups, cache and ledger.

    Whatever is collected of it later is dropped. Reports that were written and alerts that were sent are listed, not
    reached. Exit code 3 when a search of the bytes still finds its name or its texts somewhere.

    Example: bizq-lab forget ws_17 --dry-run

    Example: bizq-lab forget ws_17 --yes --reports reports --log lab.duckdb
    """
    from bizq_lab.lab import Lab
    from bizq_lab.reports import with_reports

    folders = reports or [Path("reports")]
    with Lab.open(existing(log)) as lab:
        answer = with_reports(lab.forget(workspace, dry_run=True), folders)
        if not dry_run:
            if not yes:
                agreed(answer.summary())
            answer = with_reports(lab.forget(workspace), folders)
    emit(answer, as_json=as_json)
    if answer.traces:
        raise typer.Exit(Exit.ALERT)


COMMANDS = (forget,)
