"""`bizq-lab record`: execute tasks with local models and keep every outcome as Parquet, for replay."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from bizq_lab.cli.output import AsJson, emit, say


def record(
    out: Annotated[Path, typer.Option(help="The Parquet file to write.")] = Path("data/recorded/smollm2.parquet"),
    repeats: Annotated[int, typer.Option(min=1, help="Executions of each task by each arm.")] = 11,
    per_type: Annotated[int | None, typer.Option(min=1, help="Tasks of each type; default all.")] = None,
    task_type: Annotated[
        list[str] | None, typer.Option("--task-type", "-t", help="Only this type; repeatable.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the order and of sampling.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Execute every task with every local arm, several times, and record what came back.

    Example: bizq-lab record --repeats 1 --per-type 2 --out out/recorded.parquet
    """
    from bizq_lab.lab.recording import record_outcomes

    with tempfile.TemporaryDirectory() as folder:
        n = record_outcomes(
            Path(folder), out, repeats=repeats, per_type=per_type, task_types=task_type or [], seed=seed
        )
    say(f"recorded {n} outcomes")
    emit({"recorded": n, "file": str(out)}, as_json=as_json, text=str(out))


COMMANDS = (record,)
