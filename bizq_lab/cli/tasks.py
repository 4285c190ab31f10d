"""`bizq-lab route|run`: tasks from a JSONL file or a type, through the same router and executor as a notebook."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer
from pydantic import ValidationError

from bizq_lab.cli.output import AsJson, Exit, LogPath, Preset, emit, emit_line, problems, say
from bizq_lab.core.task import RoutingContext, Task
from bizq_lab.errors import BudgetRefused, InputError, LogLocked, NotEnoughData

if TYPE_CHECKING:
    from bizq_lab.core.decision import RoutingDecision

Noun = TypeVar("Noun", Task, RoutingContext)
Tasks = Annotated[Path | None, typer.Argument(help="Tasks as JSONL, `-` for standard input.")]
OneType = Annotated[str | None, typer.Option("--type", help="One task of this type, instead of a file.")]
OneInput = Annotated[str, typer.Option("--input", help="Its input, as a JSON object.")]
ContextJson = Annotated[str, typer.Option("--context", help="Routing context, as a JSON object.")]
Config = Annotated[Path | None, typer.Option("--config", help="A published routing.json.")]


def route(
    tasks: Tasks = None,
    type_: OneType = None,
    input_: OneInput = "{}",
    context: ContextJson = "{}",
    config: Config = None,
    catalog: Preset = "current",
    as_json: AsJson = False,
    as_lines: Annotated[
        bool, typer.Option("--jsonl", help="One JSON object a line, each written as it is decided.")
    ] = False,
) -> None:
    """Decide without executing: the model, the price, and why.

    Text and --jsonl are written decision by decision, so that a long file needs no memory; --json is one document.

    Example: bizq-lab route --type content.write_blog_post --context '{"max_cost": 0.5}'

    Example: bizq-lab route tasks.jsonl --jsonl
    """
    from bizq_lab.catalog import load_catalog
    from bizq_lab.config import load_config
    from bizq_lab.routing import AITaskRouter

    if as_json and as_lines:
        message = "both --json and --jsonl were asked for"
        raise InputError(message, hint="--json is one document, --jsonl an object a line")
    router = AITaskRouter(load_catalog(catalog), None if config is None else load_config(config))
    decisions = router.route_many(_tasks(tasks, type_, input_), _context(context))
    if as_json:
        emit([_decided(decision) for decision in decisions], as_json=True)
        return
    for number, decision in enumerate(decisions):
        if as_lines:
            emit_line(_decided(decision))
        else:
            emit({}, as_json=False, text=("\n" if number else "") + decision.explain())


def _decided(decision: RoutingDecision) -> dict[str, Any]:
    return {
        "task_id": decision.task.id,
        "task_type": decision.task.type,
        "model": decision.config.key,
        "arm": decision.arm,
        "policy": decision.policy,
        "propensity": decision.propensity,
        "estimated_cost_usd": decision.estimate.estimated_cost,
        "flags": list(decision.flags),
        "reasoning": decision.reasoning,
    }


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
    as_json: AsJson = False,
) -> None:
    """Route, execute with failover, and log.

    Example: bizq-lab run tasks.jsonl --log lab.duckdb --config routing.json --max-cost 0.50
    """
    from bizq_lab.catalog import load_catalog
    from bizq_lab.lab import Lab

    todo, where = list(_tasks(tasks, type_, input_)), _context(context)
    loaded = load_catalog(catalog)
    results, refusal = [], ""
    with Lab.open(log, catalog=loaded, config=config, providers=provider, max_cost_usd=max_cost) as lab:
        try:
            for task in todo:
                results.append(lab.run(task, where))
                if max_cost is not None and results[-1].metrics.error_type == "budget":
                    refusal = results[-1].reasoning
                    break
        except BudgetRefused as error:
            refusal = str(error)
        try:
            lab.log.collect()
        except LogLocked as error:
            say(f"{error.message}; what was executed waits in the journal")
    rows = [
        {
            "task_id": r.task_id,
            "decision_id": r.decision_id,
            "status": r.status,
            "output": r.output,
            "cost_usd": None if r.cost is None else float(r.cost),
            "seconds": r.processing_time,
            "reasoning": r.reasoning,
        }
        for r in results
    ]
    say(f"{sum(r.status == 'completed' for r in results)} of {len(todo)} completed; logged to {log}")
    emit(rows, as_json=as_json, text="\n".join(f"{r['status']}\t{r['task_id']}\t{r['output']}" for r in rows))
    if refusal:
        say(f"BudgetRefused: {refusal}")
        raise typer.Exit(Exit.BUDGET_REFUSED)
    if any(r.status in {"failed", "cancelled"} for r in results):
        raise typer.Exit(Exit.ERROR)


def _tasks(path: Path | None, type_: str | None, input_: str) -> Iterator[Task]:
    if (path is None) == (type_ is None):
        message = "no task was named" if path is None else "both a file and --type were named"
        raise InputError(message, hint="pass TASKS.jsonl, or --type with --input")
    if type_ is not None:
        yield _validated(Task, {"type": type_, "input": _object(input_, "--input")}, "--type and --input")
        return
    if str(path) != "-" and not path.exists():  # type: ignore[union-attr]
        message = f"no tasks at {str(path)!r}"
        raise NotEnoughData(message, hint='one JSON object a line: {"type": …, "input": {…}}')
    lines = sys.stdin if str(path) == "-" else path.open(encoding="utf-8")  # type: ignore[union-attr]
    with lines:
        try:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _validated(Task, _object(line, f"{path}:{number}"), f"{path}:{number}")
        except UnicodeDecodeError as error:
            message = f"{path}: not UTF-8: {error.reason} at byte {error.start}"
            raise InputError(message, hint="save the file as UTF-8") from None


def _context(text: str) -> RoutingContext:
    return _validated(RoutingContext, {"workspace_id": "cli", **_object(text, "--context")}, "--context")


def _object(text: str, where: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        message = f"{where} == {text.strip()[:80]!r}, is not JSON: {error.msg} at column {error.colno}"
        raise InputError(message) from None
    except (RecursionError, ValueError) as error:  # nested too deep, or a number of thousands of digits
        message = f"{where} == {text.strip()[:80]!r}, is not JSON that can be read: {str(error)[:80]}"
        raise InputError(message) from None
    if not isinstance(value, dict):
        message = f"{where} == {text.strip()[:80]!r}, must be a JSON object"
        raise InputError(message)
    return value


def _validated(kind: type[Noun], data: dict[str, Any], where: str) -> Noun:
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        message = f"{where}: {problems(error)}"
        raise InputError(message) from None


COMMANDS = (route, run)
