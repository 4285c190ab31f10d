"""`bizq-lab humans list|claim|release|resolve|cancel`: what no model could do, and who does it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bizq_lab.cli.output import AsJson, Exit, LogPath, emit, existing

if TYPE_CHECKING:
    from bizq_lab.lab.people import HumanRow

DEFAULT_LOG = Path("lab.duckdb")
TaskId = Annotated[str, typer.Argument(help="Id of the human task.")]

app = typer.Typer(
    name="humans", help="Tasks that no model completed: who has them.", no_args_is_help=True, rich_markup_mode=None
)


@app.command("list")
def list_(
    log: LogPath = DEFAULT_LOG,
    status: Annotated[
        Literal["open", "claimed", "done", "cancelled"] | None, typer.Option(help="Only these; default all.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Every human task, the first to be due first. Exits 3 while one is overdue.

    Example: bizq-lab humans list --status open
    """
    from bizq_lab.lab import Lab

    with Lab.open(existing(log)) as lab:
        queue = lab.humans(status=status)
    emit(queue, as_json=as_json)
    if any(row.overdue and row.status in {"open", "claimed"} for row in queue.rows):
        raise typer.Exit(Exit.ALERT)


@app.command()
def claim(
    human_task_id: TaskId,
    worker: Annotated[str, typer.Option(help="Who takes it.")],
    log: LogPath = DEFAULT_LOG,
    as_json: AsJson = False,
) -> None:
    """Take an open task.

    Example: bizq-lab humans claim hum_9f1c --worker ada
    """
    from bizq_lab.lab import Lab

    with Lab.open(existing(log)) as lab:
        _say(lab.claim_task(human_task_id, worker=worker), as_json=as_json)


@app.command()
def release(human_task_id: TaskId, log: LogPath = DEFAULT_LOG, as_json: AsJson = False) -> None:
    """Give a claimed task back.

    Example: bizq-lab humans release hum_9f1c
    """
    from bizq_lab.lab import Lab

    with Lab.open(existing(log)) as lab:
        _say(lab.release_task(human_task_id), as_json=as_json)


@app.command()
def resolve(
    human_task_id: TaskId,
    minutes: Annotated[int, typer.Option(min=0, help="Whole minutes that it took.")],
    solved: Annotated[bool, typer.Option("--solved/--unsolved", help="Whether the person solved it.")],
    resolution: Annotated[str, typer.Option(help="What was concluded.")] = "",
    worker: Annotated[str, typer.Option(help="Who did it, if nobody had claimed it.")] = "",
    log: LogPath = DEFAULT_LOG,
    as_json: AsJson = False,
) -> None:
    """Say that a task is done; it counts as the arm `human`.

    Example: bizq-lab humans resolve hum_9f1c --minutes 12 --solved --resolution "Refunded by hand."
    """
    from bizq_lab.lab import Lab

    with Lab.open(existing(log)) as lab:
        done = lab.resolve_task(
            human_task_id, minutes_spent=minutes, succeeded=solved, resolution=resolution, worker=worker
        )
    _say(done, as_json=as_json)


@app.command()
def cancel(
    human_task_id: TaskId,
    resolution: Annotated[str, typer.Option(help="Why nobody needs it.")] = "",
    log: LogPath = DEFAULT_LOG,
    as_json: AsJson = False,
) -> None:
    """Say that nobody needs a task any more.

    Example: bizq-lab humans cancel hum_9f1c --resolution "The customer withdrew it."
    """
    from bizq_lab.lab import Lab

    with Lab.open(existing(log)) as lab:
        _say(lab.cancel_task(human_task_id, resolution=resolution), as_json=as_json)


def _say(row: HumanRow, *, as_json: bool) -> None:
    worker = f" by {row.worker}" if row.worker else ""
    emit(asdict(row), as_json=as_json, text=f"{row.human_task_id} is {row.status}{worker}")
