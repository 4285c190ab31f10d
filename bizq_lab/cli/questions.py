"""`bizq-lab performance|compare|efficiency|acceptability|what-if|evaluate|sql`: questions to the log, one call each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from bizq_lab.cli.output import AsJson, LogPath, Preset, TaskType, emit, existing

DEFAULT_LOG = Path("lab.duckdb")


def performance(
    log: LogPath = DEFAULT_LOG,
    task_type: TaskType = None,
    workspace: Annotated[str | None, typer.Option(help="Only this workspace.")] = None,
    by_workspace: Annotated[bool, typer.Option("--by-workspace", help="One row a workspace.")] = False,
    by_day: Annotated[bool, typer.Option("--by-day", help="One row a UTC day.")] = False,
    served: Annotated[bool, typer.Option("--served", help="Charge the model that answered, after failover.")] = False,
    as_json: AsJson = False,
) -> None:
    """How each model does at each task type: success, cost, latency, quality, with intervals.

    Example: bizq-lab performance --log out/demo/lab.duckdb --by-day
    """
    from bizq_lab.lab import Lab

    with Lab.open(existing(log)) as lab:
        found = lab.performance(
            task_type=task_type, workspace_id=workspace, by_workspace=by_workspace, by_day=by_day, served=served
        )
    emit(found, as_json=as_json)


def compare(
    task_type: Annotated[str, typer.Option("--task-type", "-t", help="What to compare on.")],
    log: LogPath = DEFAULT_LOG,
    experiment: Annotated[str, typer.Option(help="Only this experiment.")] = "",
    primary: Annotated[str, typer.Option(help="The metric that decides: success, quality, cost, latency.")] = "success",
    control: Annotated[str | None, typer.Option(help="Arm to compare with.")] = None,
    as_json: AsJson = False,
) -> None:
    """Which arm is better at a task type: difference, interval, p-value, verdict.

    Example: bizq-lab compare --log out/demo/lab.duckdb --task-type customer.process_return
    """
    from bizq_lab.lab import Lab

    with Lab.open(existing(log)) as lab:
        emit(lab.compare(task_type=task_type, experiment=experiment, primary=primary, control=control), as_json=as_json)


def efficiency(
    log: LogPath = DEFAULT_LOG, task_type: TaskType = None, catalog: Preset = "current", as_json: AsJson = False
) -> None:
    """What a success costs, arm by arm, best value first.

    Example: bizq-lab efficiency --log out/demo/lab.duckdb --json
    """
    from bizq_lab.lab import Lab

    with Lab.open(existing(log), catalog=catalog) as lab:
        emit(lab.efficiency(task_type=task_type), as_json=as_json)


def acceptability(
    task_type: Annotated[str, typer.Option("--task-type", "-t", help="Which task type.")],
    log: LogPath = DEFAULT_LOG,
    value: Annotated[list[float] | None, typer.Option(help="What a success is worth, USD; may be repeated.")] = None,
    catalog: Preset = "current",
    as_json: AsJson = False,
) -> None:
    """Which arm is the best choice, for every worth of a success: probabilities over a range.

    Example: bizq-lab acceptability --log out/demo/lab.duckdb --task-type customer.process_return
    """
    from bizq_lab.lab import Lab

    with Lab.open(existing(log), catalog=catalog) as lab:
        emit(lab.acceptability(task_type=task_type, values_usd=value or ()), as_json=as_json)


def what_if(
    config: Annotated[Path, typer.Argument(help="The other routing.json.")],
    log: LogPath = DEFAULT_LOG,
    task_type: TaskType = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the latest so many decisions.")] = None,
    catalog: Preset = "current",
    as_json: AsJson = False,
) -> None:
    """Route the log's tasks again under another config, without executing, and show what would change.

    Example: bizq-lab what-if out/demo/routing.json --log out/demo/lab.duckdb
    """
    from bizq_lab.lab import Lab

    with Lab.open(existing(log), catalog=catalog) as lab:
        lab.learn()
        emit(lab.what_if(config, task_type=task_type, limit=limit), as_json=as_json)


def evaluate(
    config: Annotated[Path, typer.Option("--config", help="The candidate's routing.json.")],
    log: LogPath = DEFAULT_LOG,
    against: Annotated[Path | None, typer.Option(help="Compare with this routing.json instead of what ran.")] = None,
    task_type: TaskType = None,
    basis: Annotated[Literal["auto", "off-policy", "paired"], typer.Option(help="Which decisions may speak.")] = "auto",
    estimators: Annotated[
        bool, typer.Option("--estimators", help="Show every estimator and the clipping curve.")
    ] = False,
    catalog: Preset = "current",
    as_json: AsJson = False,
) -> None:
    """What another config would have cost and scored on the log's tasks, from logged propensities or paired tasks.

    Exits 4 where the log cannot say, naming what to switch on.

    Example: bizq-lab evaluate --config out/demo/routing.json --log out/demo/lab.duckdb
    """
    from bizq_lab.lab import Lab

    with Lab.open(existing(log), catalog=catalog) as lab:
        lab.learn()
        answer = lab.evaluate(config, against=against or "logged", task_type=task_type, basis=basis)
    emit(answer.estimators if estimators else answer, as_json=as_json)


def sql(
    statement: Annotated[str, typer.Argument(help="One SELECT, or EXPLAIN.")],
    log: LogPath = DEFAULT_LOG,
    as_json: AsJson = False,
) -> None:
    """One read-only SELECT over the log's tables and views.

    Example: bizq-lab sql "SELECT task_type, count(*) AS n FROM task_outcome GROUP BY ALL" --log out/demo/lab.duckdb
    """
    from bizq_lab.lab import Lab

    with Lab.open(existing(log)) as lab:
        frame = lab.sql(statement)
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    emit(rows, as_json=as_json, text=frame.to_string(index=False))


COMMANDS = (performance, compare, efficiency, acceptability, what_if, evaluate, sql)
