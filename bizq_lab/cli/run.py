"""`bizq-lab run`: tasks in bulk, previewed, capped, resumable; the same path as a notebook's `lab.run_many`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bizq_lab.cli.output import AsJson, Exit, LogPath, Preset, emit, say
from bizq_lab.cli.reading import Config, ContextJson, OneInput, OneType, Tasks, read_context, read_tasks
from bizq_lab.errors import BizqLabError, InputError, LogLocked

if TYPE_CHECKING:
    from bizq_lab.lab import Lab
    from bizq_lab.lab.bulk_result import BulkRun
    from bizq_lab.lab.preview import CostPreview

INTERRUPTED = 130


def run(
    tasks: Tasks = None,
    type_: OneType = None,
    input_: OneInput = "{}",
    context: ContextJson = "{}",
    config: Config = None,
    catalog: Preset = "current",
    provider: Annotated[
        Literal["live", "simulated"], typer.Option(help="`simulated` answers from a world with known truth.")
    ] = "live",
    log: LogPath = Path("lab.duckdb"),
    max_cost: Annotated[
        float | None, typer.Option("--max-cost", help="Most USD for the whole run; exit code 5 when it ends there.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Spend what the preview says without asking.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check and price every task; send and log nothing.")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that did not end.")] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="As --resume, and try again what did not complete.")
    ] = False,
    run_id: Annotated[
        str | None, typer.Option("--run", help="Name of the run; with --resume which one, else the latest.")
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Executions of each task.")] = 1,
    concurrency: Annotated[int, typer.Option(min=1, help="Tasks at a time for each provider.")] = 8,
    cache: Annotated[
        bool, typer.Option("--cache", help="Answer a repeated request from the cache beside the log.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Route, execute with failover, and log many tasks; preview their cost first.

    On a terminal it asks before it spends. Elsewhere it needs --yes or --max-cost where a vendor would send a bill.

    Example: bizq-lab run tasks.jsonl --log lab.duckdb --config routing.json --max-cost 0.50

    Example: bizq-lab run tasks.jsonl --dry-run

    Example: bizq-lab run tasks.jsonl --resume --yes
    """
    from bizq_lab.catalog import load_catalog
    from bizq_lab.lab import Lab

    todo, where = list(read_tasks(tasks, type_, input_)), read_context(context)
    which: dict[str, Any] = {"repeats": repeats, "run_id": run_id, "resume": resume, "retry_failed": retry_failed}
    with Lab.open(log, catalog=load_catalog(catalog), config=config, providers=provider, cache=cache) as lab:
        preview = lab.preview(todo, where, **which)
        if dry_run:
            emit(preview, as_json=as_json)
            return
        say(preview.summary())
        if provider == "live" and not yes:
            _ask(preview, max_cost)
        answer = _executed(lab, todo, where, which | {"concurrency": concurrency, "max_cost_usd": max_cost})
        try:
            lab.log.collect()
        except LogLocked as error:
            say(f"{error.message}; what was executed waits in the journal")
    _tell(answer, log, as_json=as_json)


def _ask(preview: CostPreview, max_cost: float | None) -> None:
    """Ask a person; elsewhere somebody must have agreed beforehand, to everything or to a cap.

    Raises:
        InputError: Money would be spent, and nobody agreed.
    """
    if not preview.spends_money:
        return
    if sys.stdin.isatty() and sys.stderr.isatty():
        typer.confirm("Go on?", abort=True, err=True)
    elif max_cost is None:
        message = f"{preview.summary()}; nobody agreed to that, and this is no terminal to ask on"
        raise InputError(message, hint="pass --yes to spend it, --max-cost to spend at most so much, --dry-run to look")


def _executed(lab: Lab, todo: list[Any], where: Any, options: dict[str, Any]) -> BulkRun:
    try:
        return lab.run_many(todo, where, **options)
    except KeyboardInterrupt:
        say("Interrupted. What had ended is logged; go on with: bizq-lab run … --resume")
        raise typer.Exit(INTERRUPTED) from None
    except BizqLabError as error:
        for note in getattr(error, "__notes__", ()):
            say(note)
        raise


def _tell(answer: BulkRun, log: Path, *, as_json: bool) -> None:
    rows = [
        {
            "row": row.row,
            "task_id": row.task_id,
            "decision_id": row.decision_id,
            "status": row.status,
            "output": row.output,
            "model": row.model,
            "cost_usd": row.cost_usd,
            "seconds": row.response_time_s,
            "cached": row.cached,
            "earlier": row.earlier,
            "reasoning": row.reason,
        }
        for row in answer.rows
    ]
    say(f"{answer.run_id}: {answer.summary()}; logged to {log}")
    emit(rows, as_json=as_json, text="\n".join(f"{r['status']}\t{r['task_id']}\t{r['output']}" for r in rows))
    if answer.refusal:
        say(f"BudgetRefused: {answer.refusal}\nHint: go on with --resume and a higher --max-cost")
        raise typer.Exit(Exit.BUDGET_REFUSED)
    if any(row.status not in {"completed", "escalated"} for row in answer.rows):
        raise typer.Exit(Exit.ERROR)


COMMANDS = (run,)
