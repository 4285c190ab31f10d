"""`bizq-lab init`: a commented project in a folder, and what to do next. The work is `lab.project`'s own."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bizq_lab.cli.output import AsJson, emit


def init(
    folder: Annotated[Path, typer.Argument(help="Where to; made if need be.")] = Path(),
    as_of: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Date the routing config carries; default today.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a first project: catalog, tasks, routing config, crontab, .env.example, .gitignore. Overwrites nothing.

    Example: bizq-lab init returns
    """
    from bizq_lab.lab.project import TASK_TYPE, start_project

    written = start_project(folder, as_of=(as_of or datetime.now(UTC)).date())
    steps = [
        *([] if folder == Path() else [f"cd {shlex.quote(str(folder))}"]),
        "export BIZQ_LAB_CATALOG=catalog.toml",
        "bizq-lab doctor",
        f"bizq-lab experiment run -t {TASK_TYPE} --arms plain,styled --tasks tasks.jsonl --config routing.json",
        f"bizq-lab compare -t {TASK_TYPE}",
        "bizq-lab tune --config routing.json --models catalog.toml --publish routing.json",
    ]
    text = "\n".join([*map(str, written), "", "Next:", *(f"  {step}" for step in steps)])
    emit({"files": [str(path) for path in written], "next": steps}, as_json=as_json, text=text)


COMMANDS = (init,)
