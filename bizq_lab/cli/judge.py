"""`bizq-lab judge|judge-agreement`: scores by a model, and whether people agree with them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bizq_lab.cli.output import AsJson, Exit, LogPath, Preset, TaskType, emit, existing, say

DEFAULT_LOG = Path("lab.duckdb")


def judge(
    model: Annotated[str, typer.Option("--model", help="The catalog model that judges.")],
    log: LogPath = DEFAULT_LOG,
    task_type: TaskType = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many answers, the latest first.")] = 100,
    max_cost: Annotated[float | None, typer.Option("--max-cost", help="Most USD for judging.")] = None,
    catalog: Preset = "current",
    as_json: AsJson = False,
) -> None:
    """Score logged answers that this judge has not seen, by their task types' rubrics.

    Example: bizq-lab judge --model local/smollm2-135m --log out/demo/lab.duckdb --limit 20
    """
    from bizq_lab.lab import Lab

    with Lab.open(existing(log), catalog=catalog, max_cost_usd=max_cost) as lab:
        answer = lab.judge(model, task_type=task_type, limit=limit)
    say("a judge's scores are only as good as people find them: bizq-lab judge-agreement")
    emit(answer, as_json=as_json)


def judge_agreement(
    log: LogPath = DEFAULT_LOG,
    model: Annotated[str | None, typer.Option("--model", help="Only this judge.")] = None,
    task_type: TaskType = None,
    catalog: Preset = "current",
    as_json: AsJson = False,
) -> None:
    """Whether judges and people agree on the same answers. Exits 3 where some judge may not be trusted.

    Example: bizq-lab judge-agreement --log lab.duckdb
    """
    from bizq_lab.lab import Lab

    with Lab.open(existing(log), catalog=catalog) as lab:
        answer = lab.judge_agreement(model, task_type=task_type)
    emit(answer, as_json=as_json)
    if not all(row.trusted for row in answer.rows):
        raise typer.Exit(Exit.ALERT)


COMMANDS = (judge, judge_agreement)
