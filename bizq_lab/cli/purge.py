"""`bizq-lab purge`: old text out of the log, rows and figures kept."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from bizq_lab.cli.output import AsJson, LogPath, agreed, emit, existing
from bizq_lab.errors import InputError

_AGE = re.compile(r"(\d{1,6})([hdw])")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def purge(
    older_than: Annotated[str, typer.Option("--older-than", help="Age of what goes: 90d, 12h, 8w.")],
    log: LogPath = Path("lab.duckdb"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would go.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Remove it without asking.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove old task inputs, outputs, comments and reasons for good; every row and figure stays.

    Example: bizq-lab purge --older-than 90d --dry-run

    Example: bizq-lab purge --older-than 90d --yes
    """
    from bizq_lab.lab import Lab

    age = _age(older_than)
    with Lab.open(existing(log)) as lab:
        if not dry_run and not yes:
            agreed(lab.purge(older_than=age, dry_run=True).summary())
        emit(lab.purge(older_than=age, dry_run=dry_run), as_json=as_json)


def _age(text: str) -> timedelta:
    found = _AGE.fullmatch(text.strip())
    if found is None:
        message = f"--older-than == {text!r}, must be a number with h, d or w"
        raise InputError(message, hint="90d is ninety days")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


COMMANDS = (purge,)
